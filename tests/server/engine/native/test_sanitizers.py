"""The kernel's tests once more under the sanitizers of the C compiler."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from server.engine.native import build
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

QUIET = "detect_leaks=0:allocator_may_return_null=1"


PARTS = (
    "kernel", "block", "contributions", "decoder", "decoder_block", "line", "tensor", "to_json",
    "answers",
)  # fmt: skip
HERE = build.HERE.relative_to(ROOT)


def sanitizer() -> str:
    """Return the sanitizer's run-time library; skip where there is no compiler that has one."""
    try:
        found = subprocess.run(
            ["cc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no C compiler")
    if not Path(found).is_absolute():
        pytest.skip("the C compiler has no address sanitizer")
    return found


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout whose kernel looks at every access and every overflow."""
    sanitizer()
    copy = tmp_path_factory.mktemp("sanitized")
    for folder in ("server", "tests"):
        ignored = shutil.ignore_patterns("*.so", "__pycache__")
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignored)
    (copy / "models").symlink_to(ROOT / "models")
    shutil.copy(ROOT / "pyproject.toml", copy)
    try:
        build.build(copy / HERE, sanitize=True)
    except build.BuildError as error:
        pytest.skip(str(error))
    return copy


def examined(copy: Path, *command: str) -> str:
    """Run Python in the copy with the sanitizers loaded; return what it said."""
    environment = os.environ | {
        "LD_PRELOAD": sanitizer(), "ASAN_OPTIONS": QUIET, "PYTHONMALLOC": "malloc",
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, *command], cwd=copy, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def test_the_sanitizers_find_what_they_are_there_for(sanitized: Path) -> None:
    """A kernel with the check of its children taken out, handed a child out of bounds."""
    broken = sanitized.parent / "broken"
    shutil.copytree(sanitized, broken, symlinks=True)
    source = broken / HERE / "kernel.c"
    check = "if (split >= splits || seen[split])"
    assert check in source.read_text()
    source.write_text(source.read_text().replace(check, "if (0)"))
    code = (
        "from tests.server.engine.native import two_trees as t\n"
        "t.Kernel(**(t.arguments() | {'yes': t.i64(3, -2, -5)}))"
    )
    (broken / HERE / build.NAME).unlink()
    command = [
        sys.executable,
        "-c",
        "from server.engine.native import build; build.build(sanitize=True)",
    ]
    subprocess.run(command, cwd=broken, check=True)
    environment = os.environ | {"LD_PRELOAD": sanitizer(), "ASAN_OPTIONS": QUIET}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=broken, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert "ERROR: AddressSanitizer" in done.stderr


def test_the_tests_in_c_pass_under_the_sanitizers(sanitized: Path) -> None:
    parts = [f"tests/server/engine/native/test_{part}.py" for part in PARTS]
    said = examined(
        sanitized, "-m", "pytest", "-vv", "--noconftest", "-p", "no:cacheprovider", *parts
    )
    assert {line.partition("::")[0] for line in said.splitlines() if "PASSED" in line} == {*parts}
    assert not re.search("skipped|SKIPPED", said)


def test_damaged_models_are_refused_or_scored_under_the_sanitizers(sanitized: Path) -> None:
    bundle = ROOT / "models" / "credit-express" / "1"
    said = examined(sanitized, "-m", "tests.long.native_fuzz", "60", str(bundle))
    ends = json.loads(said)
    assert min(ends["refused"], ends["scored"]) > 0, ends
