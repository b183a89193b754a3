"""Numbers of every kind, drawn by a seed."""

import random
import struct


def numbers() -> list[float]:
    """Drawn from all that are written otherwise: any bits, rounded, whole, powers of two."""
    draw = random.Random(8)
    found = [0.0, -0.0, 1e15, 1e16, 1e-5, 9.999e-6, 5e-39, 1e80, 123456789012345680.0]
    for _ in range(20_000):
        found += struct.unpack("<d", draw.randbytes(8))
        found += [draw.gauss(0, 2), round(draw.uniform(-1e6, 1e6), draw.randrange(9)),
                  draw.randrange(1 << 60) * 1.0, 2.0 ** draw.randrange(-180, 180)]  # fmt: skip
    return found
