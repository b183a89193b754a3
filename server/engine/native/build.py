"""Compile the C files here: `python -m server.engine.native.build`; does nothing if up to date.

Needs only a C compiler, by its usual name or in CC, and Python's headers.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
CODE = (
    "kernel", "block", "contributions", "decoder", "json", "msgpack", "number", "tokens", "line",
    "shortest", "to_json", "tensor", "answers",
)  # fmt: skip
SOURCES = tuple(HERE / f"{name}.c" for name in CODE)
SHARED = (
    "kernel", "block", "leaves", "contributions", "explain", "points", "decoder", "msgpack",
    "number", "powers", "tokens", "line", "shortest", "space", "tensor", "answers",
)  # fmt: skip
HEADERS = tuple(HERE / f"{name}.h" for name in SHARED)
NAME = "_kernel.abi3.so"
# Round each double as C defines: no fused or reordered arithmetic on any machine.
FLAGS = ("-O2", "-std=c11", "-ffp-contract=off", "-fno-fast-math", "-fvisibility=hidden", "-fPIC")
WARNINGS = (
    "-Wall", "-Wextra", "-Werror=implicit-function-declaration", "-Wno-missing-field-initializers",
    "-Wno-cast-function-type",
)  # fmt: skip
RELEASE = ("-s", "-Wl,--build-id=none")
SANITIZE = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


class BuildError(Exception):
    """The kernel could not be built; the message is one line."""


def build(folder: Path = HERE, sanitize: bool = False) -> Path:
    """Compile into `folder`, from which it is imported; raises BuildError."""
    name = os.environ.get("CC", "cc")
    compiler = shutil.which(name)
    headers = Path(sysconfig.get_paths()["include"])
    if compiler is None:
        raise BuildError(f"no C compiler ({name})")
    if not (headers / "Python.h").exists():
        raise BuildError(f"no Python.h in {headers}")
    target, part = folder / NAME, folder / f"{NAME}.{os.getpid()}.part"
    command = [
        compiler, *FLAGS, *WARNINGS, *(SANITIZE if sanitize else RELEASE), "-shared",
        f'-DSOURCE="{digest()}"', f"-I{headers}", *map(str, SOURCES), "-o", str(part), "-lm",
    ]  # fmt: skip
    print("compiling the native engine", file=sys.stderr)
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BuildError((done.stderr.strip().splitlines() or ["the compiler failed"])[0])
    part.replace(target)
    return target


def digest() -> str:
    """Return the hash of the sources, which the built file contains."""
    return hashlib.sha256(b"\0".join(each.read_bytes() for each in SOURCES + HEADERS)).hexdigest()


def is_current(folder: Path = HERE) -> bool:
    """Whether the built file was made from the present sources."""
    target = folder / NAME
    return target.exists() and digest().encode() in target.read_bytes()


def main(arguments: Sequence[str]) -> int:
    """Build if needed. Without a compiler, say what that costs and succeed."""
    parser = argparse.ArgumentParser("python -m server.engine.native.build", description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE, metavar="FOLDER", help="instead of here")
    parser.add_argument("--must", action="store_true", help="fail where it cannot be built")
    parsed = parser.parse_args(arguments)
    if is_current(parsed.out):
        return 0
    try:
        print(f"built {build(parsed.out)}", file=sys.stderr)
    except BuildError as error:
        (parsed.out / NAME).unlink(missing_ok=True)  # better none than one built from other sources
        print(f"native engine not built: {error}; onnxruntime scores, slower", file=sys.stderr)
        return int(parsed.must)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
