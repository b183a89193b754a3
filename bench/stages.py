"""The budget of one request: the cost of each stage, and whether they add up to the whole.

Both sides handle the same distinct applicants in turn, half the list apart. The whole is the
server's own `/score` handler and the fast path's answer, on a request in memory. The staged side
calls the same public parts of `server` in the same order, with a clock between them.
"""

import gc
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from time import perf_counter, perf_counter_ns
from typing import Any

import msgspec
import numpy as np

from server import settings
from server.bundle.applicant import RowWriter, struct_type
from server.bundle.seen_range import Range
from server.engine.session import Session
from server.http import app
from server.http.app import Scores
from server.http.endpoint import Exchange
from server.http.fast_path import whole as one_piece
from server.http.fields import answer_codec, asked, content_codec, request_id_of
from server.http.message import NO_SNIFF, NO_STORE, Request
from server.http.services import Services, open_services
from server.metrics.counters import AT, Table
from server.scoring import answer, catalog
from server.scoring.codec import JSON
from server.scoring.outcome import Outcome

from .distribution import quantiles
from .progress import say
from .result import Row
from .workload.models import Workload

STAGES = ("read", "decode", "fill", "run", "transform", "record", "encode", "respond")
WARM_UP = 500
OBSERVED = ("wait", "score", "record", "total")
SCORED, APPLICANTS = AT["requests", "score", 200], AT["plain", "applicants"]
Values = tuple[Any, ...]
DATE = (b"date", b"Thu, 01 Jan 1970 00:00:00 GMT")


@contextmanager
def opened(workload: Workload) -> Iterator[Services]:
    """Open a worker's services for the exact bundle, with the record on."""
    with tempfile.TemporaryDirectory() as folder:
        given = {"model": str(workload.bundle), "log_dir": folder, "access_log": "0"}
        chosen = settings.read({}, given)
        services = open_services(chosen, catalog.load_all(chosen), Table(1), 0)
        try:
            yield services
        finally:
            services.close()


def request_of(body: bytes) -> Request:
    """Return a request object as the server's protocol makes it."""
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json"),
               (b"content-length", str(len(body)).encode())]  # fmt: skip
    return Request("POST", "/score", b"/score", b"", dict(headers), body, perf_counter())


class Staged:
    """A request in stages, made of the server's public parts."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._model = model = services.catalog.default
        self._lines = services.recorder.writer(model.tag)
        features = model.manifest.features
        self._decoder = JSON.decoder(struct_type(features))
        self._writer = RowWriter(model.manifest, model.engine.row, False)
        self._range = Range(features)
        self._build = answer.builder(model, JSON)
        self._width = len(features)
        self._at_once = not isinstance(model.engine, Session)
        self._observers = [services.counters.observer(name) for name in OBSERVED]

    def __call__(self, body: bytes) -> list[int]:
        """Handle one applicant; return the clock before, between and after the stages."""
        request = request_of(body)
        clock = [perf_counter_ns()]
        mark = partial(self._mark, clock)
        request_id, given, out = self._request(request)
        mark()
        values = self._decode(given)
        mark()
        row = self._fill(values)
        mark()
        raw, row = self._run(given, row)
        mark()
        said = self._transform(raw, row)
        mark()
        self._record(request_id, said, given)
        mark()
        encoded = out.encode(self._build(request_id, said))
        mark()
        self._respond(request_id, encoded)
        mark()
        return clock

    @staticmethod
    def _mark(clock: list[int]) -> None:
        clock.append(perf_counter_ns())

    def _request(self, request: Request) -> tuple[str, bytes, Any]:
        self._observers[0](perf_counter() - request.arrived)
        request_id = request_id_of(request.fields)
        codec = content_codec(request.fields)
        JSON.is_batch(request.body)
        out = answer_codec(request.fields, codec)
        asked(request.query)
        return request_id, request.body, out

    def _decode(self, body: bytes) -> Values | None:
        """Decode and fill, unless the engine does both in the call that scores."""
        return None if self._at_once else self._values(body)

    def _fill(self, values: Values | None) -> bytes | None:
        return None if values is None else self._write(values)

    def _values(self, body: bytes) -> Values:
        values = msgspec.structs.astuple(self._decoder(body))
        JSON.has_members(body, self._width)
        return values

    def _write(self, values: Values) -> bytes:
        self._writer.write(values)
        row = self._model.engine.row.tobytes()
        if not self._range.contains(self._model.engine.row, row):
            self._range.warnings(self._model.engine.row)
        return row

    def _run(self, body: bytes, row: bytes | None) -> tuple[float, bytes]:
        engine = self._model.engine
        if row is None:
            said = engine.score_json(body)
            if said is not None:
                return said[1][0], said[0]
            row = self._write(self._values(body))
        engine.score_row()
        return engine.raw.tolist()[0], row

    def _transform(self, raw: float, row: bytes) -> Outcome:
        model = self._model
        assert model.predict is not None  # noqa: S101 - the workloads are binary
        prediction = model.predict(raw)
        decided = model.decide(prediction) if model.decide else None
        return Outcome(raw, prediction, decided, (), row)

    def _record(self, request_id: str, said: Outcome, body: bytes) -> None:
        services = self._services
        services.counters.row[APPLICANTS] += 1
        if said.decision is not None:
            services.counters.row[AT["decisions", said.decision]] += 1
        services.recorder.append(self._lines.write(request_id, 0, said, 50.0, body))
        services.recorder.flush()
        for observe in self._observers[1:3]:
            observe(5e-5)

    def _respond(self, request_id: str, body: bytes) -> None:
        head = [(b"content-type", JSON.media_type), (b"x-request-id", request_id.encode()),
                NO_STORE, NO_SNIFF]  # fmt: skip
        one_piece(200, [DATE, *head], body, b"")
        self._services.counters.row[SCORED] += 1
        self._observers[3](5e-5)
        self._services.access.write(request_id, "POST", "/score", 200, perf_counter(), b"")


def whole(scores: Scores, body: bytes) -> int:
    """Handle one applicant with the server's handler; return nanoseconds."""
    request = request_of(body)
    began = perf_counter_ns()
    score = scores.handlers["/score"]
    answer = scores.ledger.answer(score, request)
    one_piece(answer.status, [DATE, *answer.head], answer.body, b"")
    score.close([Exchange(request, answer, score)], request.arrived)
    took = perf_counter_ns() - began
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {answer.body[:200]!r}")
    return took


def both(staged: Staged, scores: Scores, bodies: Sequence[bytes], i: int) -> tuple[list[int], int]:
    """Handle one applicant in stages and another as a whole, in alternating order.

    They are never the same applicant: a row just scored is in the caches and the branch predictor.
    """
    one, other = bodies[i], bodies[(i + len(bodies) // 2) % len(bodies)]
    if i % 2:
        took = whole(scores, other)
        return staged(one), took
    return staged(one), whole(scores, other)


def measure(workload: Workload, count: int) -> list[Row]:
    """Return a row per stage, one for their sum and one for the whole request."""
    say(f"stages {workload.size.name}: {count} requests")
    documents = workload.documents(workload.rows(count + WARM_UP))
    bodies = [msgspec.json.encode(document) for document in documents]
    with opened(workload) as services:
        staged, scores = Staged(services), app.scores(services)
        gc.collect()
        gc.freeze()
        pairs = [both(staged, scores, bodies, i) for i in range(len(bodies))]
        gc.unfreeze()
    marks, requests = zip(*pairs[WARM_UP:], strict=True)
    return rows_of(np.diff(np.array(marks)), np.array(requests), workload)


def rows_of(stages: Any, requests: Any, workload: Workload) -> list[Row]:
    """Return the table's rows from nanoseconds [N, stages] and [N]."""
    columns = dict(zip(STAGES, stages.T / 1e3, strict=True))
    columns["sum of stages"] = stages.sum(axis=1) / 1e3
    columns["whole request"] = requests / 1e3
    return [
        {"model": workload.size.name, "stage": name, **quantiles(values, "us")}
        for name, values in columns.items()
    ]
