"""A crash inside a library ends the command in one line and exit code 2, whatever the text."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from convert.prove.kinds import KINDS

ROOT = Path(__file__).parents[2]


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", ["SIGABRT", "SIGSEGV"])
def test_a_crash_is_one_line_and_exit_code_2(name: str) -> None:
    work = f"import os, signal; os.kill(os.getpid(), signal.{name})"
    code = (
        f"import sys; from convert.guard import guarded; sys.exit(guarded(lambda: exec({work!r})))"
    )
    done = run("-c", code)
    assert done.returncode == 2
    assert done.stderr.startswith(f"convert: a library ended the process ({name})")
    assert len(done.stderr.splitlines()) == 1


def test_an_abort_of_lightgbm_itself_is_caught_without_its_own_words(tmp_path: Path) -> None:
    """Past our own checks, straight into LightGBM: a size that tells it to read beyond the text."""
    rows = np.random.default_rng(0).normal(size=(200, 2))
    options = {"verbosity": -1, "num_leaves": 4, "num_threads": 1}
    booster = lightgbm.train(options, lightgbm.Dataset(rows, rows[:, 0]), 4)
    sizes = "tree_sizes="
    text = booster.model_to_string().replace(sizes, f"{sizes}9")
    (tmp_path / "m.txt").write_text(text)
    code = (
        "import sys; from pathlib import Path; from convert.guard import guarded\n"
        "def work():\n"
        "    from convert.model.oracle import Oracle\n"
        "    Oracle(Path(sys.argv[1]).read_text(), 4)\n"
        "    return 0\n"
        "sys.exit(guarded(work))"
    )
    done = run("-c", code, str(tmp_path / "m.txt"))
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("convert: a library ended the process")
    assert len(done.stderr.splitlines()) == 1


def test_an_exit_code_and_a_signal_from_outside_pass_through() -> None:
    assert run("-m", "convert", "inspect", "absent.txt").returncode == 2
    assert run("-m", "convert", "--help").returncode == 0
    code = (
        "import sys, time; from convert.guard import guarded\n"
        "sys.exit(guarded(lambda: print('up', flush=True) or time.sleep(60) or 0))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=20) == 128 + signal.SIGTERM


def test_random_damage_is_refused_in_one_line_or_proven_harmless(tmp_path: Path) -> None:
    """`python -m tests.convert_damage 300 MODEL...` is the long form."""
    names = ("binary", "categories", "multiclass", "linear_tree")
    for kind in KINDS:
        if kind.name in names:
            (tmp_path / f"{kind.name}.txt").write_text(kind.text())
    models = [str(tmp_path / f"{name}.txt") for name in names]
    done = run("-m", "tests.convert_damage", "40", *models)
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert found["converted"] + found["refused"] + found["crashed"] == 40
    assert found["refused"] + found["crashed"] > 20
    assert found["converted"] > 0
