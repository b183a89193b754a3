"""Limits, deadlines, idempotency, headers and the pages a server says of itself."""

import json
import os
import re
from pathlib import Path

import httpx
import pytest

from tests.conftest import Running, Serve
from tests.server.asking import access_lines, counted, post
from tests.server.command import run
from tests.server.wire import BODY, FIT, TRACE, raw, sender

BOTH_LANES = True


UNFIT_TRACES = (
    "nonsense",
    TRACE.upper(),
    TRACE + "-x",
    "ff" + TRACE[2:],
    f"00-{'0' * 32}-b7ad6b7169203331-01",
    f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
)


def padded(size: int) -> bytes:
    return BODY[:-1] + b" " * (size - len(BODY)) + b"}"


def test_a_body_at_the_limit_is_scored_and_one_byte_more_is_a_413(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """Also above uvicorn's own 64 kB buffer, and when the client sends it in chunks."""
    with serve(bundle, tmp_path, "--max-body", "200000") as up:
        assert post(up, padded(200_000)).status_code == 200
        over = post(up, padded(200_001))
        assert (over.status_code, over.json()["status"]) == (413, 413)
        assert "200000" in over.json()["detail"]
        chunked = httpx.post(
            f"{up.url}/score",
            content=iter([padded(200_001)[:100_000], padded(200_001)[100_000:]]),
            headers={"content-type": "application/json"},
        )
        assert chunked.status_code == 413
        assert post(up).status_code == 200


def test_a_batch_at_the_limit_is_scored_and_one_more_is_a_413(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    with serve(bundle, tmp_path, "--max-batch", "3") as up:
        assert post(up, json.dumps([FIT] * 3).encode()).status_code == 200
        assert post(up, json.dumps([FIT] * 4).encode()).status_code == 413


def test_a_partial_batch_answers_a_problem_in_the_place_of_a_fault(server: Running) -> None:
    body = json.dumps([FIT, FIT | {"AGE": None}, FIT]).encode()
    assert post(server, body).status_code == 422
    answers = post(server, body, "/score?partial=true").json()
    assert [a.get("status", 200) for a in answers] == [200, 422, 200]
    assert answers[1]["errors"][0] == {
        "feature": "AGE", "wanted": "a finite number", "got": "null", "index": 1,
    }  # fmt: skip


def test_a_deadline_that_has_passed_is_a_504(server: Running) -> None:
    assert post(server, x_request_timeout_ms="60000").status_code == 200
    assert post(server, x_request_timeout_ms="0").status_code == 504
    for unfit in ("soon", "-1", "9" * 5000):
        assert post(server, x_request_timeout_ms=unfit).status_code == 400


def test_the_same_key_and_body_get_the_same_answer(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """From any worker, and with one record; another body is refused and an error is not kept."""
    with serve(bundle, tmp_path, "--workers", "2") as up:
        first = post(up, idempotency_key="k1")
        again = [post(up, idempotency_key="k1") for _ in range(6)]
        assert {answer.content for answer in again} == {first.content}
        assert "idempotency-replayed" not in first.headers
        assert {answer.headers["idempotency-replayed"] for answer in again} == {"true"}
        other = post(up, json.dumps(FIT | {"AGE": 41}).encode(), idempotency_key="k1")
        assert other.status_code == 422
        assert post(up, b"{}", idempotency_key="k2").status_code == 422
        assert post(up, idempotency_key="k2").status_code == 200
        scored = [r["request_id"] for r in up.records() if r["kind"] == "score"]
        assert scored.count(first.json()["request_id"]) == 1


def test_an_idempotency_key_that_is_none_is_refused(server: Running) -> None:
    """An empty one would be the same key for everybody."""
    for unfit in ("", "a b", "k" * 129):
        answer = post(server, idempotency_key=unfit)
        assert answer.status_code == 400
        assert "Idempotency-Key" in answer.json()["detail"]


def test_a_query_is_understood_or_refused(server: Running) -> None:
    """`partial=1` would else be a batch refused as a whole."""
    body = json.dumps([FIT, FIT | {"AGE": None}]).encode()
    assert post(server, body, "/score?partial=false").status_code == 422
    for query in ("partial=1", "partial", "partial=true&x=1", "x=1"):
        answer = post(server, body, f"/score?{query}")
        assert answer.status_code == 400
        assert query in answer.json()["detail"]


@pytest.mark.parametrize(
    ("accept", "status", "media_type"),
    [
        ("application/msgpack, application/json", 200, "application/json"),
        ("application/json;q=0.1, application/msgpack;q=0.9", 200, "application/msgpack"),
        ("application/json;q=0, application/msgpack", 200, "application/msgpack"),
        ("*/*;q=0.5, application/msgpack", 200, "application/msgpack"),
        ("application/*;q=0.9, application/json;q=0.1", 200, "application/msgpack"),
        ("application/vnd.msgpack", 200, "application/msgpack"),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", 200, "application/json"),
        ("", 200, "application/json"),
        ("text/html", 406, "application/problem+json"),
        ("*/*;q=0", 406, "application/problem+json"),
        ("application/json;q=0", 406, "application/problem+json"),
        ("application/json;q=2", 400, "application/problem+json"),
    ],
)
def test_accept_is_weighed(server: Running, accept: str, status: int, media_type: str) -> None:
    """As RFC 9110 says; among equals the format of the body is kept."""
    answer = post(server, accept=accept)
    assert (answer.status_code, answer.headers["content-type"]) == (status, media_type)


def test_no_answer_is_cached_or_sniffed(server: Running) -> None:
    answers = (post(server), post(server, b"{}"), httpx.get(f"{server.url}/models"))
    assert [answer.status_code for answer in answers] == [200, 422, 200]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_unseen_category_is_missing_where_that_is_the_setting(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    with serve(bundle, tmp_path, "--unseen", "missing") as up:
        answer = post(up, json.dumps(FIT | {"KIND": "boat"}).encode()).json()
        null = post(up, json.dumps(FIT | {"KIND": None}).encode()).json()
        assert answer["warnings"] == ["unseen:KIND"]
        assert answer["probability"] == null["probability"]
        assert post(up, json.dumps(FIT | {"KIND": 3}).encode()).status_code == 422


def test_a_trace_is_passed_on_to_answer_and_log(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    with serve(bundle, tmp_path) as up:
        assert post(up, traceparent=TRACE).headers["traceparent"] == TRACE
        assert post(up, b"{}", traceparent=TRACE).headers["traceparent"] == TRACE
        for unfit in UNFIT_TRACES:
            answer = post(up, traceparent=unfit)
            assert answer.status_code == 200
            assert "traceparent" not in answer.headers
    traces = [line.get("traceparent") for line in access_lines(tmp_path)]
    assert traces == [TRACE, TRACE, *[None] * len(UNFIT_TRACES)]


def test_the_access_log_has_no_value_and_may_be_sampled(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """A sampled log keeps every error."""
    with serve(bundle, tmp_path, "--access-log", "0.25") as up:
        for _ in range(20):
            post(up)
        post(up, b'{"AGE": 987654}')
    statuses = [line["status"] for line in access_lines(tmp_path)]
    assert (statuses.count(200), statuses.count(422)) == (5, 1)
    assert "987654" not in (tmp_path / "stdout").read_text()


def test_what_is_not_http_is_a_400(server: Running) -> None:
    for data in (b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET\r\n\r\n", b"POST /score HTTP/9.9\r\n\r\n"):
        answer = raw(server, data)
        assert answer.startswith(b"HTTP/1.1 400"), answer
        assert b"application/problem+json" in answer
    huge = b"GET / HTTP/1.1\r\n" + b"X: " + b"a" * 100_000
    assert raw(server, huge).startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))
    assert post(server).status_code == 200


def test_a_client_that_asks_first_is_told_before_it_sends(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """Expect: 100-continue."""
    with serve(bundle, tmp_path, "--max-body", "1000") as up:
        head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        head += b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: "
        with sender(up.port, head + b"%d\r\n\r\n" % len(BODY)) as asking:
            assert asking.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            asking.sendall(BODY)
            assert asking.recv(100).startswith(b"HTTP/1.1 200")
        assert raw(up, head + b"5000\r\n\r\n").startswith(b"HTTP/1.1 413")


def test_pipelined_requests_are_answered_in_order(server: Running) -> None:
    def one(name: str, last: bool) -> bytes:
        close = "Connection: close\r\n" if last else ""
        head = f"POST /score HTTP/1.1\r\nHost: x\r\nX-Request-Id: {name}\r\n{close}"
        return (
            f"{head}Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
        )

    answer = raw(server, one("a", False) + BODY + one("b", False) + BODY + one("c", True) + BODY)
    assert re.findall(rb"x-request-id: (\w)", answer) == [b"a", b"b", b"c"]
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200"] * 3


def test_what_reaches_no_endpoint_is_counted_and_said_in_the_way_of_its_path(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """Too large, too long a head, not HTTP: 4xx in the metrics, and {"error"} under /v2."""
    with serve(bundle, tmp_path, "--max-body", "1000") as up:
        over = post(up, b" " * 1001).json()
        assert set(over) >= {"type", "title", "status", "detail"}
        assert over["detail"].startswith(
            "body: wanted at most 1000 bytes; send several batches, or"
        )
        under = post(up, b" " * 1001, "/v2/models/small/infer")
        assert (under.status_code, under.json()) == (
            413, {"error": "body: wanted at most 1000 bytes"},
        )  # fmt: skip
        assert under.headers["content-type"] == "application/json"
        raw(up, b"GET\r\n\r\n")
        for endpoint, status in (("score", 413), ("infer", 413), ("other", 400)):
            name = f'credit_requests_total{{endpoint="{endpoint}",status="{status}"}}'
            assert counted(up, name) == 1


def test_cors_is_off_unless_asked(
    bundle: Path, serve: Serve, server: Running, tmp_path: Path
) -> None:
    origin = "https://bank.example"
    assert "access-control-allow-origin" not in post(server, origin=origin).headers
    with serve(bundle, tmp_path, "--cors-origin", origin) as up:
        assert post(up, origin=origin).headers["access-control-allow-origin"] == origin
        other = post(up, origin="https://other.example").headers
        assert other.get("access-control-allow-origin") != "https://other.example"


def test_the_drift_verdict_is_shown_where_it_exists(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    verdict = tmp_path / "drift.prom"
    with serve(bundle, tmp_path, "--drift-metrics", str(verdict)) as up:
        assert "credit_drift" not in httpx.get(f"{up.url}/metrics").text
        verdict.write_text("credit_drift_verdict 1\n")
        text = httpx.get(f"{up.url}/metrics").text
        assert text.endswith("credit_drift_verdict 1\n")
        assert re.search(r'credit_model_info\{name="small",version="1",sha256="\w{64}"', text)
        verdict.unlink()
        os.mkfifo(verdict)
        assert "credit_drift" not in httpx.get(f"{up.url}/metrics").text
    done = run("--check", "--model", str(bundle), "--drift-metrics", str(verdict))
    assert done.returncode == 2
    wanted = f"{verdict}: wanted a regular file, got a FIFO"
    assert done.stderr == f"server: settings: drift_metrics: {wanted}\n"


def test_no_path_is_redirected(server: Running) -> None:
    """It would go wherever the Host header says."""
    for path in ("/models/", "/livez/", "/v2/models/small/"):
        answer = httpx.get(server.url + path, headers={"host": "evil.example"})
        assert answer.status_code == 404


def test_the_version_is_the_projects(server: Running) -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    said = httpx.get(f"{server.url}/v2").json()["version"]
    assert said == project["project"]["version"]


def test_no_log_folder_no_start(bundle: Path, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        (tmp_path / "file").write_text("")
        done = run("--model", str(bundle), "--port", "0", "--log-dir", str(tmp_path / "file"))
        assert done.returncode == 2
