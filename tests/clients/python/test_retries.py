"""A request is sent again where that is safe, after as long as it was told, and else never."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest
from credit_express_client import (
    Client,
    ProblemError,
    Retry,
    UnavailableError,
    UnreachableError,
)
from credit_express_client.retries import Attempts, retry_after

from tests.conftest import Running, Serve
from tests.server.asking import counted
from tests.server.wire import FIT
from tests.waiting import until

from .conftest import Ask
from .proxy import proxy


def records(server: Running, request_id: str) -> int:
    return sum(each["request_id"] == request_id for each in server.records())


def test_a_lost_answer_with_a_key_is_asked_for_again_and_recorded_once(
    server: Running, ask: Ask, request: pytest.FixtureRequest
) -> None:
    name = request.node.name
    with proxy(server, "lose", 502, 504) as between:
        answer = ask(between.url, "score", FIT, request_id=name, idempotency_key=name)
        assert len(between.seen) == 4
    assert answer.probability == ask(server.url, "score", FIT).probability
    assert records(server, name) == 1


@pytest.mark.parametrize(("mishap", "error"), [("lose", UnreachableError), (502, ProblemError)])
def test_a_lost_answer_without_a_key_is_not_asked_for_again(
    server: Running, ask: Ask, mishap: str | int, error: type[Exception]
) -> None:
    with proxy(server, mishap) as between:  # type: ignore[arg-type]
        with pytest.raises(error):
            ask(between.url, "score", FIT)
        assert between.seen == ["/score"]


BROKE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nreset"


def test_a_503_of_a_proxy_that_may_have_lost_an_answer_is_asked_again_only_with_a_key(
    server: Running, ask: Ask, request: pytest.FixtureRequest
) -> None:
    """Envoy answers so if the connection behind it broke, whether the request was scored or not."""
    with proxy(server, BROKE) as between:
        with pytest.raises(UnavailableError, match=f"503 .*{between.url}/score: reset"):
            ask(between.url, "score", FIT)
        assert len(between.seen) == 1
    with proxy(server, BROKE) as between:
        assert ask(between.url, "score", FIT, idempotency_key=request.node.name).decision
        assert len(between.seen) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_a_refusal_is_asked_again_without_a_key_up_to_the_attempts(
    server: Running, ask: Ask, status: int
) -> None:
    with proxy(server, status, status) as between:
        assert ask(between.url, "score", FIT).decision
        assert len(between.seen) == 3
    with proxy(server, status, status) as between:
        with pytest.raises(UnavailableError, match=f"{status} .*the proxy's own page") as busy:
            ask(between.url, "score", FIT, settings={"retry": Retry(attempts=2)})
        assert (busy.value.retry_after, len(between.seen)) == (0, 2)


def test_applicants_that_do_not_fit_are_not_sent_again(server: Running, ask: Ask) -> None:
    with proxy(server) as between:
        with pytest.raises(ProblemError):
            ask(between.url, "score", {}, idempotency_key="unfit")
        assert len(between.seen) == 1


def test_a_server_that_sheds_answers_everybody_in_the_end(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    with (
        serve(bundle, tmp_path, "--max-in-flight", "1") as up,
        Client(up.url, retry=Retry(attempts=100, patience=120)) as client,
        ThreadPoolExecutor(16) as threads,
    ):

        def shed() -> bool:
            batches = threads.map(client.score_batch, [[FIT] * 1000] * 16)
            assert {len(answers) for answers in batches} == {1000}
            return counted(up, 'credit_requests_total{endpoint="score",status="503"}') > 0

        until(shed)


def response(status: int, after: str | None = None) -> httpx.Response:
    return httpx.Response(status, headers={} if after is None else {"Retry-After": after})


def test_the_wait_is_what_was_told_and_up_to_a_quarter_more() -> None:
    waits = {Attempts(Retry(), False).wait(response(503, "4")) for _ in range(50)}
    assert all(wait is not None and 4 <= wait <= 5 for wait in waits)
    assert len(waits) > 1


def test_a_wait_that_was_not_told_is_doubled() -> None:
    attempts = Attempts(Retry(attempts=5, first_wait=0.5), False)
    waits = [attempts.wait(response(429)) for _ in range(5)]
    assert waits[4] is None
    for wait, wanted in zip(waits[:4], (0.5, 1, 2, 4), strict=True):
        assert wait is not None
        assert wanted <= wait <= 1.25 * wanted


def test_a_wait_stays_finite_after_any_number_of_attempts() -> None:
    attempts = Attempts(Retry(attempts=5000, patience=1e40), False)
    assert {attempts.wait(response(429, "0")) for _ in range(2000)} == {0}
    assert attempts.wait(response(429)) is not None


def test_patience_ends_before_a_wait_that_is_too_long() -> None:
    assert Attempts(Retry(patience=10), False).wait(response(503, "11")) is None


def test_retry_after_is_a_number_or_a_date() -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    told = retry_after(response(503, format_datetime(later, usegmt=True)))
    assert told is not None
    assert 3000 < told <= 3600
    assert retry_after(response(503, "Sun, 06 Nov 1994 08:49:37 GMT")) == 0
    assert retry_after(response(503, "120")) == 120
    odd = (None, "", "soon", "-1", "1 Jan 99999999999999999999 0:0", "1 Jan 2030 0:0 +9999999999")
    assert [retry_after(response(503, bad)) for bad in odd] == [None] * len(odd)
