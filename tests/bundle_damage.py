"""Damage bundles at random and check each: `python -m tests.bundle_damage COUNT BUNDLE`.

Hashes are made to agree again, most of the time, so that the damage is met by what reads it. Every
check runs in a process of its own, where a crash or a hang is an exit code.
"""

import contextlib
import hashlib
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from server.cli import main

SECONDS = 60
LONGEST_LINE = 3000
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2, 7, 10**6, 2**53 + 1, -0.0, 0.5, 1.5, 1e308, 1e-320,
    "", "a", "0", "sigmoid", "multiclass", "error", "zero", "category",
    'a"b', "a\\b", "a\tb", "a/b", "..", "é" * 300, "x" * 70_000,
    [], [1], [None], {}, {"a": 1}, [[]],
]  # fmt: skip
NAMES = ("manifest.json", "golden.json", "SHA256SUMS", "model.onnx", "profile.json")


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return (container, key) of everything in a JSON value."""
    here: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            here += [(value, key), *places(value[key])]
    return here


def wound_json(value: Any, rng: random.Random) -> None:
    """Change, leave out, double or swap one thing."""
    container, key = rng.choice(places(value))
    what = rng.randrange(5)
    if what == 0:
        del container[key]
    elif what == 1 and isinstance(container, list):
        container.insert(key, container[rng.randrange(len(container))])
    elif what == 2:
        other, at = rng.choice(places(value))
        container[key] = json.loads(json.dumps(other[at]))
    elif what == 3 and type(container[key]) in {int, float}:
        container[key] = rng.choice([-1, 2, 0.5, 1e300]) * container[key] + rng.choice([0, 1])
    else:
        container[key] = rng.choice(VALUES)


def in_json(name: str, folder: Path, rng: random.Random) -> None:
    """Wound a JSON file, at the top as often as deep inside."""
    value = json.loads((folder / name).read_bytes())
    for _ in range(rng.randint(1, 3)):
        if rng.random() < 0.4 and isinstance(value, dict) and value:
            value[rng.choice(list(value))] = rng.choice(VALUES)
        elif places(value):
            wound_json(value, rng)
    (folder / name).write_text(json.dumps(value))


def in_bytes(name: str, folder: Path, rng: random.Random) -> None:
    """Change some bytes, cut some out, or put some in."""
    content = bytearray((folder / name).read_bytes())
    for _ in range(rng.randint(1, 4)):
        # The head of a graph says more than its long arrays.
        at = rng.randrange(len(content) if rng.random() < 0.5 else min(len(content), 300))
        size = rng.choice([1, 1, 1, 2, 8, 100])
        content[at : at + rng.choice([0, size])] = rng.choice(
            [bytes(rng.randrange(256) for _ in range(size)), b"", b"\0" * size, b"\xff" * size]
        )
    (folder / name).write_bytes(content[: rng.choice([None, None, None, rng.randrange(400)])])


def of_another_kind(name: str, folder: Path, rng: random.Random) -> None:
    """Put something in the place of a file that is no file, or leads out of the folder."""
    place = folder / name
    content = place.read_bytes()
    place.unlink()
    kinds: list[Callable[[], object]] = [
        lambda: None, place.mkdir, lambda: os.mkfifo(place), lambda: place.symlink_to("/dev/zero"),
        lambda: place.symlink_to(place), lambda: place.symlink_to("/dev/stdin"),
        lambda: place.symlink_to(folder.parent / "outside"),
        lambda: os.truncate(os.open(place, os.O_CREAT | os.O_WRONLY), 1 << 40),
    ]  # fmt: skip
    (folder.parent / "outside").write_bytes(content)
    rng.choice(kinds)()


def made_to_agree(folder: Path) -> None:
    """Write the hashes of what is there, where that can be."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        manifest = json.loads((folder / "manifest.json").read_bytes())
        for name in manifest["files"]:
            if (folder / name).is_file() and (folder / name).stat().st_size < 1 << 30:
                manifest["files"][name] = sha256(folder / name)
        (folder / "manifest.json").write_text(json.dumps(manifest))
        sums = {**manifest["files"], "manifest.json": sha256(folder / "manifest.json")}
        lines = [f"{digest}  {name}\n" for name, digest in sorted(sums.items())]
        if (folder / "SHA256SUMS").is_file():
            (folder / "SHA256SUMS").write_text("".join(lines))


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def damage(folder: Path, rng: random.Random) -> str:
    """Damage a bundle in place; returns how."""
    kind = rng.choices(["manifest", "golden", "model", "text", "kind"], [5, 2, 6, 1, 2])[0]
    if kind in {"manifest", "golden"}:
        in_json(f"{kind}.json", folder, rng)
    elif kind == "model":
        in_bytes("model.onnx", folder, rng)
    elif kind == "text":
        in_bytes(rng.choice(NAMES[:3]), folder, rng)
    else:
        of_another_kind(rng.choice(NAMES), folder, rng)
    if kind != "kind" and rng.random() < 0.9:
        made_to_agree(folder)
    return kind


def attempt(bundle: Path, said: Path) -> tuple[int, str]:
    """Check a bundle as the command does, in a child; returns its exit code and what it said."""
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        sys.stdout = io.StringIO()
        os.dup2(os.open(said, os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 2)
        sys.stderr = os.fdopen(2, "w", buffering=1)
        code = 1
        try:
            code = main(["--check", "--model", str(bundle), "--log-level", "critical"])
        finally:
            if code == 1:
                traceback.print_exc()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), said.read_text(errors="replace")


def is_wrong(code: int, said: str) -> bool:
    """Whether it ended in anything but silence or one line and exit code 2."""
    if code == 0:
        return said != ""
    return code != 2 or said.count("\n") != 1 or len(said) > LONGEST_LINE


def fuzz(bundle: Path, seeds: range) -> dict[str, Any]:
    """Damage once for each seed; returns how it ended, and whatever ended wrongly."""
    ends: Counter[str] = Counter()
    wrong = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(shutil.copytree(bundle, Path(place) / "b" / "1"))
            kind = damage(folder, random.Random(seed))
            code, said = attempt(folder, Path(place) / "said")
        ends[f"{kind}: {'served' if code == 0 else 'refused'}"] += 1
        ends["by a crash, a hang or what was not foreseen"] += "ended the process" in said
        if is_wrong(code, said):
            ends[f"{kind}: wrong"] += 1
            wrong.append({"seed": seed, "kind": kind, "code": code, "said": said[-300:]})
    return {**dict(sorted(ends.items())), "wrong": wrong}


if __name__ == "__main__":
    count, bundle = sys.argv[1:]
    print(json.dumps(fuzz(Path(bundle), range(int(count))), indent=1))
