"""A request takes as much of the queue as it costs: batches, and those with reasons, more."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from server.bundle.reading import read
from server.http.cost import Cost, is_array
from tests.conftest import Serve
from tests.server.asking import stopped
from tests.server.wire import FIT, scoring, senders

BOTH_LANES = True
MANY = 100


@pytest.fixture
def cost(bundle: Path) -> Cost:
    return Cost(read(bundle).bundle, "none")


@pytest.mark.parametrize("encode", [msgspec.json.encode, msgspec.msgpack.encode])
def test_a_batch_costs_about_what_its_applicants_do(cost: Cost, encode: Any) -> None:
    assert cost.of(encode(FIT), "none") == 1
    assert cost.of(encode([FIT]), "none") == 1
    shortest = 30 if encode is msgspec.msgpack.encode else 40
    assert shortest <= cost.of(encode([FIT] * 50), "none") <= 60


def test_a_long_applicant_is_no_batch(cost: Cost) -> None:
    assert cost.of(json.dumps(FIT, indent=400).encode(), "none") == 1
    assert cost.of(b"", "none") == 1
    assert [is_array(b) for b in (b" [", b"{", b"\x85", b"\x95", b"\xdc", b"")] == [
        True, False, False, True, True, False,
    ]  # fmt: skip


def test_reasons_cost_what_was_measured(cost: Cost) -> None:
    """Half of the principal ones were refusals, whose reasons take twice a whole request."""
    body = msgspec.json.encode(FIT)
    assert cost.of(body, "all") == 1, "nothing is known yet"
    for number in range(400):
        cost.learn("principal", 1e-5, 6e-5 * (number % 2))
        cost.learn("all", 1e-5, 6e-5)
    assert (cost.of(body, "none"), cost.of(body, "principal"), cost.of(body, "all")) == (1, 2, 3)
    batch = msgspec.json.encode([FIT] * 10)
    assert cost.of(batch, "all") == 3 * cost.of(batch, "none")


def test_what_a_server_answers_unasked_costs_one_however_long_it_takes(bundle: Path) -> None:
    """Of 256 places 256 connections have one each, unless they ask for more."""
    cost, body = Cost(read(bundle).bundle, "principal"), msgspec.json.encode(FIT)
    for _ in range(400):
        cost.learn("principal", 1e-5, 9e-5)
        cost.learn("all", 1e-5, 33e-5)
    assert [cost.of(body, each) for each in ("none", "principal", "all")] == [1, 1, 3]
    batch = msgspec.json.encode([FIT] * 10)
    assert 1 < cost.of(batch, "none") < cost.of(batch, "principal")


def test_batches_fill_the_queue_before_single_applicants_do(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """Of a queue of 128, one request takes at most two."""
    accepted = []
    with serve(bundle, tmp_path, "--max-in-flight", "128") as up:
        for body in (FIT, [FIT] * 10):
            request = scoring(json.dumps(body).encode())
            with senders(up.port, b"", MANY) as asking:
                with stopped(up, connected=MANY):
                    for each in asking:
                        each.sendall(request)
                firsts = [each.recv(12) for each in asking]
            assert set(firsts) <= {b"HTTP/1.1 200", b"HTTP/1.1 503"}
            accepted.append(firsts.count(b"HTTP/1.1 200"))
    assert accepted[0] == MANY
    assert 64 <= accepted[1] < MANY
