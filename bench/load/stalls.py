"""How much of the time a core stands still, whoever runs on it: no server is on time then.

The host below a virtual machine, other processes and interrupts do it. What arrives in a stall of
a millisecond waits up to a millisecond longer, so a share of 0.1 % is felt in every p99.9.
"""

from collections.abc import Callable
from time import perf_counter_ns

from .servers import GENERATOR_CORE, SERVER_CORE, on_core

LONG_NS = 1_000_000
SECONDS = 3.0


def measure(seconds: float = SECONDS) -> dict[str, float]:
    """Return the share of time in stalls on the server's and the generator's core, in percent."""
    found = {}
    for name, core in (("server", SERVER_CORE), ("generator", GENERATOR_CORE)):
        with on_core(core):
            found[f"% of the time in stalls over 1 ms, {name}'s core"] = percent(seconds)
    return found


def percent(seconds: float, clock: Callable[[], int] = perf_counter_ns) -> float:
    """Return the share for this thread; between two readings of the clock, in ns, lies no work."""
    stalled = 0
    before = began = clock()
    while before - began < seconds * 1e9:
        now = clock()
        if now - before > LONG_NS:
            stalled += now - before
        before = now
    return round(100 * stalled / (before - began), 3)
