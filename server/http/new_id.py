"""Ids for requests without one: 128 random bits in hexadecimal.

The kernel is asked for many at once: a call for each would cost a hundredth of a score.
"""

import os

BYTES, AT_ONCE = 16, 64
_spare: list[str] = []
# After a fork, both processes would use the same ids.
os.register_at_fork(after_in_child=_spare.clear)


def new_id() -> str:
    """Return a new, unique id."""
    try:
        return _spare.pop()
    except IndexError:
        first, *others = _draw()
        _spare.extend(others)
        return first


def new_ids(count: int) -> list[str]:
    """Return so many of them."""
    while len(_spare) < count:
        _spare.extend(_draw())
    found = _spare[-count:]
    del _spare[-count:]
    return found


def _draw() -> list[str]:
    digits = os.urandom(BYTES * AT_ONCE).hex()
    return [digits[i : i + 2 * BYTES] for i in range(0, len(digits), 2 * BYTES)]
