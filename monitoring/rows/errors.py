"""Errors that stop a drift run: exit code 3 and one line."""

from ..errors import MonitoringError


class DriftError(MonitoringError):
    """The verdict cannot be computed from these inputs."""


class BadReferenceError(DriftError):
    """The bundle's profile is missing or unreadable, or does not fit its manifest."""


class BadCurrentError(DriftError):
    """The current rows do not have the reference's columns."""


class OutcomesError(MonitoringError):
    """The file of outcomes cannot be read or joined to the log."""
