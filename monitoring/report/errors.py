"""What can go wrong in making the report."""

from ..errors import MonitoringError


class ReportError(MonitoringError):
    """The report could not be made from these rows."""
