"""Images of others are named by digest, what is held is listed, `latest` is the newest version."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

BASES = "deploy/image/bases.py"
WORKFLOWS = ROOT / ".github" / "workflows"
RELEASE = yaml.safe_load((WORKFLOWS / "release.yml").read_text())
DOCKERFILES = ("Dockerfile.distroless", "deploy/monitoring/Dockerfile")
PORTFOLIO = "deploy/portfolio/Dockerfile"  # what it stands on is built here
BY_DIGEST = re.compile(r"\S+:\S+@sha256:[0-9a-f]{64}")
NEVER = "f" * 64


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the files that name images, and of the check."""
    places = [
        "deploy/compose/compose.yaml", ".github/workflows/release.yml", *DOCKERFILES, PORTFOLIO,
        BASES,
    ]  # fmt: skip
    for place in places:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / place, tmp_path / place)
    return tmp_path


def bases(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(folder / BASES), *arguments],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip


def bases_of(dockerfile: str) -> dict[str, str]:
    """Return the default of every build argument that a FROM names."""
    text = (ROOT / dockerfile).read_text()
    named = re.findall(r"^FROM \$\{(\w+)\}", text, re.M)
    assert named
    assert set(re.findall(r"^FROM ([^$\s]\S*)", text, re.M)) <= {"scratch"}
    return {name: re.findall(rf"^ARG {name}=(.*)$", text, re.M)[0] for name in named}


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_every_base_image_is_named_by_its_digest(dockerfile: str) -> None:
    for image in bases_of(dockerfile).values():
        assert BY_DIGEST.fullmatch(image)


def test_both_images_are_built_on_the_same_python() -> None:
    server, monitoring = map(bases_of, DOCKERFILES)
    assert server["BUILDER"] == monitoring["BASE"]
    assert bases_of(PORTFOLIO) == {"BUILDER": server["BUILDER"], "IMAGE": "credit-express"}


@pytest.mark.parametrize(
    ("dockerfile", "held"), [*zip(DOCKERFILES, ("RUNTIME", "BASE"), strict=True)]
)
def test_an_image_says_what_it_was_built_on(dockerfile: str, held: str) -> None:
    """The argument is named again behind the last FROM: before that it is empty there."""
    last = re.split(r"^FROM ", (ROOT / dockerfile).read_text(), flags=re.M)[-1]
    assert f'org.opencontainers.image.base.name="${{{held}}}"' in last
    assert re.search(rf"^ARG {held}$", last, re.M)


def test_what_compose_runs_of_others_is_named_by_its_digest() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose" / "compose.yaml").read_text())[
        "services"
    ]
    of_others = [each["image"] for each in services.values() if "build" not in each]
    assert len(of_others) == 2
    assert all(map(BY_DIGEST.fullmatch, of_others))


def test_what_a_release_is_made_with_is_named_by_its_digest() -> None:
    """Emulator, BuildKit, the maker of the list: an image each; and each action by its commit."""
    steps = [step for job in RELEASE["jobs"].values() for step in job["steps"]]
    given = [value for step in steps for value in step.get("with", {}).values()]
    images = [each for each in given if isinstance(each, str) and re.search(r"[\w-]/[\w-]+:", each)]
    assert len(set(images)) == 3
    assert all(BY_DIGEST.search(each) for each in images)
    for path in WORKFLOWS.glob("*.yml"):
        used = re.findall(r"uses: (\S+)", path.read_text())
        assert used
        assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", each) for each in used), path


def test_the_check_passes_here(checkout: Path) -> None:
    assert bases(checkout).returncode == 0


@pytest.mark.parametrize(
    ("place", "image"),
    [
        ("Dockerfile.distroless", "python:3.11-slim-bookworm"),
        ("Dockerfile.distroless", "gcr.io/distroless/python3-debian12:nonroot"),
        ("deploy/monitoring/Dockerfile", "python:3.11-slim-bookworm"),
        (PORTFOLIO, "python:3.11-slim-bookworm"),
        ("deploy/compose/compose.yaml", "prom/prometheus:v3.5.0"),
        ("deploy/compose/compose.yaml", "grafana/grafana:12.1.1"),
        (".github/workflows/release.yml", "moby/buildkit:v0.33.1"),
        (".github/workflows/release.yml", "tonistiigi/binfmt:qemu-v10.2.3"),
        (".github/workflows/release.yml", "docker/buildkit-syft-scanner:1.12.0"),
    ],
)
@pytest.mark.parametrize("instead", ["", "@sha256:", f"@sha256:{NEVER[1:]}", f"@sha512:{NEVER}"])
def test_a_release_is_refused_whose_base_has_no_digest(
    checkout: Path, place: str, image: str, instead: str
) -> None:
    text = (checkout / place).read_text()
    loose = re.sub(re.escape(image) + r"@sha256:[0-9a-f]{64}", image + instead, text)
    assert loose != text
    (checkout / place).write_text(loose)
    done = bases(checkout)
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == [f"{place}: {image}{instead}"]


def test_a_release_asks_for_digests_before_it_builds() -> None:
    ran = [step.get("run", step.get("uses", "")) for step in RELEASE["jobs"]["image"]["steps"]]
    assert ran.index(f"python {BASES}") < min(i for i, r in enumerate(ran) if "image" in r.split())


def test_tags_alone_can_be_built_on_where_no_registry_is(checkout: Path) -> None:
    done = bases(checkout, "--tags", "Dockerfile.distroless")
    assert done.stdout.split() == [
        "--build-arg", "BUILDER=python:3.11-slim-bookworm",
        "--build-arg", "RUNTIME=gcr.io/distroless/python3-debian12:nonroot",
    ]  # fmt: skip


def test_the_list_of_what_an_image_holds_names_its_base(checkout: Path) -> None:
    sbom = checkout / "sbom.json"
    sbom.write_text('{"components": [{"name": "numpy"}]}')
    assert bases(checkout, "--into", str(sbom), "Dockerfile.distroless").returncode == 0
    numpy, base = json.loads(sbom.read_bytes())["components"]
    assert numpy == {"name": "numpy"}
    assert (base["type"], base["name"]) == (
        "container",
        "gcr.io/distroless/python3-debian12:nonroot",
    )
    assert base["version"] == f"sha256:{base['hashes'][0]['content']}"


@pytest.mark.parametrize("verb", ["audit", "licences", "sbom"])
def test_every_layer_that_an_image_holds_is_looked_at(verb: str) -> None:
    """What the Dockerfiles install, the verb names."""
    installed = {
        layer
        for dockerfile in DOCKERFILES
        for layer in re.findall(
            r"^COPY requirements/(\w+)\.txt", (ROOT / dockerfile).read_text(), re.M
        )
    }
    assert installed == {"server", "monitoring"}
    told = subprocess.run(
        ["make", "--dry-run", verb], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    tool = {"audit": "pip-audit", "licences": "pip-licenses", "sbom": "cyclonedx-py"}[verb]
    commands = [line for line in told.replace("\\\n", " ").splitlines() if f"bin/{tool} " in line]
    for layer in installed:
        named = rf"requirements/{layer}\.txt|served-{layer}/"
        assert any(re.search(named, command) for command in commands), commands


def named(tags: list[str], tag: str, folder: Path) -> dict[str, Any]:
    """Run the release's own step in a repository with `tags`; returns what it would push."""
    (step,) = (s for s in RELEASE["jobs"]["image"]["steps"] if s.get("id") == "names")
    output = folder / "output"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (
        ["init", "-q"],
        ["commit", "-q", "--allow-empty", "-m", "a"],
        *(["tag", t] for t in tags),
    ):
        subprocess.run([*git, *command], cwd=folder, check=True)
    subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", step["run"]], cwd=folder, check=True,
        env=os.environ | {"TAG": tag, "IMAGE": "ghcr.io/a/b", "GITHUB_OUTPUT": str(output)},
    )  # fmt: skip
    first, _, rest = output.read_text().partition("\n")
    return {"newest": first.removeprefix("newest="), "tags": rest.split("\n")[1:-2]}


@pytest.mark.parametrize(
    ("tags", "tag", "newest"),
    [
        (["v0.1.0"], "v0.1.0", True),
        (["v0.1.0", "v0.2.0"], "v0.2.0", True),
        (["v0.1.0", "v0.2.0", "v0.1.1"], "v0.1.1", False),
        (["v0.9.0", "v0.10.0"], "v0.10.0", True),
        (["v0.9.0", "v0.10.0"], "v0.9.0", False),
        (["v1.9.9", "v2.0.0-rc1"], "v2.0.0-rc1", False),
        (["v1.9.9", "v2.0.0-rc1"], "v1.9.9", True),
        (["v2.0.0", "v2.0.0-rc1"], "v2.0.0", True),
        (["v2.0.0-rc1"], "v2.0.0-rc1", False),
        (["v1.2", "v1.2.1"], "v1.2.1", True),
        (["v1.2", "v1.10"], "v1.2", False),
        (["v1.0.0", "verified", "vendor/9.0"], "v1.0.0", True),
    ],
)  # fmt: skip
def test_latest_is_the_newest_version_and_no_other(
    tags: list[str], tag: str, newest: bool, tmp_path: Path
) -> None:
    wanted = [f"ghcr.io/a/b:{tag}", *(["ghcr.io/a/b:latest"] if newest else [])]
    assert named(tags, tag, tmp_path) == {"newest": str(newest).lower(), "tags": wanted}


def test_the_page_of_releases_calls_the_same_one_the_latest() -> None:
    release = RELEASE["jobs"]["notes"]["steps"][-1]
    assert release["env"]["NEWEST"] == "${{ needs.image.outputs.newest }}"
    assert '--latest="$NEWEST"' in release["run"]
