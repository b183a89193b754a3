"""The inference protocol's benchmark: whole requests, paired ratios, and a real run."""

import msgspec
import pytest

from bench.load import body, protocol
from bench.load.effort import Effort
from bench.load.peers import PEERS
from bench.result import Row
from bench.workload import models
from tests.bench.conftest import SIZE


def test_batches_overlap_and_hold_their_rows(workload: models.Workload) -> None:
    X = workload.rows(body.BATCH + 2 * body.STEP)
    sent = body.oip_batches("/v2/models/m/infer")(X)
    assert len(sent) == 3
    _, _, whole = sent[1].partition(b"\r\n\r\n")
    head, data = whole[: -X[: body.BATCH].nbytes], whole[-X[: body.BATCH].nbytes :]
    assert msgspec.json.decode(head)["inputs"][0]["shape"] == [body.BATCH, SIZE.features]
    assert data == X[body.STEP : body.STEP + body.BATCH].tobytes()


def row(per_second: float, p50: float, cpu: float, **more: float) -> Row:
    return {"per_second": per_second, "p50_us": p50, "cpu_us": cpu, **more}


def test_ratios_are_medians_of_those_within_a_round() -> None:
    """A slow round slows both sides of a ratio."""
    rounds = [
        {("json", 1): row(1000, 100 * slow, 50 * slow), ("oip", 1): row(900, 120 * slow, 55 * slow),
         ("oip_json", 1): row(800, 0, 0), ("mlserver", 1): row(50, 2000 * slow, 900 * slow),
         ("oip_batch", 1): row(9, 0, 30 * slow, alone_us=20 * slow)}
        for slow in (1, 5, 2)
    ]  # fmt: skip
    assert protocol.ratios("oip", 1, rounds) == {"cpu_of_json": 1.1, "p50_of_json": 1.2}
    peer = protocol.ratios("mlserver", 1, rounds)
    assert (peer["oip_times"], peer["oip_json_times"]) == (18, 16)
    assert protocol.ratios("oip_batch", 1, rounds) == {"alone_us": 40, "of_alone": 1.5}


def test_everything_is_measured_and_who_does_not_start_is_named(
    workload: models.Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The peers are given no environment here."""

    def absent(name: str | None) -> str | None:
        return None if name is None else "no environment"

    monkeypatch.setattr("bench.environments.why_not", absent)
    found = protocol.measure(workload, Effort(1, 1, ()))
    named = {each["subject"]: each["error"] for each in found if "error" in each}
    assert named == {each.name: "no environment" for each in PEERS if each.name in protocol.PEERS}
    measured = {(each["subject"], each["connections"]) for each in found if "error" not in each}
    own = {(name, count) for name in protocol.OURS for count in (protocol.ONE, protocol.MANY)}
    assert measured == own | {(protocol.BATCHES, protocol.ONE)}
    assert all(each["failed"] == 0 for each in found if "error" not in each)
    assert all(each["of_alone"] > 0 for each in found if each["subject"] == protocol.BATCHES)
