"""The time a core stands still."""

import os
import signal
import subprocess
import sys
import time

from bench.load import stalls

MS = 1_000_000


def test_gaps_of_more_than_a_millisecond_are_the_share_that_is_told() -> None:
    ticks = iter([0, MS // 2, MS, 2 * MS, 7 * MS, 8 * MS, 10 * MS])
    assert stalls.percent(0.01, lambda: next(ticks)) == 70.0


def test_a_process_that_is_stopped_stands_still() -> None:
    code = "from bench.load import stalls; print(flush=True); print(stalls.percent(2.0))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as asked:
        assert asked.stdout is not None
        asked.stdout.readline()
        time.sleep(0.2)
        os.kill(asked.pid, signal.SIGSTOP)
        time.sleep(1.5)
        os.kill(asked.pid, signal.SIGCONT)
        said, _ = asked.communicate(timeout=30)
    assert float(said) > 50


def test_both_cores_are_looked_at() -> None:
    found = stalls.measure(0.01)
    assert len(found) == 2
    assert all(0 <= share <= 100 for share in found.values())
