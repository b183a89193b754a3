"""Contributions in C on their own: what they are handed, their bits, and Shapley's own sums."""

from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest

from server.engine.native import engine
from tests.native_kernel import needs_kernel
from tests.server.engine.native.two_trees import F, Kernel, arguments, i64

pytestmark = needs_kernel
Contributions: Any = engine.Contributions
LANES = (2, 4, 8)
COUNTS = np.array([5, 2, 3, 6, 4], np.int32)
ROWS = np.array([[0.0, 0.0], [1.0, 9.0], [1.0, 0.0], [3.0, 9.0], [np.nan, 1.0], [1e300, 2.0]])


def kernel(counts: Any = COUNTS, **more: Any) -> Any:
    return Kernel(**(arguments() | {"counts": counts} | more))


def explained(made: Any, rows: Any = ROWS, width: int = F) -> Any:
    out = np.empty((len(rows), 1, width + 1))
    made.block(rows, out)
    return out[:, 0]


def value(row: Any, known: tuple[int, ...]) -> float:
    """The expectation of both trees where only some features of the row are known."""
    inner = (4.0 if row[1] > 2 else 2.0) if 1 in known else (2 * 4.0 + 3 * 2.0) / 5
    first = (inner if row[0] > 0.5 else 1.0) if 0 in known else (5 * inner + 5 * 1.0) / 10
    second = (8.0 if row[0] == 3 else 0.0) if 0 in known else 4 * 8.0 / 10
    return first + second


def shapley(row: Any) -> list[float]:
    """By the definition: every order in which features become known."""
    phi = [0.0] * F
    for feature in range(F):
        others = [each for each in range(F) if each != feature]
        for size in range(F):
            for known in combinations(others, size):
                weight = factorial(size) * factorial(F - size - 1) / factorial(F)
                phi[feature] += weight * (value(row, (*known, feature)) - value(row, known))
    return [*phi, value(row, ())]


def test_contributions_are_shapley_values() -> None:
    found = explained(Contributions(kernel(), F, i64(0, 1), 1.0))
    wanted = [shapley(row) for row in ROWS]
    assert np.allclose(found, wanted, rtol=1e-15, atol=1e-15)


def test_columns_are_summed_and_all_is_divided() -> None:
    apart = explained(Contributions(kernel(), F, i64(0, 1), 1.0))
    together = explained(Contributions(kernel(), 1, i64(0, 0), 1.0), width=1)
    halves = explained(Contributions(kernel(), F, i64(0, 1), 2.0))
    assert np.allclose(together[:, 0], apart[:, 0] + apart[:, 1], rtol=1e-15)
    assert (halves * 2 == apart).all()


def test_every_processors_bits_are_the_same() -> None:
    ways = [Contributions(kernel(), F, i64(0, 1), 1.0, lanes=lanes) for lanes in LANES]
    assert len({explained(way).tobytes() for way in ways}) == 1


def test_a_kernel_scores_as_it_did_without_counts() -> None:
    given = arguments() | {"counts": COUNTS}
    made = Kernel(**given)
    Contributions(made, F, i64(0, 1), 1.0)
    given["row"][:] = [3.0, 9.0]
    made.score_row()
    assert given["raw"].tolist() == [12.0]


@pytest.mark.parametrize(
    ("counts", "said"),
    [(COUNTS[:4], "four bytes per leaf"), (COUNTS.astype(np.int64), "four bytes per leaf"),
     (np.zeros(0, np.int32), "four bytes per leaf"), (COUNTS * 0, "one row or more"),
     (-COUNTS, "one row or more"), (COUNTS + np.int32(2**30), "fewer than 2\\*\\*31 rows")],
)  # fmt: skip
def test_counts_that_are_none_are_a_value_error(counts: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Contributions(kernel(counts), F, i64(0, 1), 1.0)


@pytest.mark.parametrize(
    "odd",
    [(F, i64(0), 1.0), (F, i64(0, 1, 1), 1.0), (F, i64(0, 2), 1.0), (F, i64(-1, 0), 1.0),
     (0, i64(0, 0), 1.0), (-1, i64(0, 0), 1.0), (1 << 60, i64(0, 0), 1.0), (F, i64(0, 1), 0.0),
     (F, i64(0, 1), -1.0), (F, i64(0, 1), np.nan), (F, np.zeros(9, np.uint8), 1.0)],
)  # fmt: skip
def test_what_is_out_of_bounds_is_a_value_error(odd: Any) -> None:
    with pytest.raises(ValueError, match="wanted"):
        Contributions(kernel(), *odd)


def test_a_kernel_without_counts_explains_nothing() -> None:
    with pytest.raises(ValueError, match="wanted one with a count per leaf"):
        Contributions(Kernel(**arguments()), F, i64(0, 1), 1.0)
    with pytest.raises(TypeError):
        Contributions(None, F, i64(0, 1), 1.0)


def test_a_block_of_another_shape_is_a_value_error() -> None:
    made = Contributions(kernel(), F, i64(0, 1), 1.0)
    for rows, out in ((np.zeros(3), np.zeros(3)), (np.zeros((2, F)), np.zeros((1, F + 1)))):
        with pytest.raises(ValueError, match="wanted rows"):
            made.block(rows, out)
    made.block(np.zeros((0, F)), np.zeros(0))


def chain(length: int, features: int) -> dict[str, Any]:
    """One tree: a split below the other, over so many features in turn."""
    one_more = np.arange(1, length + 1)
    return arguments() | {
        "features": features, "slots": 1 + 3 * features, "roots": i64(0), "targets": i64(0),
        "slot": 1 + np.arange(length) % features, "threshold": np.zeros(length),
        "yes": np.append(one_more[:-1], -1 - length), "no": -one_more,
        "leaf": np.arange(length + 1.0), "counts": np.ones(length + 1, np.int32),
        "categories": [], "fillers": [(None, np.nan, -1e9, 1e9, False)] * features,
        "row": np.zeros(features), "raw": np.zeros(1),
    }  # fmt: skip


@pytest.mark.parametrize(("length", "features"), [(128, 128), (999, 3), (40, 39), (20, 20), (5, 5)])
def test_long_paths_add_up(length: int, features: int) -> None:
    """On the way that ends with the first leaf, with the last, and between."""
    given = chain(length, features)
    made = Kernel(**given)
    rows = np.where(np.arange(features) < np.array([[0], [features // 2], [features]]), 1.0, -1.0)
    columns = np.arange(features)
    ways = [Contributions(made, features, columns, 1.0, lanes=lanes) for lanes in LANES]
    out, *others = (explained(way, rows, features) for way in ways)
    assert all(out.tobytes() == other.tobytes() for other in others)
    raw = np.empty((3, 1))
    made.score_block(rows, raw)
    assert np.allclose(out.sum(axis=1), raw[:, 0], rtol=1e-10)


@pytest.mark.parametrize(
    ("length", "features", "said"),
    [(129, 129, "at most 128 features"), (1001, 3, "at most 1000 splits")],
)
def test_longer_paths_are_refused(length: int, features: int, said: str) -> None:
    made = Kernel(**chain(length, features))
    with pytest.raises(ValueError, match=said):
        Contributions(made, features, np.arange(features), 1.0)
