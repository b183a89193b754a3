"""deploy/release.py: a release whose parts name different versions is refused, line by line."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

PLACES = (
    "pyproject.toml", "CHANGELOG.md", "Makefile", "Dockerfile.distroless", "server/__init__.py",
    "clients/python/pyproject.toml", "deploy", "requirements",
)  # fmt: skip
GIT = ("git", "-c", "user.name=n", "-c", "user.email=n@localhost")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of what names versions, with one commit."""
    for place in PLACES:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / place).is_dir():
            shutil.copytree(ROOT / place, tmp_path / place)
        else:
            shutil.copy(ROOT / place, tmp_path / place)
    for words in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "-m", "one"]):
        subprocess.run([*GIT, *words], cwd=tmp_path, check=True)
    return tmp_path


def check(folder: Path, *arguments: str) -> tuple[int, list[str]]:
    command = [sys.executable, str(folder / "deploy" / "release.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr.splitlines()


def version(folder: Path) -> str:
    lines = (folder / "pyproject.toml").read_text().splitlines()
    return next(line.split('"')[1] for line in lines if line.startswith("version = "))


def test_what_stands_here_agrees(checkout: Path) -> None:
    assert check(checkout) == (0, [])
    assert check(checkout, "--tag", f"v{version(checkout)}") == (0, [])


@pytest.mark.parametrize(
    ("place", "written", "instead", "said"),
    [
        (
            "server/__init__.py",
            '__version__ = "',
            '__version__ = "9',
            "server/__init__.py: version 9",
        ),
        (
            "clients/python/pyproject.toml",
            'version = "',
            'version = "9',
            "clients/python/pyproject.toml: version 9",
        ),
        ("CHANGELOG.md", "\n## ", "\n## 9", "CHANGELOG.md: begins with 9"),
        (
            "deploy/kserve/runtime.yaml",
            "credit-express:v",
            "credit-express:v9",
            "runtime.yaml: version 9",
        ),
        ("deploy/kubernetes/kustomization.yaml", "newTag: v", "newTag: v9", "version 9"),
        (
            "deploy/kubernetes/kustomization.yaml",
            "ghcr.io/credit",
            "ghcr.io/other/credit",
            "the source is",
        ),
        ("deploy/compose/.env", "IMAGE=", "IMAGE=other-", "deploy/compose/.env: image other-"),
        ("pyproject.toml", '"orjson", ', "", "requirements/server.in: only one of them has orjson"),
        ("requirements/server.in", "msgspec", "msgspec>=99", "server.in wants >=99; make lock"),
        (
            "requirements/server.in",
            "msgspec",
            "msgspec\nanother",
            "no another, which server.in wants",
        ),
        (
            "requirements/server.txt",
            "numpy==",
            "numpy==9",
            "requirements: numpy has several versions",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(
    place: str, written: str, instead: str, said: str, checkout: Path
) -> None:
    before = (checkout / place).read_text()
    assert written in before
    (checkout / place).write_text(before.replace(written, instead, 1))
    code, lines = check(checkout)
    assert code == 1
    assert any(said in line for line in lines), lines


def test_a_pin_without_a_hash_is_named(checkout: Path) -> None:
    lock = checkout / "requirements" / "fuzz.txt"
    lock.write_text(lock.read_text().splitlines()[0].removesuffix("\\") + "\n")
    assert check(checkout) == (1, ["requirements/fuzz.txt: atheris==3.0.0 has no hash"])


def test_a_tag_of_another_version_is_refused(checkout: Path) -> None:
    code, lines = check(checkout, "--tag", "v9.0.0")
    assert code == 1
    assert lines == [f"tag v9.0.0: pyproject.toml has version {version(checkout)}"]


def test_a_version_that_was_released_before_must_rise(checkout: Path) -> None:
    subprocess.run([*GIT, "tag", f"v{version(checkout)}"], cwd=checkout, check=True)
    assert check(checkout) == (0, [])
    subprocess.run([*GIT, "commit", "-q", "--allow-empty", "-m", "two"], cwd=checkout, check=True)
    code, lines = check(checkout)
    assert code == 1
    assert "stands at" in lines[0]
