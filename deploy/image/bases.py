"""Pin by digest the images of others that this repository builds on or runs.

python deploy/image/bases.py      refuse any without a digest
  --update                        look the digests up again (docker, a registry)
  --tags DOCKERFILE               build arguments that name the tags alone
  --into SBOM DOCKERFILE          add an image's base to the CycloneDX list of its packages
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ARGUMENT = re.compile(r"^ARG (?P<name>BUILDER|RUNTIME|BASE)=(?P<image>\S+)$", re.M)
# An image whose name has no folder is built here.
NAMED = re.compile(r"(?:\bimage: |\bimage=|\bgenerator=)(?P<image>[\w.-]+/\S+)")
PLACES = {
    "Dockerfile.distroless": ARGUMENT,
    "deploy/monitoring/Dockerfile": ARGUMENT,
    "deploy/portfolio/Dockerfile": ARGUMENT,
    "deploy/compose/compose.yaml": NAMED,
    ".github/workflows/release.yml": NAMED,
}
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
HELD = {"RUNTIME", "BASE"}


def images() -> Iterator[tuple[str, str]]:
    """Yield (file, image as it stands there)."""
    for place, pattern in PLACES.items():
        for found in pattern.finditer((ROOT / place).read_text()):
            yield place, found["image"]


def tag_of(image: str) -> str:
    """Return the name and the tag, without the digest."""
    return DIGEST.sub("", image)


def update() -> None:
    """Write the digest that a registry gives each tag today."""
    newest = {tag: f"{tag}@{digest(tag)}" for tag in {tag_of(image) for _, image in images()}}
    for place, image in list(images()):
        if image != newest[tag_of(image)]:
            print(f"{place}: {image} -> {newest[tag_of(image)]}")
            text = (ROOT / place).read_text()
            (ROOT / place).write_text(text.replace(image, newest[tag_of(image)]))


def digest(tag: str) -> str:
    """Return the digest of a tag, that of its index where it is made for several processors."""
    docker = os.environ.get("DOCKER", "docker")
    command = [docker, "pull", tag]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    found = re.search(r"^Digest: (sha256:[0-9a-f]{64})$", said.stdout, re.M)
    if found is None:
        sys.exit(f"{tag}: wanted docker pull to tell its digest, got {said.stdout!r}")
    return found[1]


def add_to(sbom: Path, dockerfile: str) -> None:
    """Add the base that an image holds to the CycloneDX list of its Python packages."""
    listed = json.loads(sbom.read_bytes())
    for found in ARGUMENT.finditer((ROOT / dockerfile).read_text()):
        if found["name"] in HELD:
            name, _, sha256 = found["image"].partition("@sha256:")
            listed["components"].append(
                {
                    "type": "container",
                    "bom-ref": found["image"],
                    "name": name,
                    "version": f"sha256:{sha256}",
                    "hashes": [{"alg": "SHA-256", "content": sha256}],
                }
            )
    sbom.write_text(json.dumps(listed, indent=2))


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--tags", metavar="DOCKERFILE")
    parser.add_argument("--into", nargs=2, metavar=("SBOM", "DOCKERFILE"))
    chosen = parser.parse_args()
    if chosen.update:
        update()
    if chosen.tags:
        found = ARGUMENT.finditer((ROOT / chosen.tags).read_text())
        print(*(f"--build-arg {each['name']}={tag_of(each['image'])}" for each in found))
    loose = [f"{place}: {image}" for place, image in images() if not DIGEST.search(image)]
    if loose:
        sys.exit("wanted a digest (NAME:TAG@sha256:…) of each image, got\n" + "\n".join(loose))
    if chosen.into:
        add_to(Path(chosen.into[0]), chosen.into[1])


if __name__ == "__main__":
    main()
