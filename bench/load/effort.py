"""How much load is applied, and the columns that name a row."""

from collections.abc import Sequence

import msgspec

from ..result import Row
from ..workload.models import Workload
from .subjects import Subject


class Effort(msgspec.Struct, frozen=True):
    """Durations and numbers of rounds."""

    rounds: int
    seconds: int
    connections: Sequence[int]


def label(subject: Subject, workload: Workload) -> Row:
    """Return the columns that name a row."""
    return {
        "model": workload.size.name, "subject": subject.name, "label": subject.label,
        "kind": subject.kind,
    }  # fmt: skip
