"""Rows side by side: the bits of one row at a time, whatever the trees and however many rows."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from server.engine.native.engine import FASTEST, PORTABLE, WALKED
from tests.native_kernel import needs_kernel
from tests.server.engine.native.two_trees import SLOTS, Kernel, arguments, i64

pytestmark = needs_kernel
F, SETS = 5, 3
ENDS = (0.0, -0.0, 5e-324, -5e-324, 1e-35, 1.0, 1e300, -1e300, np.inf, -np.inf)
Rng = np.random.Generator


def tree(leaves: int, first_leaf: int, first_split: int, rng: Rng) -> tuple[list[int], list[int]]:
    """Return the children for yes and for no of a random tree; a leaf i is -1 - i."""
    sides: tuple[list[int], list[int]] = ([], [])
    open_places: list[tuple[int, int]] = []
    for split in range(leaves - 1):
        if split:
            side, parent = open_places.pop(int(rng.integers(len(open_places))))
            sides[side][parent] = first_split + split
        for side in (0, 1):
            open_places.append((side, len(sides[side])))
            sides[side].append(0)
    for number, (side, parent) in enumerate(open_places):
        sides[side][parent] = -1 - first_leaf - number
    return sides


def forest(leaves: list[int], pool: np.ndarray[Any, Any], outputs: int, rng: Rng) -> dict[str, Any]:
    """Return a Kernel's arguments: trees of so many leaves, their thresholds from a pool."""
    yes: list[int] = []
    no: list[int] = []
    roots = []
    for number, each in enumerate(leaves):
        roots.append(len(yes))
        sides = tree(each, sum(leaves[:number]), len(yes), rng)
        yes += sides[0]
        no += sides[1]
    slots = 1 + 3 * F + SETS
    words = np.array([[0], *rng.integers(0, 1 << SETS, 3).reshape(-1, 1)], np.uint64)
    return {
        "features": F, "outputs": outputs, "slots": slots, "roots": i64(*roots),
        "targets": rng.integers(0, outputs, len(leaves)), "slot": rng.integers(1, slots, len(yes)),
        "threshold": rng.choice(pool, len(yes)), "yes": i64(*yes), "no": i64(*no),
        "leaf": rng.normal(size=sum(leaves)) * 10.0 ** rng.integers(-9, 9, sum(leaves)),
        "categories": [(0, slots - SETS, SETS, i64(0, 2, 7), words)],
        "fillers": [(None, np.nan, -1e9, 1e9, False)] * F, "row": np.zeros(F),
        "raw": np.zeros(outputs),
    }  # fmt: skip


def rows_for(pool: np.ndarray[Any, Any], count: int, rng: Rng) -> np.ndarray[Any, Any]:
    with np.errstate(over="ignore"):
        beside = [np.nextafter(pool, np.inf), np.nextafter(pool, -np.inf)]
    return rng.choice(np.concatenate([pool, *beside, [np.nan] * len(pool), ENDS]), (count, F))


def scored(kernel: Any, rows: np.ndarray[Any, Any], outputs: int, way: int) -> bytes:
    raw = np.full((len(rows), outputs), 7.0)
    kernel.score_block(rows, raw, way)
    by_column = np.full((len(rows), outputs), 7.0)
    kernel.score_columns(np.ascontiguousarray(rows.T), by_column, way)
    assert by_column.tobytes() == raw.tobytes()
    return raw.tobytes()


def one_by_one(given: dict[str, Any], kernel: Any, rows: np.ndarray[Any, Any]) -> bytes:
    found = []
    for row in rows:
        given["row"][:] = row
        kernel.score_row()
        found.append(given["raw"].tobytes())
    return b"".join(found)


def forests() -> Iterator[Any]:
    """Few and many thresholds a feature, so that it takes one column of bytes or several."""
    few, many = np.array([0.5, *ENDS]), np.random.default_rng(0).normal(size=3000)
    yield pytest.param([2], few, 1, id="one split")
    yield pytest.param([2, 3, 4, 5, 6, 7], few, 1, id="small trees")
    yield pytest.param([31] * 21, few, 3, id="several outputs")
    yield pytest.param([31] * 22, many, 1, id="some thresholds")
    yield pytest.param([250] * 40, many, 2, id="more thresholds than a byte holds")
    yield pytest.param([256, 256, 2], many, 1, id="as many leaves as a byte holds")
    yield pytest.param([2, 257, 2], many, 1, id="more leaves than a byte holds")


@pytest.mark.parametrize(("leaves", "pool", "outputs"), forests())
def test_a_block_has_the_bits_of_one_row_at_a_time(
    leaves: list[int], pool: np.ndarray[Any, Any], outputs: int
) -> None:
    rng = np.random.default_rng(len(leaves))
    given = forest(leaves, pool, outputs, rng)
    kernel = Kernel(**given)
    for count in (1, 7, 8, 15, 16, 17, 33, 127, 128, 129, 700):
        rows = rows_for(pool, count, rng)
        wanted = one_by_one(given, kernel, rows)
        for way in (FASTEST, WALKED, PORTABLE):
            assert scored(kernel, rows, outputs, way) == wanted, (count, way)


def test_threads_score_with_one_kernel_at_once() -> None:
    rng = np.random.default_rng(5)
    pool = rng.normal(size=200)
    kernel = Kernel(**forest([31] * 60, pool, 1, rng))
    blocks = [rows_for(pool, 2_000, rng) for _ in range(12)]
    wanted = [scored(kernel, rows, 1, WALKED) for rows in blocks]
    with ThreadPoolExecutor(4) as threads:
        found = threads.map(lambda rows: scored(kernel, rows, 1, FASTEST), blocks)
        assert list(found) == wanted


def test_a_set_that_no_category_fills_is_never_held() -> None:
    """No model has such sets, but a kernel may be handed one: rows are then walked."""
    given = arguments() | {"slots": SLOTS + 1, "slot": i64(1, 2, SLOTS)}
    kernel = Kernel(**given)
    rows = np.full((20, 2), 3.0)
    assert scored(kernel, rows, 1, FASTEST) == one_by_one(given, kernel, rows)
