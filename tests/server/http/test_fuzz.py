"""The short form of the fuzzer; the long one is `python -m tests.long.server_fuzz`."""

import asyncio

from tests.conftest import Running, Trained, applicants
from tests.long.server_fuzz import (
    GROWTH_KILOBYTES,
    Sent,
    fuzz,
    resident_kilobytes,
    to_infer,
    to_score,
)

BOTH_LANES = True
BODIES = 6_000


def test_every_wrong_body_is_refused_and_its_fault_named(server: Running, trained: Trained) -> None:
    """No 5xx, no broken connection, and memory stays flat once it is warm."""
    good = applicants(trained.held_out[:200])
    (worker,) = server.workers()
    asyncio.run(fuzz(server.port, to_score(1, good, BODIES // 3)))
    before = resident_kilobytes(worker)
    found = asyncio.run(fuzz(server.port, to_score(2, good, BODIES)))
    assert found.wrong == []
    assert found.statuses[422] > BODIES / 3
    assert found.statuses[400] > BODIES / 10
    assert found.statuses[200] > 0
    assert resident_kilobytes(worker) - before < GROWTH_KILOBYTES


def test_every_wrong_inference_request_is_refused_and_its_fault_named(
    server: Running, trained: Trained
) -> None:
    good = applicants(trained.held_out[:200])
    (worker,) = server.workers()
    asyncio.run(fuzz(server.port, to_infer("small", 1, good, BODIES // 3)))
    before = resident_kilobytes(worker)
    found = asyncio.run(fuzz(server.port, to_infer("small", 2, good, BODIES)))
    assert found.wrong == []
    assert min(found.statuses[400], found.statuses[200]) > BODIES / 10
    assert resident_kilobytes(worker) - before < GROWTH_KILOBYTES


def test_an_array_is_refused_by_the_length_that_it_promises(server: Running) -> None:
    field = b"Content-Type: application/msgpack\r\n"
    sent = [Sent(b"/score", field, b"\xdd\x00\x17\xa9LIMIT"), Sent(b"/score", field, b"\xdc\0\0")]
    found = asyncio.run(fuzz(server.port, iter(sent)))
    assert found.statuses == {413: 1, 422: 1}
    assert found.wrong == []
