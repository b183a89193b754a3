"""GET /decisions over a real socket: a recorded decision is explained again, bit for bit."""

import json
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import msgspec
import pytest

from convert.__main__ import main as convert_main
from server.http import keys
from server.record import finding
from server.settings import SettingsError, read
from tests.conftest import Running, Serve, Trained, applicants
from tests.ports import free_ports
from tests.server.asking import request_of
from tests.server.reason_codes import CODES, sha256, with_codes

ON = ("--admin-decisions", "on")


@pytest.fixture(scope="module")
def explaining(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_codes(bundle, tmp_path_factory.mktemp("models") / "small" / "1")


@pytest.fixture(scope="module")
def up(
    explaining: Path, serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    port = free_ports()
    log = tmp_path_factory.mktemp("log")
    ports = ("--port", str(port), "--admin-port", str(port + 1))
    with serve(explaining.parent.parent, log, *ports, *ON) as running:
        yield running


def refused(trained: Trained, count: int) -> list[dict[str, Any]]:
    rows = trained.held_out[trained.prediction(trained.held_out) >= 0.4]
    return applicants(rows[:count].assign(INCOME=None))


def ask(up: Running, body: Any, request_id: str, query: str = "") -> Any:
    head = {"X-Request-Id": request_id}
    return httpx.post(f"{up.url}/score{query}", json=body, headers=head).raise_for_status().json()


def look(up: Running, request_id: str, **headers: str) -> httpx.Response:
    url = f"http://127.0.0.1:{up.port + 1}/decisions/{request_id}"
    return httpx.get(url, headers=headers, timeout=60)


@pytest.mark.parametrize("query", ["", "?reasons=all", "?reasons=none"])
def test_a_decision_is_computed_again_as_it_was_answered(
    up: Running, trained: Trained, query: str
) -> None:
    request_id = f"a/{query[9:] or 'plain'}"
    answer = ask(up, refused(trained, 1)[0], request_id, query)
    found = look(up, request_id)
    assert found.headers["cache-control"] == "no-store"
    (decision,) = found.json()["decisions"]
    assert (decision["same"], decision["different"], decision["index"]) == (True, [], 0)
    again = decision["recomputed"]
    assert again["prediction"] == answer["probability"]
    assert again["reasons_version"] == CODES["version"]
    assert len(again["contributions"]) == 5
    for key in ("decision", "reasons", "contributions", "expectation"):
        assert answer.get(key, again[key]) == again[key]
    assert ("reasons" in decision["answered"]) == ("none" not in query)
    (record,) = [each for each in up.records() if each["request_id"] == request_id]
    assert decision["time"] == record["time"]
    assert "row" not in decision["answered"], "no feature's value is told"


def test_every_applicant_of_a_batch_in_the_language_asked_for(
    up: Running, trained: Trained
) -> None:
    answers = ask(up, refused(trained, 7), "batch")
    decisions = look(up, "batch", **{"Accept-Language": "de"}).json()["decisions"]
    assert [each["index"] for each in decisions] == [*range(7)]
    assert all(each["same"] for each in decisions)
    told = {
        text for each in decisions for text in (r["text"] for r in each["recomputed"]["reasons"])
    }
    assert "Kein Einkommen" in told
    codes = [[r["code"] for r in each["recomputed"]["reasons"]] for each in decisions]
    assert codes == [[r["code"] for r in each["reasons"]] for each in answers]


def test_a_tensors_decision_too(up: Running) -> None:
    names = ("reasons", "contributions")
    asked = request_of([40.0, None, 5.5, 2, 1]) | {"id": "tensor"}
    asked["outputs"] = [{"name": name} for name in names]
    httpx.post(f"{up.url}/v2/models/small/infer", json=asked).raise_for_status()
    (decision,) = look(up, "tensor").json()["decisions"]
    assert decision["same"]
    assert {*names} <= decision["answered"].keys()


def test_what_was_not_answered_so_is_named(up: Running, trained: Trained) -> None:
    """The log is changed behind the server's back."""
    ask(up, refused(trained, 1)[0], "changed", "?reasons=all")
    (segment,) = up.log_dir.glob("*.jsonl")
    *lines, last = segment.read_bytes().splitlines(True)
    record = json.loads(last)
    record["reasons"][0][1] += 1e-12
    record["decision"] = "approve"
    segment.write_bytes(b"".join([*lines, msgspec.json.encode(record) + b"\n"]))
    (decision,) = look(up, "changed").json()["decisions"]
    assert (decision["same"], decision["different"]) == (False, ["decision", "reasons"])


def test_a_request_without_a_decision_is_a_404(up: Running) -> None:
    assert httpx.post(f"{up.url}/score", json={}, headers={"X-Request-Id": "bad"}).is_error
    for request_id in ("never", "bad", "%22", "x" * 5000):
        answer = look(up, request_id)
        assert answer.status_code == 404
        assert "no decision of request" in answer.json()["detail"]


def test_a_day_narrows_the_search(up: Running, trained: Trained) -> None:
    ask(up, refused(trained, 1)[0], "today")
    day = next(each["time"] for each in up.records() if each["request_id"] == "today")[:10]
    assert look(up, f"today?date={day}").json()["decisions"][0]["same"]
    assert look(up, "today?date=2001-01-01").status_code == 404
    for query in ("date=2001", "day=2001-01-01"):
        assert look(up, f"today?{query}").status_code == 400


def test_a_search_ends_when_its_time_is_over(up: Running) -> None:
    with pytest.raises(finding.SlowError, match="0 of 1 segments were read"):
        finding.find(up.log_dir, "never", "", monotonic() - 1)


def test_a_line_longer_than_a_block_is_found(tmp_path: Path, monkeypatch: Any) -> None:
    line = b'{"v":1,"request_id":"long","body":"%b"}\n' % (b"x" * 1000)
    (tmp_path / "score-1.jsonl").write_bytes(b'{"request_id":"first"}\n' + line + line[:-1])
    monkeypatch.setattr(finding, "BLOCK_BYTES", 64)
    found = finding.lines_with(tmp_path / "score-1.jsonl", b'"request_id":"long"', monotonic() + 60)
    assert [*found] == [line[:-1]], "whole, and the torn last line left out"


def test_a_model_that_is_no_longer_served_is_named(
    explaining: Path, trained: Trained, serve: Serve, tmp_path: Path
) -> None:
    """First its policy changes, then the model goes."""
    models, port = tmp_path / "models", free_ports()
    first = with_codes(explaining, models / "small" / "1")
    with_codes(explaining, models / "other" / "1")
    change(models / "other" / "1", name="other")
    (tmp_path / "log").mkdir()
    ports = ("--port", str(port), "--admin-port", str(port + 1), "--default", "other")
    with serve(models, tmp_path / "log", *ports, *ON) as up:
        httpx.post(
            f"{up.url}/models/small/score", json=refused(trained, 1)[0],
            headers={"X-Request-Id": "r"},
        ).raise_for_status()  # fmt: skip
        assert look(up, "r").json()["decisions"][0]["same"]
        policy = json.loads((first / "manifest.json").read_bytes())["policy"]
        change(first, policy=policy | {"version": "refuse>=0.9", "refuse_at": 0.9})
        answer = look(up, "r")
        assert answer.status_code == 409
        assert "policy refuse>=0.4" in answer.json()["detail"]
        admin = f"http://127.0.0.1:{up.port + 1}"
        httpx.post(f"{admin}/v2/repository/models/small/unload", timeout=60).raise_for_status()
        answer = look(up, "r")
    assert (answer.status_code, answer.json()["detail"][:16]) == (409, "made by small/1 ")
    assert "not served: load it first" in answer.json()["detail"]


def test_decisions_under_a_replaced_policy_and_reasons_are_computed_again(
    explaining: Path, trained: Trained, serve: Serve, tmp_path: Path
) -> None:
    """By the rule and in the words of their day; what the bundle does not keep is a 409."""
    (tmp_path / "log").mkdir()
    bundle = with_codes(explaining, tmp_path / "models" / "small" / "1")
    port, asked = free_ports(), refused(trained, 1)[0]
    ports = ("--port", str(port), "--admin-port", str(port + 1))
    with serve(tmp_path / "models", tmp_path / "log", *ports, *ON) as up:
        told = [ask(up, asked, "0"), ask(up, asked, "none-0", "?reasons=none")]
        for day, threshold in enumerate(("0.99", "0.1"), start=1):
            assert convert_main(["policy", str(bundle), "--threshold", threshold]) == 0
            admin = f"http://127.0.0.1:{up.port + 1}/v2/repository/models/small/load"
            httpx.post(admin, timeout=60).raise_for_status()
            told.append(ask(up, asked, str(day), "?reasons=all"))
        assert [each["decision"] for each in told] == ["refuse", "refuse", "approve", "refuse"]
        again = {day: look(up, day).json()["decisions"][0] for day in ("0", "none-0", "1", "2")}
        assert all(each["same"] for each in again.values())
        versions = {again[day]["recomputed"]["reasons_version"] for day in "012"}
        assert len(versions) == 3
        assert again["0"]["recomputed"]["reasons"] == told[0]["reasons"]
        assert "reasons" not in again["none-0"]["recomputed"], "nobody can tell which codes"
        assert again["none-0"]["recomputed"]["contributions"]
        (bundle / f"reasons-{CODES['version']}.json").write_text("{}")
        lost = look(up, "0")
        other = look(up, "2")
    assert (lost.status_code, other.status_code) == (409, 200)
    assert f"explained by reason codes {CODES['version']}: " in lost.json()["detail"]


def change(bundle: Path, **members: Any) -> None:
    """Change members of the manifest, and its hash with them."""
    file, sums = bundle / "manifest.json", bundle / "SHA256SUMS"
    before = sha256(file)
    file.write_text(json.dumps(json.loads(file.read_bytes()) | members))
    sums.write_text(sums.read_text().replace(before, sha256(file)))


@pytest.mark.parametrize("features", ["none", "hashed"])
def test_without_its_row_a_decision_cannot_be_computed_again(
    explaining: Path, trained: Trained, serve: Serve, tmp_path: Path, features: str
) -> None:
    port = free_ports()
    (tmp_path / "salt").write_bytes(b"0123456789abcdef")
    flags = ("--log-features", features, "--log-salt-file", str(tmp_path / "salt"))
    ports = ("--port", str(port), "--admin-port", str(port + 1))
    with serve(explaining, tmp_path, *ports, *ON, *flags) as up:
        ask(up, refused(trained, 1)[0], "hidden", "?reasons=all")
        answer = look(up, "hidden")
        (record,) = up.records()
    assert "reasons" in record
    assert "contributions" not in record
    assert answer.status_code == 409
    assert "--log-features hashed or none" in answer.json()["detail"]


def test_it_asks_for_the_admin_keys_and_is_off_by_default(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    port = free_ports()
    held = {each: keys.create(tmp_path / "keys", each, (each,)) for each in ("admin", "score")}
    ports = ("--port", str(port), "--admin-port", str(port + 1))
    with serve(bundle, tmp_path, *ports, "--keys", str(tmp_path / "keys")) as up:
        assert look(up, "x").status_code == 401
        assert look(up, "x", **{"X-API-Key": held["score"]}).status_code == 403
        answer = look(up, "x", **{"X-API-Key": held["admin"]})
    assert (answer.status_code, answer.json()["detail"][:14]) == (404, "decisions: off")


def test_it_needs_the_admin_port(bundle: Path) -> None:
    with pytest.raises(SettingsError, match="admin_decisions: wanted admin_port with it"):
        read({}, {"model": str(bundle), "admin_decisions": "on"})
