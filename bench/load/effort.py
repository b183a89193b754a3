"""How much load, and what a row is called."""

from collections.abc import Sequence

import msgspec

from ..result import Row
from ..workload.models import Workload
from .subjects import Subject


class Effort(msgspec.Struct, frozen=True):
    """How long and how often."""

    rounds: int
    seconds: int
    connections: Sequence[int]


def label(subject: Subject, workload: Workload) -> Row:
    """Return the columns that name a row."""
    return {
        "model": workload.size.name, "subject": subject.name, "label": subject.label,
        "kind": subject.kind,
    }  # fmt: skip
