"""When, at which commit and on which machine a figure was measured."""

from datetime import UTC, datetime

import msgspec

from .. import host


class Provenance(msgspec.Struct):
    """Time, commit and machine; `load_average` is that of the minute before."""

    date: str
    commit: str
    cpu: str
    cores: int
    system: str
    load_average: float

    def __str__(self) -> str:
        """Return it as the pages show it."""
        return (
            f"Measured {self.date} at commit {self.commit} on {self.cpu}, {self.cores} cores,"
            f" {self.system}, load average {self.load_average:.1f} at the start."
        )


def said_of(measured: Provenance | None) -> str:
    """Return it as a sentence; old results have none."""
    return str(measured) if measured else "Measured before commit and machine were kept."


def provenance() -> Provenance:
    """Return the current time, commit and machine; call this before measuring."""
    today, here = datetime.now(UTC).date().isoformat(), host.describe()
    return Provenance(today, host.commit(), here.cpu, here.cores, here.system, here.load_average)
