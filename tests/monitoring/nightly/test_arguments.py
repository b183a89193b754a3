"""What is wrong with drift's arguments is told before any library is imported."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

MODEL = ("--model", "models/credit-express/1")
NO_FOLDER, NO_ROWS = "no such file or folder", "no such file; wanted a .csv, .csv.gz or .parquet"
TYPOS = {
    "no model": (("--model", "nosuch", "--log", "models"), NO_FOLDER),
    "no log": ((*MODEL, "--log", "models", "nosuch"), NO_FOLDER),
    "no labels": ((*MODEL, "--log", "models", "--labels", "nosuch"), NO_FOLDER),
    "no rows": ((*MODEL, "--current", "nosuch"), NO_ROWS),
    "no reference": (("--reference", "nosuch", "--current", "README.md"), NO_ROWS),
}
RUN = "import sys; from monitoring.__main__ import main; code = main(['drift', *sys.argv[1:]])"
TELL = "; print(*{m.partition('.')[0] for m in sys.modules}); sys.exit(code)"


@pytest.mark.parametrize("case", TYPOS)
def test_a_path_typed_wrong_is_one_line_at_once(case: str) -> None:
    arguments, said = TYPOS[case]
    command = [sys.executable, "-c", RUN + TELL, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, f"error: nosuch: {said}\n")
    assert not {"numpy", "pandas", "pyarrow", "scipy"} & {*done.stdout.split()}
