"""Whatever is answered, a call returns answers or raises an error of the client's own."""

import copy
import json
import pickle

import msgspec
import pytest
from credit_express_client import (
    Client,
    CreditExpressError,
    Problem,
    ProblemError,
    UnreachableError,
)

from tests.conftest import Running
from tests.ports import free_ports
from tests.server.wire import FIT

from .conftest import Ask
from .proxy import proxy

PACKED, PLAIN = "application/msgpack", "application/json"
ANSWER = {
    "request_id": "1", "probability": 0.5, "decision": None, "threshold": None, "policy": None,
    "model": {"name": "a", "version": "1", "sha256": ""}, "new": [1],
}  # fmt: skip


def answer(status: int, kind: str, body: bytes, more: str = "") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}{more}\r\n".encode() + body


@pytest.mark.parametrize(
    ("status", "kind", "body", "said"),
    [
        (200, "text/html", b"<h1>Sign in</h1>", "wanted application/msgpack, got .*<h1>Sign in"),
        (200, PLAIN, json.dumps(ANSWER).encode(), 'wanted application/msgpack, got .*{"request'),
        (204, PACKED, b"", "unforeseen answer: Input data was truncated"),
        (200, PACKED, msgspec.msgpack.encode(ANSWER)[:-9], "unforeseen answer: "),
        (200, PACKED, b"\x81\xaarequest_id\xa1\xff", "unforeseen answer: 'utf-8' codec"),
        (200, PACKED, b"\x91" * 100_000, "unforeseen answer: "),
        (422, PLAIN, b'{"title": "\xff", "status": 422, "detail": "x"}', '^422 X: .*{"title'),
        (500, PLAIN, b"[" * 100_000, r"^500 X: .*\[\[\["),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_an_error_of_ours(
    server: Running, ask: Ask, status: int, kind: str, body: bytes, said: str
) -> None:
    with proxy(server, answer(status, kind, body)) as between:
        with pytest.raises(CreditExpressError, match=said):
            ask(between.url, "score", FIT)
        assert len(between.seen) == 1


def test_members_of_a_later_server_are_ignored(server: Running, ask: Ask) -> None:
    with proxy(server, answer(200, PACKED, msgspec.msgpack.encode(ANSWER))) as between:
        assert ask(between.url, "score", FIT).probability == 0.5


@pytest.mark.parametrize("method", ["score_batch", "score_each"])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_more_or_fewer_answers_than_applicants_are_refused(
    server: Running, ask: Ask, method: str, count: int
) -> None:
    several = answer(200, PACKED, msgspec.msgpack.encode([ANSWER] * count))
    with (
        proxy(server, several) as between,
        pytest.raises(CreditExpressError, match=f"wanted 2 answers, got {count}"),
    ):
        ask(between.url, method, [FIT, FIT])


def test_a_redirect_says_where_to(server: Running, ask: Ask) -> None:
    moved = answer(307, "text/html", b"", "Location: https://scores/score\r\n")
    with (
        proxy(server, moved) as between,
        pytest.raises(ProblemError, match=r"^307 X: moved to https://scores/score: give"),
    ):
        ask(between.url, "score", FIT)


def test_a_password_in_the_url_is_in_no_error(ask: Ask) -> None:
    port = free_ports()
    with pytest.raises(UnreachableError, match=f"^http://127.0.0.1:{port}/score: ") as unreachable:
        ask(f"http://me:secret@127.0.0.1:{port}", "score", FIT)
    assert "secret" not in str(unreachable.value)


def test_a_url_without_http_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="wanted http://… or https://…, got 'localhost:8000'"):
        Client("localhost:8000")


def test_an_error_can_be_copied_and_sent_to_another_process() -> None:
    error = ProblemError(Problem(title="Busy", status=503, detail="later"), 2.0)
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert isinstance(again, ProblemError)
        assert (str(again), again.problem, again.retry_after) == (str(error), error.problem, 2.0)
