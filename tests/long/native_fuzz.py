"""Damage model.onnx at random and load each: `python -m tests.long.native_fuzz COUNT BUNDLE...`.

In this very process: a crash of the reader or of the kernel ends it with a signal.
"""

import json
import random
import sys
from pathlib import Path

import numpy as np

from server.bundle.manifest import Feature
from server.bundle.reading import read_manifest
from server.engine.contributions import Contributions
from server.engine.native.agreement import rows
from server.engine.native.engine import Native
from server.engine.native.trees import NotNativeError, read_trees

NUMBERS = (b"\x00", b"\x7f", b"\xff\xff\xff\xff\x0f", b"\xff" * 9 + b"\x01", b"\xff" * 10)


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return the bytes with one to four wounds."""
    for _ in range(rng.randint(1, 4)):
        if not content:
            break
        at = rng.randrange(len(content))
        end = at + rng.choice((1, 1, 8, 200))
        wounds = (
            content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :],
            content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :],
            content[:at] + rng.choice(NUMBERS) + content[at + rng.randint(0, 2) :],
            content[:at] + content[end:],
            content[:end] + content[at:],
            content[:at],
        )
        content = wounds[rng.choices(range(6), (4, 8, 4, 2, 2, 1))[0]]
    return content


def attempt(
    content: bytes, features: tuple[Feature, ...], outputs: int, golden: object, least: int
) -> str:
    """Read, build, score and explain; anything but a NotNativeError is an error of ours.

    Leaves are of `least` training rows and more.
    """
    try:
        trees = read_trees(content)
        covers = np.resize(np.arange(least, least + 97, dtype="<i4"), len(trees.leaf))
        engine = Native(trees, features, outputs, covers.tobytes())
        tried = rows(trees, np.asarray(golden))[:50]
        engine.score_block(tried)
        Contributions(engine, 1.0).of(tried[:5])
    except NotNativeError as error:
        said = str(error)
        return "refused" if "wanted" in said or "known" in said or "exact" in said else said
    return "scored"


def fuzz(bundles: list[Path], count: int) -> dict[str, int]:
    """Return how often it ended how."""
    ends: dict[str, int] = {}
    read = [
        (read_manifest(path / "manifest.json"), (path / "model.onnx").read_bytes())
        for path in bundles
    ]
    golden = [
        np.array(
            [each["row"] for each in json.loads((path / "golden.json").read_bytes())["rows"]], float
        )
        for path in bundles
    ]
    for seed in range(count):
        rng = random.Random(seed)
        which = rng.randrange(len(read))
        manifest, content = read[which]
        end = attempt(
            damaged(content, rng), manifest.features, manifest.outputs, golden[which],
            rng.choice((1, 1, 1, 0, -9, 1 << 30)),
        )  # fmt: skip
        ends[end] = ends.get(end, 0) + 1
    return ends


if __name__ == "__main__":
    print(json.dumps(fuzz([Path(each) for each in sys.argv[2:]], int(sys.argv[1]))))
