"""A made-up portfolio of 30 columns, each shaped like one of a credit file, without drift."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64] | NDArray[np.object_]
Draw = Callable[[np.random.Generator, int], Values]

MISSING = 0.02
LEVELS = "ABCDEFGHIJKLMNOPQRST"


@dataclass(frozen=True)
class Shape:
    """A column: its name, whether it is a category, and how to draw `n` values [n]."""

    name: str
    category: bool
    draw: Draw


def with_missing(random: np.random.Generator, values: Values, share: float = MISSING) -> Values:
    """Replace a share of the values: by NaN in a number, None in a category."""
    gone = random.random(len(values)) < share
    if values.dtype == object:
        return np.where(gone, None, values)  # type: ignore[call-overload,no-any-return]
    return np.where(gone, np.nan, values)


def normal(random: np.random.Generator, n: int, shift: float = 0.0) -> Values:
    """A standard normal, such as a bureau score."""
    return with_missing(random, random.normal(shift, 1.0, n))


def log_normal(random: np.random.Generator, n: int, shift: float = 0.0) -> Values:
    """A log-normal, such as an income."""
    return with_missing(random, random.lognormal(10.0 + shift, 1.0, n))


def zeros(random: np.random.Generator, n: int, share: float = 0.7) -> Values:
    """Mostly zero, such as days past due."""
    amount = random.lognormal(3.0, 1.0, n)
    return with_missing(random, np.where(random.random(n) < share, 0.0, amount))


def counts(random: np.random.Generator, n: int) -> Values:
    """A small count, such as open loans."""
    return with_missing(random, random.poisson(2.0, n).astype(np.float64))


def weights(levels: int) -> NDArray[np.float64]:
    """Return the shares of a category's levels, each two thirds of the one before."""
    falling = (2 / 3) ** np.arange(levels)
    shares: NDArray[np.float64] = falling / falling.sum()
    return shares


def category(random: np.random.Generator, n: int, shares: NDArray[np.float64]) -> Values:
    """A category whose levels have the given shares, such as an occupation."""
    names = np.array(list(LEVELS[: len(shares)]), object)
    return with_missing(random, random.choice(names, n, p=shares))


def _levels(levels: int) -> Draw:
    return lambda random, n: category(random, n, weights(levels))


def portfolio() -> list[Shape]:
    """Return the 30 columns: 24 numbers and 6 categories of 2 to 20 levels."""
    numbers: list[tuple[str, int, Draw]] = [
        ("score", 8, normal), ("income", 8, log_normal), ("overdue", 4, zeros), ("loans", 4, counts)
    ]  # fmt: skip
    drawn = [Shape(f"{name}_{i}", False, draw) for name, many, draw in numbers for i in range(many)]
    return drawn + [Shape(f"kind_{k}", True, _levels(k)) for k in (2, 3, 5, 8, 12, 20)]
