"""The build of the kernel: what is compiled, when again, and what is said without a compiler."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from server.engine.native import build
from tests.conftest import ROOT


def test_every_source_that_stands_there_is_compiled_and_hashed() -> None:
    """A file left out of the digest would leave an old build in place."""
    assert set(build.HERE.glob("*.[ch]")) == {*build.SOURCES, *build.HEADERS}


def test_a_build_is_current_until_the_source_changes(tmp_path: Path) -> None:
    try:
        build.build(tmp_path)
    except build.BuildError as error:
        pytest.skip(str(error))
    assert build.is_current(tmp_path)
    built = (tmp_path / build.NAME).read_bytes()
    # block.c stands there twice, for any processor and for AVX2; explain.h also for AVX-512
    assert len(built) < 120_000
    (tmp_path / build.NAME).write_bytes(built.replace(build.digest().encode(), b"0" * 64))
    assert not build.is_current(tmp_path)


@pytest.mark.parametrize(("must", "code"), [([], 0), (["--must"], 1)])
def test_without_a_compiler_it_says_what_that_costs(
    must: list[str], code: int, tmp_path: Path
) -> None:
    """And leaves no build of another source behind."""
    (tmp_path / build.NAME).write_bytes(b"of another source")
    done = subprocess.run(
        [sys.executable, "-m", "server.engine.native.build", "--out", str(tmp_path), *must],
        cwd=ROOT, env=os.environ | {"CC": "no-such-compiler"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, "")
    assert not (tmp_path / build.NAME).exists()
    assert done.stderr == (
        "native engine not built: no C compiler (no-such-compiler); onnxruntime scores, slower\n"
    )
