"""Tensors read in C: the long way's answer in every byte, and its outcome in every bit."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import msgspec
import numpy as np
import pytest

from server import settings
from server.http.ledger import Ledger
from server.http.message import Answer
from server.http.message import Request as HttpRequest
from server.http.problem import Problem
from server.http.services import open_services
from server.metrics.counters import Table
from server.oip import at_once
from server.oip.handler import RAW_FORM, InferHandler, infers
from server.oip.infer import Infer, Outcomes
from server.oip.wire import HEADER_LENGTH, Input, Request, read_request
from server.scoring import catalog
from server.scoring.block import Scored
from server.scoring.outcome import Outcome
from tests.conftest import Trained, applicants
from tests.long.oip_bodies import Sent, bodies
from tests.native_kernel import needs_kernel

pytestmark = needs_kernel
PATH = "/v2/models/small/infer"


class Way(NamedTuple):
    infer: Infer
    handler: InferHandler
    ledger: Ledger

    def answer(self, sent: Sent) -> Answer:
        length, body = sent
        fields = {b"x-request-id": b"r1"} | ({} if length is None else {HEADER_LENGTH: length})
        return self.handler.answer(
            HttpRequest("POST", PATH, PATH.encode(), b"", fields, body, perf_counter())
        )

    def outcomes(self, sent: Sent) -> list[Outcome] | str:
        try:
            found = self.scored(*sent)
        except Problem as problem:
            return problem.detail
        if isinstance(found, Scored):
            return [found.outcome(place) for place in range(len(found))]
        return found

    def scored(self, length: bytes | None, body: bytes) -> Outcomes:
        if length == RAW_FORM:
            return self.infer.score(self.infer.raw_form(len(body)), body)
        return self.infer.score(*read_request(body, length))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log")


@pytest.fixture(scope="module", params=["default", "unseen missing", "onnxruntime"])
def ways(bundle: Path, log: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Way, Way]]:
    """The same model read in C and read the long way."""
    more = {"unseen missing": {"unseen": "missing"}, "onnxruntime": {"engine": "onnxruntime"}}
    given = {
        "model": str(bundle),
        "log_dir": str(log),
        "access_log": "0",
    }
    chosen = settings.read({}, given | more.get(request.param, {}))
    services = open_services(chosen, catalog.load_all(chosen), Table(1), 0)

    def way() -> Way:
        ledger = Ledger(services)
        ((key, infer),) = infers(services, ledger).items()
        return Way(infer, InferHandler(infer, services, *key), ledger)

    try:
        in_c = way()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(at_once, "reader", lambda _: None)
            yield in_c, way()
    finally:
        services.close()


def test_bodies_right_and_wrong_are_answered_alike(ways: tuple[Way, Way], trained: Trained) -> None:
    in_c, long = ways
    seen: Counter[int] = Counter()
    for sent in bodies(3, applicants(trained.held_out[:200]), 5_000):
        got, wanted = in_c.answer(sent), long.answer(sent)
        assert got == wanted, sent
        assert repr(in_c.outcomes(sent)) == repr(long.outcomes(sent)), sent
        seen[got.status] += 1
    assert min(seen[200], seen[400]) > 1_000, seen
    assert set(seen) == {200, 400, 413} or set(seen) == {200, 400}


def test_a_row_of_columns_is_read_in_c_too(ways: tuple[Way, Way]) -> None:
    reads = ways[0].infer._at_once
    values = {"KIND": b'"car"', "INCOME": b"null", "REGION": b'"2"', "AGE": b"[40]",
              "DEBT-RATIO": b"0.5"}  # fmt: skip
    inputs = tuple(
        Input(name, (1,), "BYTES" if b'"' in value else "FP64", data=msgspec.Raw(b"[%b]" % value))
        for name, value in values.items()
    )
    found = reads.rows(Request(inputs), b"")
    assert found is not None
    assert repr(found[0].tolist()) == "[[40.0, nan, 0.5, 0.0, 1.0]]"
    for shape, data in (((1,), b"40"), ((1,), b"[[[40]]]"), ((2,), b"[40]"), ((1,), b"[]")):
        odd = msgspec.structs.replace(inputs[3], shape=shape, data=msgspec.Raw(data))
        assert reads.rows(Request((*inputs[:3], odd, inputs[4])), b"") is None
    assert reads.rows(Request((*inputs[:4], inputs[3])), b"") is None


def test_usual_tensors_are_read_in_c(ways: tuple[Way, Way], trained: Trained) -> None:
    """Or the test above would compare the long way with itself."""
    read = 0
    reads = ways[0].infer._at_once
    for length, body in bodies(5, applicants(trained.held_out[:200]), 500):
        try:
            request, data = read_request(body, length)
        except Problem:
            continue
        read += reads.rows(request, data) is not None
    assert read > 100


def test_what_is_outside_the_range_seen_in_training_is_recorded_so(ways: tuple[Way, Way]) -> None:
    rows = np.array([[40.0, 1e3, 0.5, 0, 1], [400.0, 1e3, 0.5, 0, 1]])
    for sent in (rows, rows[1:]):
        said = ways[0].outcomes((RAW_FORM, sent.tobytes()))
        assert not isinstance(said, str)
        assert said[-1].flags == ("range:AGE",)
        assert all(each.flags == () for each in said[:-1])


def test_a_block_leaves_the_records_that_its_rows_leave_one_by_one(
    ways: tuple[Way, Way], log: Path
) -> None:
    """With rows outside the range among them, at both ends too."""
    rows = np.tile([40.0, 1e3, 0.5, 0.0, 1.0], (40, 1))
    rows[:, 2] = np.arange(40) / 50
    rows[[0, 7, 8, 39], 0] = 400.0
    for way in ways:
        assert way.answer((RAW_FORM, rows.tobytes())).status == 200
        way.ledger.write()
    moments = {"time", "latency_us"}
    found = [
        {k: v for k, v in json.loads(line).items() if k not in moments}
        for file in sorted(log.glob("*.jsonl"))
        for line in file.read_bytes().splitlines()
    ][-80:]
    assert found[:40] == found[40:]
    assert [each["index"] for each in found[:40]] == [*range(40)]
    assert [i for i, each in enumerate(found[:40]) if each["flags"]] == [0, 7, 8, 39]
    assert "features" not in found[0]
