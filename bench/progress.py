"""Progress messages on stderr."""

import sys
from time import monotonic

START = monotonic()


def say(text: str) -> None:
    """Print one line with the seconds since the start."""
    print(f"{monotonic() - START:6.1f} s  {text}", file=sys.stderr, flush=True)
