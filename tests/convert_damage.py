"""Damage model texts at random and convert each: `python -m tests.convert_damage COUNT MODEL...`.

Every conversion runs behind the command's own guard, so a crash of LightGBM is an exit code here.
"""

import contextlib
import importlib
import io
import json
import os
import random
import re
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from convert.__main__ import main
from convert.guard import guarded

# Loaded before the first fork, so that no conversion loads it again; a pool of threads could not
# be forked.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
importlib.import_module("convert.commands")

LETTERS = b"0123456789-+.= \nenaif\xff"
NUMBERS = (b"-1", b"0", b"99999999999999999999", b"1e308", b"nan", b"-2147483649", b"4294967296")
# A number, or what stands on one side of a colon: `sigmoid:1`, `[0:1]`.
WORD = re.compile(rb"[^ :\[\]]+")
SECONDS = 20


def damaged(text: bytes, rng: random.Random) -> bytes:
    """Return the text with one to three random wounds."""
    for _ in range(rng.randint(1, 3)):
        text = rng.choice([_letter, _cut, _line_gone, _line_twice, _value, _swapped])(text, rng)
    return text


def _letter(text: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(text))
    return text[:at] + bytes([rng.choice(LETTERS)]) + text[at + rng.randint(0, 1) :]


def _cut(text: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(text))
    return text[:start] + text[start + rng.randint(1, 60) :]


def _line_gone(text: bytes, rng: random.Random) -> bytes:
    lines = text.split(b"\n")
    del lines[rng.randrange(len(lines))]
    return b"\n".join(lines)


def _line_twice(text: bytes, rng: random.Random) -> bytes:
    lines = text.split(b"\n")
    lines.insert(rng.randrange(len(lines)), rng.choice(lines))
    return b"\n".join(lines)


def _value(text: bytes, rng: random.Random) -> bytes:
    """Put a number no reader expects where a value stands, the sizes of trees kept true or not."""
    lines = text.split(b"\n")
    at = rng.choice([i for i, line in enumerate(lines) if b"=" in line])
    key, _, values = lines[at].partition(b"=")
    places = list(WORD.finditer(values))
    start, end = rng.choice(places).span() if places else (0, 0)
    lines[at] = key + b"=" + values[:start] + rng.choice(NUMBERS) + values[end:]
    changed = b"\n".join(lines)
    if rng.random() < 0.5:
        return changed
    kept = (line for line in changed.split(b"\n") if not line.startswith(b"tree_sizes="))
    return b"\n".join(kept)


def _swapped(text: bytes, rng: random.Random) -> bytes:
    lines = text.split(b"\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def attempt(content: bytes, folder: Path) -> tuple[int, str]:
    """Convert in a guarded child of a child; returns its exit code and what it said."""
    model, said, out = folder / "m.txt", folder / "said", folder / "out"
    model.write_bytes(content)
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        os.dup2(os.open(said, os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 2)
        sys.stderr = io.TextIOWrapper(os.fdopen(os.dup(2), "wb", 0), write_through=True)
        arguments = [str(model), "--name", "m", "--version", "1", "--out", str(out)]
        code = 1
        try:
            code = guarded(lambda: main(arguments))
        except SystemExit as ended:  # the guard's own child
            code = ended.code if isinstance(ended.code, int) else 1
        finally:
            if code == 1:
                traceback.print_exc()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), said.read_text(errors="replace")


def wrong(code: int, said: str, written: bool) -> bool:
    """Tell whether it ended in anything but a whole bundle, or one line and nothing written."""
    if code == 0:
        return not written
    lines = said.splitlines()
    clear = bool(lines) and lines[-1].startswith("convert: ") and len(lines[-1]) < 400
    return code != 2 or not clear or "Traceback" in said or written


def fuzz(texts: list[bytes], count: int) -> dict[str, object]:
    """Damage `count` times; returns how it ended, and whatever ended wrongly."""
    ends: dict[str, int] = {"converted": 0, "refused": 0, "crashed": 0}
    bad = []
    for seed in range(count):
        rng = random.Random(seed)
        content = damaged(rng.choice(texts), rng)
        with tempfile.TemporaryDirectory() as place:
            code, said = attempt(content, Path(place))
            written = (Path(place) / "out/m/1").exists()
            left = list((Path(place) / "out").rglob("*")) if code else []
        end = "crashed" if "ended the process" in said else "refused"
        ends["converted" if code == 0 else end] += 1
        if wrong(code, said, written) or any(path.is_file() for path in left):
            bad.append({"seed": seed, "code": code, "said": said[-600:]})
    return {**ends, "wrong": bad}


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        count, *models = sys.argv[1:]
        print(json.dumps(fuzz([Path(model).read_bytes() for model in models], int(count))))
