"""When a client has to be done with what it does."""

from math import inf

import pytest

from server.http.deadlines import Deadlines
from server.http.limits import Limits

LIMITS = Limits(
    1000, head_seconds=10.0, body_seconds=30.0, answer_seconds=20.0, keep_alive_seconds=5.0
)
NOW = 1000.0


@pytest.fixture
def deadlines() -> Deadlines:
    return Deadlines(LIMITS)


def test_nothing_is_due_while_nothing_is_wanted_of_the_client(deadlines: Deadlines) -> None:
    deadlines.wait(NOW)
    deadlines.stop()
    assert [deadlines.slow(False), deadlines.slow(True), deadlines.idle()] == [inf] * 3


def test_a_head_and_a_body_have_their_own_time_from_when_the_request_was_waited_for(
    deadlines: Deadlines,
) -> None:
    deadlines.wait(NOW)
    deadlines.wait(NOW + 7)
    assert deadlines.slow(in_body=False) == NOW + LIMITS.head_seconds
    assert deadlines.slow(in_body=True) == NOW + LIMITS.body_seconds


def test_who_sends_is_not_idle(deadlines: Deadlines) -> None:
    deadlines.idle_since = NOW
    assert deadlines.idle() == NOW + LIMITS.keep_alive_seconds
    deadlines.wait(NOW + 1)
    assert deadlines.idle() == inf


def test_who_leaves_its_answer_is_due_by_that_or_by_its_request_whichever_is_first(
    deadlines: Deadlines,
) -> None:
    deadlines.stalled_since = NOW
    assert deadlines.slow(False) == deadlines.stalled() == NOW + LIMITS.answer_seconds
    deadlines.wait(NOW)
    assert deadlines.slow(in_body=False) == NOW + LIMITS.head_seconds
    assert deadlines.slow(in_body=True) == NOW + LIMITS.answer_seconds
