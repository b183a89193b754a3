"""What is wrong with the options is told before any library is imported."""

import subprocess
import sys
from pathlib import Path

import pytest

from convert.arguments import EXPORTERS
from convert.compare.approximate import APPROXIMATE
from tests.conftest import ROOT

GIVEN = ("--name", "a", "--version", "1", "--out", "models")
TYPOS = {
    "no model": ("nosuch.txt", *GIVEN),
    "no reference rows": ("README.md", *GIVEN, "--reference", "nosuch.txt"),
    "no calibrator": ("README.md", *GIVEN, "--calibrator", "nosuch.txt"),
    "no training info": ("README.md", *GIVEN, "--training-info", "nosuch.txt"),
    "no bundle": ("policy", "nosuch.txt", "--threshold", "0.2"),
    "nothing to inspect": ("inspect", "nosuch.txt"),
    "nothing to compare": ("compare", "nosuch.txt"),
    "no rows to compare on": ("compare", "README.md", "nosuch.txt"),
    "one of several": ("verify", "README.md", "nosuch.txt"),
}
CHOICES = {
    "no name for a folder": (("README.md", *GIVEN, "--name", "a/b"), "--name wants letters"),
    "one cost": (("README.md", *GIVEN, "--cost-fn", "5"), "give both"),
    "a decimal comma": (("README.md", *GIVEN, "--threshold", "0,2"), "write 0.2"),
}
LIBRARIES = {"numpy", "onnx", "lightgbm", "pyarrow", "pandas", "onnxruntime"}
RUN = "import sys; from convert.__main__ import main; code = main(sys.argv[1:])"
TELL = "; print(*{m.partition('.')[0] for m in sys.modules}); sys.exit(code)"


def refused(*arguments: str) -> str:
    """Return the one line that a command says, which has imported no library."""
    command = [sys.executable, "-c", RUN + TELL, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert not LIBRARIES & {*done.stdout.split()}
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.parametrize("case", TYPOS)
def test_a_path_typed_wrong_is_one_line_at_once(case: str) -> None:
    assert refused(*TYPOS[case]) == "convert: nosuch.txt: No such file or directory\n"


@pytest.mark.parametrize("case", CHOICES)
def test_an_unfit_choice_is_one_line_at_once(case: str) -> None:
    arguments, said = CHOICES[case]
    assert said in refused(*arguments)


def test_a_path_that_is_none_is_one_line(tmp_path: Path) -> None:
    assert "File name too long" in refused("inspect", "x" * 5000)
    assert "No such file" in refused("inspect", str(tmp_path / "a" / "b"))


def test_the_exporters_to_choose_from_are_those_there_are() -> None:
    assert ("exact", *APPROXIMATE) == EXPORTERS
