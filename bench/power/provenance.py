"""What a measured number depends on: the day, the commit, the machine."""

from datetime import UTC, datetime

import msgspec

from .. import host


class Provenance(msgspec.Struct):
    """When, of which commit and on what machine; `load_average` of the minute before."""

    date: str
    commit: str
    cpu: str
    cores: int
    system: str
    load_average: float

    def __str__(self) -> str:
        """Return it as a page says it."""
        return (
            f"Measured {self.date} at commit {self.commit} on {self.cpu}, {self.cores} cores,"
            f" {self.system}, load average {self.load_average:.1f} at the start."
        )


def said_of(measured: Provenance | None) -> str:
    """Say it in a sentence; a result of before it was kept has none."""
    return str(measured) if measured else "Measured before commit and machine were kept."


def provenance() -> Provenance:
    """Return that of this moment: ask before measuring."""
    today, here = datetime.now(UTC).date().isoformat(), host.describe()
    return Provenance(today, host.commit(), here.cpu, here.cores, here.system, here.load_average)
