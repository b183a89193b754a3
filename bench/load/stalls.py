"""The share of time in which a core stands still, whoever uses it: no server is on time then.

The host of a virtual machine, other processes and interrupts cause it. A request that arrives in a
stall of a millisecond waits up to a millisecond longer, so a share of 0.1 % shows in every p99.9.
"""

from collections.abc import Callable
from time import perf_counter_ns

from .servers import GENERATOR_CORE, SERVER_CORE, on_core

LONG_NS = 1_000_000
SECONDS = 3.0


def measure(seconds: float = SECONDS) -> dict[str, float]:
    """Return the percentage of time in stalls, on the server's and the generator's core."""
    found = {}
    for name, core in (("server", SERVER_CORE), ("generator", GENERATOR_CORE)):
        with on_core(core):
            found[f"% of the time in stalls over 1 ms, {name}'s core"] = percent(seconds)
    return found


def percent(seconds: float, clock: Callable[[], int] = perf_counter_ns) -> float:
    """Return the percentage for this thread, from gaps in the clock, in ns."""
    stalled = 0
    before = began = clock()
    while before - began < seconds * 1e9:
        now = clock()
        if now - before > LONG_NS:
            stalled += now - before
        before = now
    return round(100 * stalled / (before - began), 3)
