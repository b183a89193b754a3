"""What can stop a drift run: exit code 3 and one line."""

from ..errors import MonitoringError


class DriftError(MonitoringError):
    """The verdict cannot be computed from what was given."""


class BadReferenceError(DriftError):
    """The bundle has no readable profile, or it does not fit its manifest."""


class BadCurrentError(DriftError):
    """The current rows cannot be read as the reference's columns."""


class OutcomesError(MonitoringError):
    """The file of outcomes cannot be read or joined to the log."""
