"""The command line of the suite: a typo does not wait for what is measured with."""

import subprocess
import sys

from bench import environments
from bench.__main__ import PARTS
from bench.parts import ALL, ENVIRONMENTS
from tests.conftest import ROOT

RUN = """
import sys
from bench.__main__ import main
try:
    main(sys.argv[1:])
finally:
    print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_a_part_that_is_none_is_told_before_anything_is_imported() -> None:
    command = [sys.executable, "-c", RUN, "--only", "laddr"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "invalid choice: 'laddr' (choose from" in done.stderr
    assert not {"numpy", "lightgbm", "msgspec", "pandas"} & {*done.stdout.split()}


def test_the_parts_to_choose_from_are_those_there_are() -> None:
    assert {*ALL} == {*PARTS}


def test_a_part_has_the_environments_it_needs_built() -> None:
    assert {*ENVIRONMENTS} < {*ALL}
    for name in {each for wanted in ENVIRONMENTS.values() for each in wanted}:
        assert (environments.PEERS / name / "requirements.txt").is_file()
