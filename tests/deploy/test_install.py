"""requirements/install says what is missing first, and mends what is half made."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow


def install(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [ROOT / "requirements" / "install", *arguments], cwd=ROOT, env=os.environ | variables,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def bare(tmp_path: Path) -> str:
    """A folder that hides ensurepip, as Debian without python3-venv has none."""
    (tmp_path / "ensurepip.py").write_text("raise ImportError('No module named ensurepip')\n")
    return str(tmp_path)


def test_without_ensurepip_one_line_says_what_to_install(tmp_path: Path, bare: str) -> None:
    done = install(sys.executable, str(tmp_path / "made"), "server", PYTHONPATH=bare)
    assert done.returncode == 2
    assert done.stderr.startswith("missing here: ensurepip; on Debian or Ubuntu: apt install ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("python", "said"),
    [("python9", "there is no python9: "), ("false", "3.11 to 3.13 is needed: make PYTHON=")],
)
def test_an_unfit_python_is_told(python: str, said: str, tmp_path: Path) -> None:
    done = install(python, str(tmp_path / "made"), "server")
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "made").exists()


def test_an_environment_without_pip_is_completed_and_loses_nothing(tmp_path: Path) -> None:
    """What `python3 -m venv` leaves where it fails for want of ensurepip."""
    made = tmp_path / "made"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", made], check=True)
    (made / "kept").touch()
    assert install(sys.executable, str(made)).returncode == 0
    assert (made / "bin" / "pip").exists()
    assert (made / "kept").exists()


def test_an_environment_of_a_python_that_is_gone_is_made_again(tmp_path: Path) -> None:
    """Its packages are of another Python, and what says that they are installed is wrong."""
    made = tmp_path / "made"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", made], check=True)
    (made / "installed-server.txt").touch()
    (made / "bin" / "python").unlink()
    (made / "bin" / "python").symlink_to("/usr/bin/python9")
    assert install(sys.executable, str(made)).returncode == 0
    assert not (made / "installed-server.txt").exists()
    assert subprocess.run([made / "bin" / "python", "-c", ""], check=False).returncode == 0


def test_what_is_installed_is_not_installed_again(tmp_path: Path) -> None:
    """Nor is anything said."""
    made = tmp_path / "made"
    assert install(sys.executable, str(made)).returncode == 0
    (made / "installed-server.txt").write_bytes((ROOT / "requirements/server.txt").read_bytes())
    done = install(sys.executable, str(made), "server")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
