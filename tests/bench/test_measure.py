"""The suite at a small size: every part runs and its results hold together; no time is asserted."""

import http.client
import json
import math
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import lightgbm
import msgspec
import numpy as np
import pytest

from bench import budget, stages
from bench.__main__ import main
from bench.ladder import measure as ladder
from bench.ladder.engines import OURS_AND_LIGHTGBM
from bench.ladder.single_row_fast import CApiError, SingleRowFast
from bench.load import measure as load
from bench.load import open_loop, peers, servers, subjects, wrk
from bench.load.effort import Effort
from bench.workload import applicants, models, request
from server.http import app
from server.scoring.codec import JSON

from .conftest import SIZE

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
OWN = subjects.SUBJECTS


def test_a_model_is_built_once(workload: models.Workload) -> None:
    before = workload.bundle.joinpath("manifest.json").stat().st_mtime_ns
    assert models.build(SIZE, workload.text.parent.parent) == workload
    assert workload.bundle.joinpath("manifest.json").stat().st_mtime_ns == before


def test_a_bundle_of_another_model_is_made_again(workload: models.Workload, tmp_path: Path) -> None:
    shutil.copytree(workload.text.parent, tmp_path / SIZE.name)
    built = models.build(SIZE, tmp_path)
    assert models.is_of(built.text, built.bundle)
    models.train(models.Size(6, 7, 60), built.text)
    assert not models.is_of(built.text, built.bundle)
    again = models.build(SIZE, tmp_path)
    assert models.is_of(again.text, again.bundle)
    assert models.is_of(again.text, again.float32)


def test_a_model_that_does_not_convert_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text("nothing")
    with pytest.raises(models.WorkloadError, match=r"model\.txt"):
        models.convert(tmp_path / "model.txt", "x", tmp_path, "exact")


def test_applicants_are_distinct_and_patchy_and_the_same_for_the_same_seed() -> None:
    X, y = applicants.draw(500, 5)
    assert len(np.unique(X, axis=0)) == 500
    assert 0.05 < np.isnan(X).mean() < 0.2
    assert 0.02 < y.mean() < 0.5
    assert X.tobytes() == applicants.draw(500, 5)[0].tobytes()
    assert applicants.draw(1, 5, 60)[0].shape == (1, 60)


def test_the_features_of_a_model_are_as_many_as_asked_for() -> None:
    for features in (20, 900):
        size = models.Size(5, 7, features)
        [document] = applicants.documents(size.rows(1))
        assert len(document) == features
        assert size.name == f"5x7-{features}"


def test_the_demo_is_measured_on_its_held_out_applicants() -> None:
    demo = models.build(models.DEMO)
    X = demo.rows(3001)
    assert len(np.unique(X[:3000], axis=0)) > 2900
    assert X[0].tobytes() == X[3000].tobytes(), "after the last, the first again"
    [document] = demo.documents(X[:1])
    assert len(document) == X.shape[1] == 23
    assert document["SEX"] in {1, 2}
    with stages.opened(demo) as services:
        model = services.catalog.default
        for row, said in zip(X[:50], demo.documents(X[:50]), strict=True):
            outcome = model.score(msgspec.json.encode(said), JSON)
            [wanted] = lightgbm.Booster(model_file=demo.text).predict(row[np.newaxis])
            assert outcome.prediction == wanted, "the document and the row are one applicant"


def test_rows_on_thresholds_sit_exactly_on_a_split(workload: models.Workload) -> None:
    X = workload.rows(50)
    moved = models.on_thresholds(workload.text, X, 1)
    known = set(models.splits(workload.text))
    rows, columns = np.nonzero((moved != X) & ~(np.isnan(moved) & np.isnan(X)))
    assert len(rows) > 40
    assert all((float(j), moved[i, j]) in known for i, j in zip(rows, columns, strict=True))


def test_the_c_call_gives_lightgbms_bits(workload: models.Workload) -> None:
    X = workload.rows(100)
    fast = SingleRowFast(workload.text, SIZE.features)
    wanted = lightgbm.Booster(model_file=workload.text).predict(X)
    assert np.array([fast.score(row) for row in X]).tobytes() == np.asarray(wanted).tobytes()


def test_the_c_call_says_what_lightgbm_says(tmp_path: Path) -> None:
    with pytest.raises(CApiError, match="Could not open"):
        SingleRowFast(tmp_path / "absent.txt", 3)


def test_every_engine_of_the_ladder_scores_and_the_exact_ones_give_lightgbms_bits(
    workload: models.Workload, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ladder, "SCRATCH", tmp_path)
    rows = {row["engine"]: row for row in ladder.measure(workload, rounds=2, count=150)}
    assert set(rows) == set(OURS_AND_LIGHTGBM)
    own = set(OURS_AND_LIGHTGBM)
    assert not {name for name in own if "error" in rows[name]}
    exact = {"booster", "single-row-fast", "bound", "native", "floor"}
    assert {name for name in own if rows[name]["different"] == 0} == exact
    assert rows["float32"]["different"] > 0
    for name in own:
        assert rows[name]["samples"] == 300
        assert rows[name]["compared"] == 300 + 150, "every timed row, and those on splits"
        assert 0 < rows[name]["p50_us"] <= rows[name]["p90_us"]
        assert 0 < rows[name]["pss_mib"] <= rows[name]["peak_mib"]
        assert rows[name]["of_floor"] > 0
    assert rows["floor"]["of_floor"] == 1


def test_an_engine_without_its_environment_says_how_to_get_it(
    workload: models.Workload, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("bench.environments.BUILD", tmp_path)
    with pytest.raises(ladder.EngineError, match="make bench-peers"):
        ladder.Process("lleaves", workload, tmp_path / "rows.npy")


def test_an_engine_that_does_not_start_gives_its_last_line(
    workload: models.Workload, tmp_path: Path
) -> None:
    with pytest.raises(ladder.EngineError, match="FileNotFoundError"):
        ladder.Process("booster", workload, tmp_path / "absent.npy")


def test_the_stages_are_those_of_the_request(workload: models.Workload) -> None:
    """The staged request writes the same record and answer as the server's callable."""
    sent = msgspec.json.encode(applicants.documents(workload.rows(1))[0])
    with stages.opened(workload) as services:
        staged = stages.Staged(services)
        assert len(staged(sent)) == len(stages.STAGES) + 1
        assert stages.whole(app.scores(services), sent) > 0
        log = services.settings.log_dir
        lines = [line for file in log.glob("*.jsonl") for line in file.read_bytes().splitlines()]
        records = [json.loads(line) for line in lines]
    timed = ("time", "request_id", "latency_us")
    first, second = ({k: v for k, v in each.items() if k not in timed} for each in records)
    assert first == second


def test_the_budget_has_a_row_per_stage_a_sum_and_the_whole(workload: models.Workload) -> None:
    rows = stages.measure(workload, 200)
    assert [row["stage"] for row in rows] == [*stages.STAGES, "sum of stages", "whole request"]
    parts = sum(row["p50_us"] for row in rows[: len(stages.STAGES)])
    assert parts <= rows[-2]["p90_us"]


def test_the_budget_over_http_takes_an_empty_answer_a_request_and_the_whole(
    workload: models.Workload,
) -> None:
    rows = budget.measure(workload, 1, 1)
    assert [(row["path"], row["connections"]) for row in rows] == [
        ("fast path", 1), ("fast path", 1), ("ASGI path", 1), ("ASGI path", 1),
        ("fast path", 32), ("ASGI path", 32),
    ]  # fmt: skip
    for row in rows:
        parts = row["empty_us"] + row["request_us"]
        assert row["ratio"] == pytest.approx(parts / row["http_us"], abs=0.01)


@pytest.mark.parametrize("kind", ["own_fast_path", "own_asgi_path"])
def test_this_servers_own_limits_answer_as_a_score_does(
    workload: models.Workload, kind: str
) -> None:
    """The same header fields in the same order, and a body of the same members."""
    answers = []
    for subject in (budget.empty(kind), subjects.OURS):
        requests = subject.encode(workload)(workload.rows(1))
        with (
            servers.running(subject, workload, requests) as server,
            socket.create_connection(("127.0.0.1", server.port)) as client,
        ):
            client.sendall(requests[0])
            answer = http.client.HTTPResponse(client)
            answer.begin()
            answers.append(([name for name, _ in answer.getheaders()], json.load(answer)))
    (names, body), (wanted_names, wanted) = answers
    assert names == wanted_names
    assert list(body) == list(wanted)


def test_the_other_limits_hold_nothing_of_this_server() -> None:
    """Their memory stands in a table."""
    code = "import sys, bench.limits.__main__; sys.exit('server' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_servers_are_loaded_and_answer_without_failure(workload: models.Workload) -> None:
    """Ours in three encodings and the limits; every one answers 200 to distinct applicants."""
    effort = Effort(1, 1, (2,))
    chosen = [each for each in OWN if each.name in {"protocol", "json", "oip"}]
    saturation, latency = load.measure(workload, effort, chosen)
    assert [row["subject"] for row in saturation] == [each.name for each in chosen]
    for row in saturation:
        assert row["failed"] == 0, row
        assert row["samples"] > 0
    for row in latency:  # where the machine slows down meanwhile, some are shed
        assert row["failed"] < row["samples"], row
    assert len(latency) == 2 * len(open_loop.SHARES), "the bare protocol is loaded closed only"
    for row in latency:
        assert 0 < row["of_generator"] <= open_loop.GENERATOR_SHARE + 0.001
        assert row["of_capacity"] <= row["share"] + 0.001


def test_what_is_offered_is_a_share_of_the_capacity_right_before(
    workload: models.Workload,
) -> None:
    ours = subjects.OURS
    with servers.running(ours, workload, ours.encode(workload)(workload.rows(50))) as server:
        made = open_loop.run(server, 0.5, math.inf, 1, 0)
    assert made.offered == made.capacity / 2
    spread = 5 * math.sqrt(made.offered)  # five standard deviations of a Poisson process
    assert len(made.report.latencies_us) == pytest.approx(made.offered, abs=spread)


@pytest.mark.parametrize("subject", OWN, ids=lambda each: each.name)
def test_every_subject_answers(workload: models.Workload, subject: subjects.Subject) -> None:
    requests = subject.encode(workload)(workload.rows(2))
    with servers.running(subject, workload, requests) as server:
        assert server.memory_mib() > 0


def test_a_server_that_refuses_the_request_is_not_measured(workload: models.Workload) -> None:
    ours = subjects.OURS
    with (
        pytest.raises(servers.ServerError, match="422"),
        servers.running(ours, workload, [request.post("/score", b"application/json", b"{}")]),
    ):
        pass


def test_a_peer_without_its_environment_says_how_to_get_it(
    workload: models.Workload, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("bench.environments.BUILD", tmp_path)
    peer = peers.PEERS[0]
    with (
        pytest.raises(servers.ServerError, match="make bench-peers"),
        servers.running(peer, workload, []),
    ):
        pass


@pytest.mark.skipif(not wrk.is_installed(), reason="wrk is not installed")
def test_wrk_that_finds_no_server_says_so() -> None:
    with pytest.raises(wrk.WrkError):
        wrk.saturate(servers.free_port(), [b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"], 1, 1)


def test_the_command_teaches_and_refuses_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "example: python -m bench --quick" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        main(["--only", "x"])
    assert "invalid choice: 'x'" in capsys.readouterr().err
