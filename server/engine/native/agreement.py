"""Prove at every start that both engines give the same bits, on rows made from the splits."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from ...bundle.applicant import ZERO, Floats, codes_of
from ...bundle.manifest import Category, Feature
from ..engine import Engine
from .engine import FASTEST, WALKED, Native
from .layout import each_threshold
from .trees import NotNativeError, Trees

# Rows times splits: keeps the start quick, since onnxruntime is slow for single rows.
BUDGET = 12_000_000
FEWEST, MOST = 300, 3_000
SHARE = 30  # percent of the values
TINY = float(np.nextafter(0.0, 1.0))
NEAR = (0.0, TINY, 1e-36, float(np.nextafter(ZERO, 0.0)), ZERO, float(np.nextafter(ZERO, 1.0)))
FAR = (1.0, 1e300, float(np.finfo(np.float64).max), np.inf)
SPECIALS = np.array([np.nan, *NEAR, *FAR, *(-x for x in (*NEAR, *FAR))])
BODIES = 8
NO_CATEGORIES = np.array([np.nan, -1.0, 2.0**31 - 1, 2.0**31, 2.0**32 + 1])


def rows(trees: Trees, golden: Floats) -> Floats:
    """Return rows [N, F] as the model sees them: `golden`, then as many made ones as fit
    the budget.

    In half of them a share of the golden values is replaced, in the others every value: by a
    threshold, its neighbours, or extreme float64 values.
    """
    count = int(np.clip(BUDGET // len(trees.feature), FEWEST, MOST))
    made = golden[np.arange(count) % len(golden)]
    for feature, asked in each_threshold(trees):
        values = pool(asked, bool(trees.member[trees.feature == feature].any()))
        drawn = scattered(count, feature)
        replaced = drawn % 100 < SHARE
        replaced[count // 2 :] = True
        made[replaced, feature] = values[drawn // 100 % len(values)][replaced]
    return np.concatenate([golden, made])


def scattered(count: int, seed: int) -> npt.NDArray[np.uint64]:
    """Return pseudo-random integers [count] (splitmix64), because the image has no numpy.random."""
    x = np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x += np.uint64((seed + 1) * 0xD1342543DE82EF95 & 0xFFFFFFFFFFFFFFFF)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return x ^ (x >> np.uint64(31))


def pool(asked: Floats, is_category: bool) -> Floats:
    """Return the values to try for a feature whose splits test `asked`.

    A category in a row is whole: the graph compares it as it is, LightGBM truncates a fraction.
    """
    if is_category:
        # A one-leaf tree splits on an arbitrary feature, with a threshold that is no category.
        asked = asked[asked == np.floor(asked)]
        return np.concatenate([asked, asked + 1, NO_CATEGORIES])
    with np.errstate(over="ignore"):
        beside = [np.nextafter(asked, np.inf), np.nextafter(asked, -np.inf)]
    return np.concatenate([SPECIALS, asked, *beside])


def check(session: Engine, native: Native, probes: Floats) -> None:
    """Score rows [N, F] with both engines; raises NotNativeError at the first differing bit.

    The native one scores them as a block, and once more as it scores a single row.
    """
    wanted = session.score_block(probes)
    for way in (FASTEST, WALKED):
        got = native.score_block(probes, way)
        wrong = (wanted.view(np.int64) != got.view(np.int64)).any(axis=1)
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            raise NotNativeError(
                f"{int(wrong.sum())} of {len(probes)} rows differ; the first, "
                f"{probes[at].tolist()}: onnxruntime {wanted[at].tolist()}, native "
                f"{got[at].tolist()}"
            )


def check_bodies(native: Engine, features: Sequence[Feature], golden: Floats) -> None:
    """Score some of `golden` from bodies and from values; raises NotNativeError, like check."""
    for row in golden[:BODIES].tolist():
        sent = {each.name: value_of(each, x) for each, x in zip(features, row, strict=True)}
        body, packed = msgspec.json.encode(sent), msgspec.msgpack.encode(sent)
        wanted = native.score(tuple(msgspec.json.decode(body).values()))
        for got in (native.score_json(body), native.score_msgpack(packed)):
            if got is not None and (wanted is None or bits_of(got) != bits_of(wanted)):
                raise NotNativeError(f"from the body {body!r}: {got}, from its values {wanted}")
        blocks = (
            native.block_json(b"[%b]" % body, 1), native.block_msgpack(b"\x91" + packed, 1),
            native.bodies_json([body]), native.bodies_msgpack([packed]),
        )  # fmt: skip
        for block in blocks:
            if block is None or block[2:] != ([], []):
                continue
            if wanted is None or block[0] != wanted[0]:
                raise NotNativeError(
                    f"as a block, from {body!r}: {block}, from its values {wanted}"
                )


def value_of(feature: Feature, x: float) -> Any:
    """Return what a client sends for a number of a row; None if missing."""
    if isinstance(feature, Category):
        return {code: value for value, code in codes_of(feature).items()}.get(x)
    if feature.boolean and x in {0.0, 1.0}:
        return x == 1.0
    return None if x != x else x


def bits_of(said: tuple[bytes, list[float]]) -> tuple[bytes, bytes]:
    """Return a row and its raw scores as bytes, which distinguish -0.0 from 0.0."""
    return said[0], np.array(said[1]).tobytes()
