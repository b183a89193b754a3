"""One turn of the event loop, as the fast lane counts it.

What became readable together is answered together, one after the other, before anything else runs.
So the number answered in a turn is how many the last of them waited for: the length of the queue,
which here stands in the kernel and in no task.
"""

import asyncio


class Turn:
    """The turn a worker is in; `number` tells it from the others."""

    def __init__(self) -> None:
        self.number = 0
        self.answered = 0
        self._began = 0.0

    def enter(self, loop: asyncio.AbstractEventLoop, now: float) -> float:
        """Count one request; return when the first of this turn was taken, as by perf_counter."""
        if self.answered == 0:
            self._began = now
            loop.call_soon(self._end)
        self.answered += 1
        return self._began

    def _end(self) -> None:
        self.number += 1
        self.answered = 0
