"""Inference over a socket: on the fast path and by ASGI the same bytes, records and counts."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Running, Trained, applicants, running
from tests.long.oip_bodies import bodies
from tests.server.wire import raw

DATE = re.compile(rb"date: [^\r]+\r\n")
PATHS = ("/v2/models/small/infer", "/v2/models/small/versions/1/infer")
FIELDS = (b"", b"X-Request-Timeout-Ms: 60000\r\n", b"X-Request-Timeout-Ms: soon\r\n",
          b"X-Request-Id: a b\r\n", b"Content-Encoding: br\r\n",
          b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n")  # fmt: skip


@pytest.fixture(scope="module")
def pair(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Running]]:
    """A server, and the same with the fast path off."""
    folders = [tmp_path_factory.mktemp("log") for _ in range(2)]
    with (
        running(bundle, folders[0]) as fast,
        running(bundle, folders[1], "--fast-lane", "off") as asgi,
    ):
        yield [fast, asgi]


def request(number: int, length: bytes | None, body: bytes) -> bytes:
    more = FIELDS[number % 60 % len(FIELDS)] if number % 60 < 12 else b""
    if b"X-Request-Id" not in more:
        more += b"X-Request-Id: n%d\r\n" % number
    if length is not None:
        more += b"Inference-Header-Content-Length: %b\r\n" % length
    head = b"POST %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%bContent-Length: %d\r\n\r\n"
    return head % (PATHS[number % 2].encode(), more, len(body)) + body


def kept(server: Running) -> list[dict[str, Any]]:
    """Return the records without what differs from one moment to the next."""
    moment = {"time", "latency_us"}
    return [{k: v for k, v in each.items() if k not in moment} for each in server.records()]


def test_both_paths_answer_record_and_count_alike(pair: list[Running], trained: Trained) -> None:
    statuses: Counter[bytes] = Counter()
    for number, (length, body) in enumerate(bodies(11, applicants(trained.held_out[:99]), 240)):
        sent = request(number, length, body)
        fast, asgi = (DATE.sub(b"", raw(each, sent)) for each in pair)
        assert fast == asgi, sent
        statuses[fast[9:12]] += 1
    assert min(statuses[b"200"], statuses[b"400"]) > 40
    assert statuses[b"415"] > 0
    assert kept(pair[0]) == kept(pair[1])
    counted = [
        re.findall(r'^credit_requests_total{endpoint="infer".* [1-9]\d*$', text, re.M)
        for text in (httpx.get(f"{each.url}/metrics").text for each in pair)
    ]
    assert counted[0] == counted[1]
    assert {int(line.split('status="')[1][:3]) for line in counted[0]} == set(map(int, statuses))


def test_another_method_is_refused_as_the_protocol_refuses(pair: list[Running]) -> None:
    for server in pair:
        answer = httpx.get(server.url + PATHS[0])
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert set(answer.json()) == {"error"}
