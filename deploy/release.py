"""Check that everything that names a release's version, image and requirements agrees.

python3 deploy/release.py               what `make release-check` runs, before a release
python3 deploy/release.py --tag v0.2.0  what the release workflow runs, on the tag

Needs only the standard library and git. Prints one line for each disagreement.
"""

import argparse
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Installed together, so that each package must have one version in all of them.
TOGETHER = ("server", "convert", "monitoring", "bench", "test")
PIN = re.compile(
    r"^([A-Za-z0-9._-]+)==([^\s;]+)[^\n]*((?:\n +--hash=sha256:[0-9a-f]{64} ?\\?)*)", re.M
)
WANTED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?(.*)$", re.M)
BOUND = re.compile(r"(==|>=|<=|<|>)([\d.]+)")
FITS = {
    "==": lambda a, b: a == b, ">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b, ">": lambda a, b: a > b,
}  # fmt: skip


def text(place: str) -> str:
    """Return a file of this repository."""
    return (ROOT / place).read_text()


def version() -> str:
    """Return the version, as pyproject.toml has it."""
    return str(tomllib.loads(text("pyproject.toml"))["project"]["version"])


def faults(tag: str | None) -> Iterator[str]:
    """Yield all that does not fit the version of pyproject.toml, and the tag where there is one."""
    wanted = version()
    yield from wrong_versions(wanted)
    yield from wrong_changelog(wanted)
    yield from wrong_tag(wanted, tag)
    yield from wrong_images()
    yield from wrong_locks()
    yield from wrong_dependencies()


def wrong_versions(wanted: str) -> Iterator[str]:
    """Compare the server's version, its client's, and the tags of the images that are deployed."""
    client = "clients/python/pyproject.toml"
    found = [
        ("server/__init__.py", re.findall(r'__version__ = "(.*)"', text("server/__init__.py"))),
        (client, re.findall(r'^version = "(.*)"', text(client), re.M)),
    ]
    for path in deployed():
        tags = re.findall(
            r"newTag: v?([^\s}]+)|/credit-express[\w-]*:v?([\w.-]+)", path.read_text()
        )
        found.append((str(path.relative_to(ROOT)), [a or b for a, b in tags]))
    for place, versions in found:
        for each in versions:
            if each.removesuffix("-grpc") != wanted:
                yield f"{place}: version {each}, and pyproject.toml has {wanted}"


def deployed() -> list[Path]:
    """Return the manifests."""
    return sorted((ROOT / "deploy").rglob("*.yaml"))


def wrong_changelog(wanted: str) -> Iterator[str]:
    """The first section is the version's and has a day."""
    first = re.search(r"^## (.*)$", text("CHANGELOG.md"), re.M)
    said = first[1] if first else "no section"
    if not re.fullmatch(rf"{re.escape(wanted)} - \d{{4}}-\d\d-\d\d", said):
        yield f"CHANGELOG.md: begins with {said}, and {wanted} - DAY is needed"


def wrong_tag(wanted: str, tag: str | None) -> Iterator[str]:
    """The tag is the version's; without one, the version has not been released elsewhere."""
    if tag is not None and tag != f"v{wanted}":
        yield f"tag {tag}: pyproject.toml has version {wanted}"
    there, here = commit(f"refs/tags/v{wanted}"), commit("HEAD")
    if there not in {"", here}:
        yield f"tag v{wanted}: stands at {there[:12]} already, so the version must rise"


def commit(name: str) -> str:
    """Return the commit of a name, "" where there is none."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--quiet", "--verify", f"{name}^{{commit}}"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603


def wrong_images() -> Iterator[str]:
    """One name for what is built here, one for what is published."""
    built = re.findall(r"^IMAGE \?= (\S+)$", text("Makefile"), re.M)[0]
    for place, pattern in {
        "deploy/compose/.env": r"^IMAGE=(\S+)$",
        "deploy/model/Dockerfile": r"^ARG IMAGE=(\S+)$",
        "deploy/kubernetes/kustomization.yaml": r"- \{name: ([\w-]+), newName",
    }.items():
        for each in re.findall(pattern, text(place), re.M):
            if each != built:
                yield f"{place}: image {each}, and the Makefile builds {built}"
    source = re.findall(
        r"^ARG SOURCE=https://github.com/(\S+)$", text("Dockerfile.distroless"), re.M
    )
    for path in deployed():
        for each in re.findall(r"ghcr\.io/([\w/-]+)", path.read_text()):
            if each.removesuffix("-monitoring") not in source:
                yield f"{path.relative_to(ROOT)}: ghcr.io/{each}, and the source is {source[0]}"


def wrong_locks() -> Iterator[str]:
    """Each requirements/*.txt has what its .in wants, with hashes, and layers agree."""
    seen: dict[str, dict[str, set[str]]] = defaultdict(dict)
    for path in sorted((ROOT / "requirements").glob("*.in")):
        pinned: dict[str, set[str]] = defaultdict(set)
        for name, pin, hashes in PIN.findall(path.with_suffix(".txt").read_text()):
            pinned[normal(name)].add(pin)
            if not hashes:
                yield f"requirements/{path.stem}.txt: {name}=={pin} has no hash"
        yield from wrong_pins(path, pinned)
        if path.stem in TOGETHER:
            for name, pins in pinned.items():
                seen[name][path.stem] = pins
    for name, layers in seen.items():
        if len(set(map(frozenset, layers.values()))) > 1:
            said = ", ".join(f"{layer} {'/'.join(sorted(p))}" for layer, p in layers.items())
            yield f"requirements: {name} has several versions: {said}; make lock"


def wrong_pins(path: Path, pinned: dict[str, set[str]]) -> Iterator[str]:
    """Compare what a layer asks for with what is pinned."""
    for name, bounds in WANTED.findall(path.read_text()):
        pins = pinned.get(normal(name), set())
        if not pins:
            yield f"requirements/{path.stem}.txt: no {name}, which {path.name} wants; make lock"
        for pin in pins:
            for sign, bound in BOUND.findall(bounds):
                if not FITS[sign](numbers(pin), numbers(bound)):
                    wanted = f"{path.name} wants {sign}{bound}; make lock"
                    yield f"requirements/{path.stem}.txt: {name}=={pin}, {wanted}"


def wrong_dependencies() -> Iterator[str]:
    """What the wheel asks for is what the layers ask for."""
    project = tomllib.loads(text("pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    for layer, named in {
        "server": project["dependencies"], "convert": extras["convert"],
        "monitoring": extras["monitor"],
    }.items():  # fmt: skip
        lines = text(f"requirements/{layer}.in").splitlines()
        for name in sorted({line for line in lines if line and line[0] != "#"} ^ set(named)):
            yield f"pyproject.toml and requirements/{layer}.in: only one of them has {name}"


def normal(name: str) -> str:
    """Return a package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def numbers(pin: str) -> tuple[int, ...]:
    """Return the numbers of a version, without zeros behind."""
    return tuple(int(each) for each in re.findall(r"\d+", re.sub(r"(\.0)+$", "", pin)))


def main() -> int:
    """Print every fault; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tag", metavar="vVERSION", help="the tag of the release")
    found = list(faults(parser.parse_args().tag))
    for each in found:
        print(each, file=sys.stderr)
    if not found:
        print(f"{version()}: version, changelog, image names and lock files agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
