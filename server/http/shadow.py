"""A version scored beside the default: recorded and compared, never answered.

It runs after the answer was sent, so it reduces throughput but does not delay the request.
"""

from contextlib import suppress
from time import perf_counter

import msgspec

from ..metrics.counters import Counters
from ..record.recorder import Recorder
from ..scoring.codec import MESSAGE_PACK, Codec
from ..scoring.model import Model
from ..scoring.outcome import Outcome
from ..scoring.refusals import RefusedError


class Pending(msgspec.Struct, frozen=True, gc=False):
    """An answered applicant that the shadow has yet to score."""

    request_id: str
    index: int
    body: bytes
    codec: Codec
    answered: Outcome


class Shadow:
    """Scores applicants that were just answered."""

    def __init__(self, model: Model, recorder: Recorder, counters: Counters) -> None:
        self._model = model
        self._recorder = recorder
        self._lines = recorder.writer(model.tag, "shadow")
        self._counters = counters
        self._coming: list[Pending] = []
        self._pending: list[Pending] = []

    def add(
        self, request_id: str, index: int, body: bytes, codec: Codec, answered: Outcome
    ) -> None:
        """Remember an applicant whose answer is being made."""
        self._coming.append(Pending(request_id, index, body, codec, answered))

    def keep(self) -> None:
        """Keep the remembered applicants: they will be answered."""
        self._pending += self._coming
        self._coming = []

    def forget(self) -> None:
        """Drop the remembered applicants: they are refused after all."""
        self._coming = []

    def run(self) -> None:
        """Score and record what was answered; count applicants that the shadow refuses."""
        pending, self._pending = self._pending, []
        for each in pending:
            began = perf_counter()
            try:
                self._record(each, self._model.score(each.body, each.codec), began)
            except RefusedError:
                self._counters.add("shadow_failed")
            self._counters.add("shadow_ns", int((perf_counter() - began) * 1e9))
        with suppress(OSError):  # counted by the recorder
            self._recorder.flush()

    def _record(self, each: Pending, said: Outcome, began: float) -> None:
        self._counters.add("shadow_scored")
        if said.decision != each.answered.decision:
            self._counters.add("shadow_disagreed")
        took = (perf_counter() - began) * 1e6
        is_packed = each.codec is MESSAGE_PACK
        self._recorder.append(
            self._lines.write(each.request_id, each.index, said, took, each.body, is_packed)
        )  # fmt: skip
