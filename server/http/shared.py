"""State shared by all connections of a worker."""

import msgspec

from ..settings import Settings
from .arrivals import Arrivals, arrivals
from .gate import Gate
from .in_flight import InFlight
from .shedding import Shedding


class State(msgspec.Struct):
    """The room that is left, and who waits for it; without a `gate`, all bodies are kept."""

    arrivals: Arrivals
    in_flight: InFlight
    gate: Gate | None = None
    draining: bool = False
    shedding: Shedding = msgspec.field(default_factory=Shedding)


def state(settings: Settings, gate: Gate | None = None) -> State:
    """Return a worker's initial state."""
    return State(arrivals(settings), InFlight(settings.max_in_flight), gate)
