"""What all connections of a worker share: their bounds, and what changes while it lives."""

from typing import Any

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
    """What changes while a worker lives; `gate` is None where every body is kept.

    `answering` holds what ASGI answers, but for clients that do not take it.
    """

    arrivals: Arrivals
    gate: Gate | None = None
    answering: set[Any] = msgspec.field(default_factory=set)
    draining: bool = False
    shedding: Shedding = msgspec.field(default_factory=Shedding)
