"""What all connections of a worker share: their bounds, and what changes while it lives."""

import msgspec

from .arrivals import Arrivals
from .gate import Gate
from .shedding import Shedding


class Limits(msgspec.Struct, frozen=True):
    """The bounds of a connection: bytes, queued requests, seconds."""

    max_body: int
    max_in_flight: int
    head_seconds: float
    body_seconds: float
    answer_seconds: float


class State(msgspec.Struct):
    """What changes while a worker lives; `gate` is None where every body is kept."""

    arrivals: Arrivals
    gate: Gate | None = None
    draining: bool = False
    shedding: Shedding = msgspec.field(default_factory=Shedding)
