"""Models for the native engine: built as convert does, held to LightGBM and to onnxruntime."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convert.model.features import MissingChoice
from convert.model.rows import fill_rows
from convert.prove.adversarial import sweep, vary
from convert.prove.building import Built, build
from convert.prove.kinds import Kind
from convert.read.loading import loaded_text
from convert.read.opening import open_model
from server.bundle.manifest import Feature, Missing, Number
from server.engine.native.engine import FASTEST, PORTABLE, WALKED, Native
from server.engine.native.trees import read_trees

CHUNK = 2_000
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True)
class Compared:
    """Rows compared, and in how many of them a bit differed."""

    rows: int
    from_lightgbm: int
    from_onnxruntime: int


def numbers(count: int) -> list[Feature]:
    """Features the engine takes as they come."""
    return [Number(f"f{i}", Missing(True, "trained")) for i in range(count)]


def of_kind(kind: Kind, seed: int = 1) -> Built:
    return build(loaded_text(kind.text(seed)), MissingChoice())


def of_file(path: Path, num_iteration: int | None = None) -> Built:
    loaded, carried = open_model(path, num_iteration)
    return build(loaded, MissingChoice(), carried)


def native(built: Built) -> Native:
    """Raises NotNativeError."""
    trees = read_trees(built.content)
    return Native(trees, numbers(len(built.features)), built.model.trees_per_iteration)


def made_rows(built: Built, count: int, seed: int) -> Iterator[Floats]:
    """Yield rows as LightGBM takes them: usual values, of which a share comes from the pools."""
    rng = np.random.default_rng(seed)
    pool = built.subject.pool
    usual = [values[np.isfinite(values)] for values in pool]
    while count > 0:
        some = min(count, CHUNK)
        base = sweep(usual, some, rng)
        yield vary(base, pool, float(rng.choice([0.0, 0.05, 0.5, 1.0])), rng)
        count -= some


def compare(built: Built, rows: Iterator[Floats]) -> Compared:
    """Score rows by all three, by the native engine in each of its ways; raises NotNativeError."""
    engine, subject = native(built), built.subject
    total = np.zeros(3, np.int64)
    for X in rows:
        filled = fill_rows(X, built.features)
        wanted, runtime = subject.oracle.raw(X), subject.runtime.raw(filled)
        ways = [engine.score_block(filled, way) for way in (FASTEST, WALKED, PORTABLE)]
        total += (
            len(X),
            max(differ(got, wanted) for got in ways),
            max(differ(got, runtime) for got in ways),
        )
    return Compared(*total.tolist())


def differ(one: Floats, other: Floats) -> int:
    return int((bits(one) != bits(other)).any(axis=1).sum())


def bits(values: Floats) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    return np.ascontiguousarray(values, np.float64).view(np.int64)
