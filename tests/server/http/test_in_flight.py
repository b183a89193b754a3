"""The places in a worker's queue, and who holds one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from server.http.in_flight import InFlight, Place


def running(seen: list[int], in_flight: InFlight) -> Callable[[], Awaitable[None]]:
    """Return an application that notes how many places are taken while it runs."""

    async def app() -> None:
        seen.append(len(in_flight.running))

    return app


@pytest.fixture
def cycle() -> Any:
    """What uvicorn runs; here only its identity counts."""
    return type("Cycle", (), {})()


def test_what_runs_and_what_waits_are_counted_together() -> None:
    in_flight = InFlight(2)
    in_flight.waiting.append("one")
    assert not in_flight.is_full()
    Place(in_flight).around(object(), None)  # type: ignore[arg-type]
    assert in_flight.is_full()
    in_flight.waiting.popleft()
    assert not in_flight.is_full()


def test_a_place_is_held_until_the_answer_is_out(cycle: Any) -> None:
    in_flight, seen = InFlight(1), []  # type: tuple[InFlight, list[int]]
    app = Place(in_flight).around(cycle, running(seen, in_flight))
    assert in_flight.is_full()
    asyncio.run(app())
    assert seen == [1]
    assert not in_flight.is_full()


def test_a_place_is_given_back_by_what_fails(cycle: Any) -> None:
    in_flight = InFlight(1)

    async def app() -> None:
        raise ValueError("no answer")

    with pytest.raises(ValueError, match="no answer"):
        asyncio.run(Place(in_flight).around(cycle, app)())
    assert not in_flight.is_full()


def test_a_client_that_takes_no_answer_holds_no_place_until_it_does(cycle: Any) -> None:
    in_flight, seen = InFlight(1), []  # type: tuple[InFlight, list[int]]
    place = Place(in_flight)
    app = place.around(cycle, running(seen, in_flight))
    place.stall()
    assert not in_flight.is_full()
    place.go_on()
    assert in_flight.is_full()
    place.stall()
    asyncio.run(app())
    place.go_on()
    assert seen == [0]
    assert not in_flight.is_full(), "what is answered takes no place again"


def test_what_begins_while_the_client_takes_nothing_holds_no_place_either(cycle: Any) -> None:
    in_flight = InFlight(1)
    place = Place(in_flight)
    place.stall()
    place.around(cycle, None)
    assert not in_flight.is_full()
    place.go_on()
    assert in_flight.is_full()


def test_what_costs_more_takes_more_of_the_queue_but_never_a_large_part(cycle: Any) -> None:
    in_flight = InFlight(256, weigh=lambda path, query, body: len(body))
    assert [in_flight.beyond_one("/", b"", b"x" * n) for n in (1, 3, 1000)] == [0, 2, 3]
    assert InFlight(2, weigh=in_flight.weigh).beyond_one("/", b"", b"xxx") == 0
    small = InFlight(5)
    place = Place(small)
    app = place.around(cycle, running([], small), 4)
    assert small.is_full()
    place.stall()
    place.stall()
    assert (small.more, small.is_full()) == (0, False)
    place.go_on()
    assert small.is_full()
    asyncio.run(app())
    assert small.more == 0
