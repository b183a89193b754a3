"""What can be wrong with outcomes."""

from ..errors import MonitoringError


class OutcomesError(MonitoringError):
    """The file of outcomes cannot be read or joined to the log."""
