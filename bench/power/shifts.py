"""The changes whose detection is measured, each in one column of an otherwise unchanged
portfolio.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from .portfolio import Draw, Values, category, log_normal, normal, weights, with_missing, zeros

SENTINEL = 1e9


@dataclass(frozen=True)
class Shift:
    """A change: how to draw the reference and the current rows, and whether it counts as drift."""

    name: str
    before: Draw
    after: Draw
    is_category: bool = False
    is_drift: bool = True


def _missing(share: float) -> Draw:
    return lambda random, n: with_missing(random, random.normal(size=n), share)


def _sentinels(draw: Draw) -> Draw:
    def drawn(random: np.random.Generator, n: int) -> Values:
        values = draw(random, n)
        values[:2] = SENTINEL
        return values

    return drawn


def _moved(points: float) -> Draw:
    shares = weights(5)
    shares[0] -= points
    shares[1] += points
    return partial(category, shares=shares)


def _unseen(share: float) -> Draw:
    return partial(category, shares=np.append(weights(5) * (1 - share), share))


_plain: Callable[..., Values] = partial(category, shares=weights(5))


def shifts() -> list[Shift]:
    """Return the changes, the two without drift first."""
    return [
        Shift("two values of 1e9, no drift", log_normal, _sentinels(log_normal), is_drift=False),
        Shift("normal +0.1 sd", normal, partial(normal, shift=0.1)),
        Shift("normal +0.25 sd", normal, partial(normal, shift=0.25)),
        Shift("normal +0.5 sd", normal, partial(normal, shift=0.5)),
        Shift("log-normal +0.25 log-sd", log_normal, partial(log_normal, shift=0.25)),
        Shift("reference has two 1e9, then +1 log-sd",
              _sentinels(log_normal), partial(log_normal, shift=1.0)),
        Shift("zeros 70 -> 60 %", zeros, partial(zeros, share=0.6)),
        Shift("missing 2 -> 5 %", normal, _missing(0.05)),
        Shift("missing 2 -> 10 %", normal, _missing(0.10)),
        Shift("missing 2 -> 50 %", normal, _missing(0.50)),
        Shift("category 5 points A to B", _plain, _moved(0.05), is_category=True),
        Shift("category 10 points A to B", _plain, _moved(0.10), is_category=True),
        Shift("unseen category 1 %", _plain, _unseen(0.01), is_category=True),
        Shift("unseen category 5 %", _plain, _unseen(0.05), is_category=True),
    ]  # fmt: skip
