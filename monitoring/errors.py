"""Errors that the user can fix: printed as one line, without a traceback."""


class MonitoringError(Exception):
    """Base class. The message says what was wanted, what was found and where."""
