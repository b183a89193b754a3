"""What a person running `python -m monitoring` is told in one line instead of a traceback."""


class MonitoringError(Exception):
    """Something the person can act on: says what was wanted, what was got and where."""
