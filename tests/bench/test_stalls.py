"""The time a core stands still."""

import os
import signal
import subprocess
import sys
import time

from bench.load import stalls
from tests.conftest import ROOT
from tests.waiting import STOPPED, state, until

MS, SECONDS = 1_000_000, 0.5
STOPS = f"""
import os, signal, time
from bench.load import stalls
readings = iter(range(1_000_000_000))
def clock():
    if next(readings) == 1:
        os.kill(os.getpid(), signal.SIGSTOP)
    return time.perf_counter_ns()
print(stalls.percent({SECONDS}, clock))
"""


def test_gaps_of_more_than_a_millisecond_are_the_share_that_is_told() -> None:
    ticks = iter([0, MS // 2, MS, 2 * MS, 7 * MS, 8 * MS, 10 * MS])
    assert stalls.percent(0.01, lambda: next(ticks)) == 70.0


def test_a_process_that_is_stopped_stands_still() -> None:
    """It is stopped between two readings of the clock, for as long as it was to look."""
    with subprocess.Popen(
        [sys.executable, "-c", STOPS], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as asked:
        until(lambda: state(asked.pid) == STOPPED)
        time.sleep(SECONDS)
        os.kill(asked.pid, signal.SIGCONT)
        said, _ = asked.communicate(timeout=30)
    assert float(said) > 50


def test_both_cores_are_looked_at() -> None:
    found = stalls.measure(0.01)
    assert len(found) == 2
    assert all(0 <= share <= 100 for share in found.values())
