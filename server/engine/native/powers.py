"""Powers of five for number.c: the first 128 bits of each."""

from functools import cache

import numpy as np
import numpy.typing as npt

# As number.h has them.
SMALLEST, LARGEST = -64, 64
BITS = 128
# Multiplying by the inverse of a larger power needs that many more bits in the inverse.
LARGEST_WITH_SHORT_INVERSE = 27


@cache
def powers_of_five() -> npt.NDArray[np.uint64]:
    """Return uint64 [LARGEST - SMALLEST + 1, 2], the upper half of each first."""
    powers = [first_bits(q) for q in range(SMALLEST, LARGEST + 1)]
    return np.array([(each >> 64, each & (1 << 64) - 1) for each in powers], np.uint64)


def first_bits(q: int) -> int:
    """Return 5**q times a power of two, cut to 128 bits; an inverse is rounded up first."""
    power: int = 5 ** abs(q)
    length = power.bit_length()
    if q < 0:
        more = 0 if -q <= LARGEST_WITH_SHORT_INVERSE else length + 1
        power = (1 << length + BITS - 1 + more) // power + 1
        length = power.bit_length()
    return power << BITS - length if length <= BITS else power >> length - BITS
