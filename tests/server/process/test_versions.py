"""Versions side by side: added, removed, refused and shadowed while clients post."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import httpx
import lightgbm as lgb
import numpy as np
import pytest

from bench.load import generator
from bench.load.generator import Plan, Report
from tests.conftest import Running, Serve, Trained, applicants, convert, label, make_rows
from tests.ports import free_ports
from tests.posting import answers, metric, posts
from tests.server.process.sending import admin_of, bodies, more_records
from tests.waiting import until, until_said

pytestmark = pytest.mark.slow

Probabilities = dict[str, "np.ndarray[Any, np.dtype[np.float64]]"]


@pytest.fixture(scope="module")
def second(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> lgb.Booster:
    """A second version, with other scores for every applicant."""
    options = {"objective": "binary", "num_leaves": 7, "verbose": -1, "num_threads": 1, "seed": 3}
    rows = make_rows(3000, 11)
    return lgb.train(options, lgb.Dataset(rows, label(rows, 12)), num_boost_round=25)


@pytest.fixture(scope="module")
def later(second: lgb.Booster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of `second`."""
    folder = tmp_path_factory.mktemp("later")
    second.save_model(folder / "second.txt")
    make_rows(500, 11).to_parquet(folder / "rows.parquet")
    convert(
        folder / "second.txt", "--name", "small", "--version", "2", "--out", str(folder),
        "--reference", str(folder / "rows.parquet"), "--threshold", "0.3",
    )  # fmt: skip
    return folder / "small" / "2"


@pytest.fixture
def models(bundle: Path, later: Path, tmp_path: Path) -> Path:
    """A folder `models` with small/1; small/2 stands beside it, ready to be moved in."""
    folder = tmp_path / "models"
    (folder / "small").mkdir(parents=True)
    os.symlink(bundle, folder / "small" / "1")
    os.symlink(later, tmp_path / "later")
    return folder


def add_second(models: Path) -> None:
    os.symlink(models.parent / "later", models / "small" / "2")


def versions(server: Running) -> list[str]:
    return [m["version"] for m in httpx.get(f"{server.url}/models").json()["models"]]


def test_versions_are_served_side_by_side_and_the_newest_answers(
    models: Path, trained: Trained, second: lgb.Booster, serve: Serve, log: Path
) -> None:
    add_second(models)
    row = trained.held_out[:1]
    wanted = {"1": trained.booster.predict(row)[0], "2": second.predict(row)[0]}
    with serve(models, log) as up:
        for path, version in (
            ("/models/small/versions/1/score", "1"),
            ("/models/small/versions/2/score", "2"),
            ("/models/small/score", "2"),
            ("/score", "2"),
        ):
            answer = httpx.post(f"{up.url}{path}", json=applicants(row)[0]).json()
            assert answer["model"]["version"] == version
            assert answer["probability"] == wanted[version]
        missing = httpx.post(f"{up.url}/models/small/versions/3/score", json={})
        assert missing.status_code == 404
    with serve(models, log, "--default", "small/1") as up:
        assert (
            httpx.post(f"{up.url}/score", json=applicants(row)[0]).json()["model"]["version"] == "1"
        )


async def swap_under_load(server: Running, models: Path, trained: Trained, swaps: int) -> Report:
    """Add and remove the second version `swaps` times while clients post."""
    done, plan = asyncio.Event(), Plan(server.port, 6, 120, grace=20)
    load = generator.run(plan, posts(bodies(trained)), done, frozenset({200}))
    running = asyncio.create_task(load)
    for i in range(swaps):
        add_second(models) if i % 2 == 0 else (models / "small" / "2").unlink()
        async with httpx.AsyncClient(timeout=60) as client:
            reply = await client.post(f"{admin_of(server)}/models/reload")
        assert reply.status_code == 200, reply.text
        await more_records(server, 50)
    done.set()
    return await running


def consistent(report: Report, trained: Trained, second: lgb.Booster) -> set[str]:
    """Return the versions that answered; every answer must be one version's wholly."""
    rows = trained.held_out[:200]
    known = {
        "1": set(np.asarray(trained.booster.predict(rows)).tolist()),
        "2": set(np.asarray(second.predict(rows)).tolist()),
    }
    said = answers(report)
    for answer in said:
        version = answer["model"]["version"]
        assert answer["probability"] in known[version]
        assert answer["threshold"] == {"1": 0.4, "2": 0.3}[version]
    return {answer["model"]["version"] for answer in said}


def test_no_request_fails_while_versions_are_swapped(
    models: Path, trained: Trained, second: lgb.Booster, serve: Serve, log: Path
) -> None:
    """The long form: python -m tests.long.server_long."""
    port = free_ports()
    with serve(
        models, log, "--workers", "2", "--port", str(port), "--admin-port", str(port + 1)
    ) as up:
        report = asyncio.run(swap_under_load(up, models, trained, 6))
    assert set(report.statuses) == {200}
    assert (report.unanswered, report.refused_connections) == (0, 0)
    assert consistent(report, trained, second) == {"1", "2"}


def test_whoever_connects_behind_a_reload_meets_the_new_version_and_a_ready_server(
    models: Path, serve: Serve, log: Path
) -> None:
    """The delay of a drain is for load balancers: where others have taken over, nobody waits."""
    port = free_ports()
    flags = ("--port", str(port), "--admin-port", str(port + 1), "--drain-delay-seconds", "2")
    with serve(models, log, "--workers", "2", *flags) as up:
        for wanted in (["1", "2"], ["1"], ["1", "2"]):
            add_second(models) if "2" in wanted else (models / "small" / "2").unlink()
            assert httpx.post(f"{admin_of(up)}/models/reload", timeout=60).status_code == 200
            assert [versions(up) for _ in range(30)] == [wanted] * 30
            assert httpx.get(f"{up.url}/readyz").json() == {"ready": True}


def test_sighup_loads_and_a_version_that_does_not_load_changes_nothing(
    models: Path, serve: Serve, log: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A folder without a bundle is said once; it changes nothing either."""
    with serve(models, log) as up:
        assert versions(up) == ["1"]
        add_second(models)
        (models / "small" / "empty").mkdir()
        up.process.send_signal(signal.SIGHUP)
        until(lambda: versions(up) == ["1", "2"])
        assert capfd.readouterr().err.count("small/empty: no manifest.json in it") == 1
        broken = models / "small" / "3"
        broken.mkdir()
        (broken / "manifest.json").write_text("{}")
        up.process.send_signal(signal.SIGHUP)
        until_said(capfd, "kept what is served: ")
        assert versions(up) == ["1", "2"]


def test_the_admin_surface_says_why_a_version_did_not_load(
    models: Path, serve: Serve, log: Path
) -> None:
    port = free_ports()
    (models / "small" / "9").mkdir()
    with serve(models, log, "--port", str(port), "--admin-port", str(port + 1)) as up:
        (models / "small" / "9" / "manifest.json").write_text("{}")
        reply = httpx.post(f"{admin_of(up)}/models/reload", timeout=30)
        assert reply.status_code == 409
        assert "small/9/manifest.json" in reply.json()["error"]
        assert httpx.post(f"{admin_of(up)}/v2/repository/models/nope/load").status_code == 400
        assert httpx.post(f"{admin_of(up)}/v2/repository/index").json()[0]["name"] == "small"
        assert httpx.post(f"{up.url}/models/reload").status_code == 404


def test_a_shadow_is_scored_logged_and_compared_but_never_answers(
    models: Path, trained: Trained, second: lgb.Booster, serve: Serve, log: Path
) -> None:
    add_second(models)
    rows = trained.held_out[:30]
    with serve(models, log, "--default", "small/1", "--shadow", "small/2") as up:
        for each in applicants(rows):
            answer = httpx.post(f"{up.url}/score", json=each).json()
            assert answer["model"]["version"] == "1"
        until(lambda: metric(up, "credit_shadow_scored_total") == 30)
        shadows = [r["prediction"] for r in up.records() if r["kind"] == "shadow"]
        assert np.array(shadows).tobytes() == np.asarray(second.predict(rows)).tobytes()
        decided = (trained.prediction(rows) >= 0.4) != (np.array(shadows) >= 0.3)
        assert metric(up, "credit_shadow_disagreed_total") == decided.sum()
        assert metric(up, "credit_shadow_seconds_total") > 0
