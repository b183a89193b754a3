"""What one connection is told of its shed requests, and when."""

import asyncio
from collections.abc import Iterator

import pytest

from server.http.refusals import SHEDS, Refusals
from server.http.shedding import Shedding
from server.metrics.counters import AT, Counters, Table


class Connection:
    """Tells each refusal when it is asked to, and notes what it sent."""

    def __init__(self, counters: Counters) -> None:
        self.refusals = Refusals(Shedding(), counters)
        self.sent: list[bytes] = []

    def refuse(self, keep: bool, url: bytes, now: float) -> None:
        self.sent.append(self.refusals.tell(url, now)[keep])


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture
def counters() -> Counters:
    return Table(1).row(0)


def test_the_first_is_told_at_once_and_the_next_a_little_later(
    loop: asyncio.AbstractEventLoop, counters: Counters
) -> None:
    connection = Connection(counters)
    refusals = connection.refusals
    refusals.owe(loop, connection, True, b"/score")
    assert (refusals.owed, len(connection.sent)) == (0, 1)
    refusals.owe(loop, connection, True, b"/score")
    assert (refusals.owed, len(connection.sent)) == (1, 1)
    while refusals.owed:
        loop.run_until_complete(asyncio.sleep(0.01))
    assert connection.sent == [connection.sent[0]] * 2


def test_they_are_told_in_the_order_they_were_asked_and_counted_by_endpoint(
    loop: asyncio.AbstractEventLoop, counters: Counters
) -> None:
    connection = Connection(counters)
    for keep, url in ((True, b"/score"), (True, b"/v2/models/m/infer"), (False, b"/other")):
        connection.refusals.owe(loop, connection, keep, url)
    while connection.refusals.owed:
        loop.run_until_complete(asyncio.sleep(0.01))
    assert all(each.startswith(b"HTTP/1.1 503 ") for each in connection.sent)
    assert [b"connection: close" in each for each in connection.sent] == [False, False, True]
    assert [b'"error":' in each for each in connection.sent] == [False, True, False]
    assert counters.row[SHEDS] == 3
    for endpoint in ("score", "infer", "other"):
        assert counters.row[AT["requests", endpoint, 503]] == 1
