"""What can be chosen for a run, by the names the command line and drift.json give it."""

from argparse import ArgumentTypeError
from datetime import timedelta

HOUR, DAY, WEEK = "hour", "day", "week"
TRAINING, PREVIOUS, FILE = "training", "previous", "file"
LONGEST = timedelta(days=36_525)


def span(text: str) -> timedelta:
    """Parse a length of time such as 7d, 12h or 2w. Raises ArgumentTypeError."""
    units = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
    if text[-1:] not in units or not text[:-1].isdecimal() or not int(text[:-1]):
        raise ArgumentTypeError(f"wanted a length such as 7d, 12h or 2w, got {text!r}")
    if int(text[:-1]) > LONGEST / units[text[-1]]:
        raise ArgumentTypeError(f"wanted at most 100 years, got {text!r}")
    return int(text[:-1]) * units[text[-1]]
