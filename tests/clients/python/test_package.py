"""What a newcomer does: install the package, and run what its README shows."""

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, Running, running

pytestmark = pytest.mark.slow

HERE = ROOT / "clients" / "python"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", (HERE / "README.md").read_text(), re.M | re.S)
SAID = [
    "approve 0.1464740560864544\n",
    "['approve', 'approve']\napprove\nAGE: wanted a finite number, got \"forty\"\n",
    "{'approve'}\n",
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, installed; what it depends on is this environment's."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, HERE],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "No matching distribution found for hatchling" in done.stdout + done.stderr:
        pytest.skip("hatchling, which builds the wheel, could not be fetched")
    assert done.returncode == 0, done.stderr
    zipfile.ZipFile(next(folder.glob("*.whl"))).extractall(folder)
    return folder


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server of the committed model."""
    bundle = ROOT / "models" / "credit-express" / "1"
    with running(bundle, tmp_path_factory.mktemp("log")) as up:
        yield up


@pytest.mark.parametrize(("block", "said"), zip(BLOCKS, SAID, strict=True))
def test_readme_shows_what_works(block: str, said: str, site: Path, committed: Running) -> None:
    code = block.replace("http://127.0.0.1:8000", committed.url)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={"PYTHONPATH": str(site)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (said, "")


def test_the_wheel_is_typed_and_says_what_it_needs(site: Path) -> None:
    assert (site / "credit_express_client" / "py.typed").exists()
    metadata = next(site.glob("*.dist-info/METADATA")).read_text()
    needed = re.findall(r"^Requires-Dist: ([\w-]+)", metadata, re.M)
    assert needed == ["httpx", "msgspec", "typing-extensions"]
