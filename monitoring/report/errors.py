"""Errors of making the report."""

from ..errors import MonitoringError


class ReportError(MonitoringError):
    """The report cannot be made from these rows."""
