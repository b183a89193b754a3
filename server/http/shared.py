"""What all connections of a worker share, and what changes while it lives."""

import msgspec

from ..settings import Settings
from .arrivals import Arrivals, arrivals
from .gate import Gate
from .in_flight import InFlight
from .shedding import Shedding


class State(msgspec.Struct):
    """The room there is, and who waits for it; `gate` is None where every body is kept."""

    arrivals: Arrivals
    in_flight: InFlight
    gate: Gate | None = None
    draining: bool = False
    shedding: Shedding = msgspec.field(default_factory=Shedding)


def state(settings: Settings, gate: Gate | None = None) -> State:
    """Return a worker's at its start."""
    return State(arrivals(settings), InFlight(settings.max_in_flight), gate)
