"""Gauss-Legendre quadrature on [0, 1]: where a polynomial is looked at, and with what weights.

By Newton's method in whole numbers of BITS binary places, so that every machine gets the same bits,
those nearest the truth. The server's C has them as a table: server/engine/native/points.h.
monitoring/ reads it through a link.
"""

import math
from functools import cache

import numpy as np

from .forest import Floats

BITS = 256
ONE = 1 << BITS
ROUNDS = 8  # each doubles the digits that are right; the first guess has three


@cache
def rule(points: int) -> tuple[Floats, Floats]:
    """Return points [n], ascending, and weights [n] of an even rule: exact to degree 2n - 1.

    The upper half mirrors the lower, 1 - t in float64.
    """
    roots = [root(points, i) for i in range(points // 2)]
    low = np.array([(ONE - x) / (2 * ONE) for x, _ in roots])
    # 2 / ((1 - x^2) slope^2) on [-1, 1], half of it on [0, 1]
    halves = [ONE**3 / ((ONE * ONE - x * x >> BITS) * slope * slope) for x, slope in roots]
    weights = np.array(halves)
    return np.append(low, 1.0 - low[::-1]), np.append(weights, weights[::-1])


def root(points: int, number: int) -> tuple[int, int]:
    """Return the number-th root of the Legendre polynomial, from 1 down, and the slope there."""
    x, slope = int(math.cos(math.pi * (number + 0.75) / (points + 0.5)) * (1 << 53)) << BITS - 53, 0
    for _ in range(ROUNDS):
        before, value = ONE, x
        for k in range(2, points + 1):
            before, value = value, ((2 * k - 1) * (x * value >> BITS) - (k - 1) * before) // k
        slope = (points * ((x * value >> BITS) - before) << BITS) // ((x * x >> BITS) - ONE)
        x -= (value << BITS) // slope
    return x, slope
