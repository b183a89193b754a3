"""The files around the image: its page shows what was measured, its context is an allow-list."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from httptools.parser import url_parser

ROOT = Path(__file__).parents[2]
TABLE = runpy.run_path(str(ROOT / "deploy" / "image" / "table.py"))
TRIM = ROOT / "deploy" / "image" / "trim.py"
TRIM_PY = runpy.run_path(str(TRIM))


def test_the_page_shows_what_was_measured() -> None:
    page = (ROOT / "docs" / "image.md").read_text()
    result = json.loads((ROOT / "bench" / "results" / "image.json").read_bytes())
    assert TABLE["fill"](page, result) == page


def test_what_is_not_named_stays_out_of_the_build_context() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"


def test_a_native_engine_built_for_the_host_stays_out_of_the_image() -> None:
    """The builder stage compiles its own, or takes the wheelhouse's."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines.index("server/engine/native/*.so") > lines.index("!server")


def trim(tmp_path: Path, paths: str, *more: str) -> "subprocess.CompletedProcess[str]":
    (tmp_path / "root" / "lib").mkdir(parents=True)
    (tmp_path / "root" / "lib" / "kept.so").write_bytes(b"k" * 2_000_000)
    (tmp_path / "root" / "lib" / "tests").mkdir()
    (tmp_path / "root" / "lib" / "tests" / "a.py").write_bytes(b"a" * 1_000_000)
    trims = tmp_path / "trims.toml"
    trims.write_text("\n".join(["[[trim]]", f"paths = {paths}", 'why = "unused"', *more]))
    return subprocess.run(
        [sys.executable, str(TRIM), str(trims), str(tmp_path / "root")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_trim_removes_what_it_names_and_tells_how_much(tmp_path: Path) -> None:
    done = trim(tmp_path, '["lib/tests"]')
    assert done.stdout.split() == ["1.0", "MB", "unused"]
    assert [each.name for each in (tmp_path / "root" / "lib").iterdir()] == ["kept.so"]


def test_a_blanked_file_stays_for_those_who_import_it(tmp_path: Path) -> None:
    done = trim(tmp_path, '["lib/tests/a.py"]', 'how = "blank"')
    assert done.stdout.split() == ["1.0", "MB", "unused"]
    assert (tmp_path / "root" / "lib" / "tests" / "a.py").read_bytes() == b""


def test_a_trim_that_matches_nothing_stops_the_build(tmp_path: Path) -> None:
    done = trim(tmp_path, '["lib/gone"]')
    assert (done.returncode, "lib/gone" in done.stderr) == (1, True)


def test_a_trim_of_the_base_may_match_nothing(tmp_path: Path) -> None:
    assert trim(tmp_path, '["lib/gone"]', 'of = "base"').returncode == 0


LOAD = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
print(hasattr(library, "PyInit_url_parser"), hasattr(library, "other"))
"""


def test_a_stripped_library_is_smaller_and_still_loads(tmp_path: Path) -> None:
    original = Path(url_parser.__file__)
    smaller = tmp_path / original.name
    smaller.write_bytes(TRIM_PY["stripped"](original.read_bytes()))
    assert smaller.stat().st_size < original.stat().st_size / 2
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(smaller)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "False"]


def test_only_a_library_is_stripped(tmp_path: Path) -> None:
    done = trim(tmp_path, '["lib/kept.so"]', 'how = "strip"')
    assert (done.returncode, "wanted a 64-bit" in done.stderr) == (1, True)


@pytest.mark.parametrize("name", ["trim.py", "trims.toml", "probe.py"])
def test_what_the_dockerfile_copies_is_in_the_context(name: str) -> None:
    ignore = (ROOT / ".dockerignore").read_text()
    assert f"deploy/image/{name}" in (ROOT / "Dockerfile.distroless").read_text()
    assert f"!deploy/image/{name}" in ignore
