"""Compressed bodies and answers over a socket: the same answers as without, and bounds."""

import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest

from server.http.compression import LEAST, USUAL_RATIO, glimpse, takes_gzip
from tests.conftest import Running, Serve
from tests.server.asking import post, request_of
from tests.server.wire import BODY, FIT

Pack = Callable[[bytes], bytes]
CODINGS: dict[str, Pack] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
}
PATHS = pytest.mark.parametrize("path", ["/score", "/score?partial=false"], ids=["fast", "ASGI"])
ROW = [40.0, 1e3, 0.5, 0.0, 1.0]


def without_id(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    each = answer.json() if isinstance(answer.json(), list) else [answer.json()]
    return [{k: v for k, v in said.items() if k != "request_id"} for said in each]


@PATHS
@pytest.mark.parametrize("coding", CODINGS)
def test_a_compressed_body_is_scored_as_the_plain_one(
    server: Running, coding: str, path: str
) -> None:
    for body in (BODY, json.dumps([FIT] * 50).encode()):
        plain = post(server, body, path)
        packed = post(server, CODINGS[coding](body), path, content_encoding=coding.upper())
        assert without_id(packed) == without_id(plain)
    found = [r for r in server.records() if r["request_id"] == packed.headers["x-request-id"]]
    assert len(found) == 50
    assert found[0]["features"] == FIT


def test_message_pack_may_be_compressed(server: Running) -> None:
    packed = zlib.compress(msgspec.msgpack.encode(FIT))
    given = {"content_encoding": "deflate", "content_type": "application/msgpack"}
    assert post(server, packed, accept="application/json", **given).status_code == 200


@pytest.mark.parametrize("coding", CODINGS)
def test_json_and_tensor_are_one_stream_and_its_length_is_that_before(
    server: Running, coding: str
) -> None:
    tensor = {"name": "X", "shape": [1, 5], "datatype": "FP64",
              "parameters": {"binary_data_size": 40}}  # fmt: skip
    head = json.dumps({"inputs": [tensor]}).encode()
    body = CODINGS[coding](head + np.array(ROW).tobytes())
    fields = {"inference-header-content-length": str(len(head)), "content-encoding": coding}
    url = f"{server.url}/v2/models/small/infer"
    packed = httpx.post(url, content=body, headers=fields).json()
    assert packed == httpx.post(url, json=request_of(ROW)).json()
    plain = httpx.post(url, content=gzip.compress(json.dumps(request_of(ROW)).encode()),
                       headers={"content-encoding": "gzip"})  # fmt: skip
    assert plain.json() == packed


DAMAGED: dict[str, tuple[str, bytes, str]] = {
    "not gzip": ("gzip", BODY, "wanted gzip, got: Error -3"),
    "not deflate": ("deflate", gzip.compress(BODY), "wanted deflate, got: Error -3"),
    "cut off": ("gzip", gzip.compress(BODY)[:-9], "cut off"),
    "empty": ("gzip", b"", "cut off"),
    "a wrong checksum": ("gzip", gzip.compress(BODY)[:-8] + bytes(8), "incorrect data check"),
    "two streams": ("gzip", gzip.compress(BODY) * 2, "wanted one stream"),
    "bytes after it": ("deflate", zlib.compress(BODY) + b" ", "wanted one stream"),
}


@PATHS
@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_stream_is_a_400_that_says_so(server: Running, case: str, path: str) -> None:
    coding, body, said = DAMAGED[case]
    answer = post(server, body, path, content_encoding=coding)
    assert answer.status_code == 400
    assert said in answer.json()["detail"]


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "identity, gzip", ""])
def test_another_coding_is_a_415_that_names_those_we_know(server: Running, coding: str) -> None:
    for path in ("/score", "/v2/models/small/infer"):
        answer = post(server, BODY, path, content_encoding=coding)
        assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "gzip, deflate")
        wanted = f"Content-Encoding: wanted gzip, deflate or none, got {coding}"
        assert wanted in (answer.json().get("detail") or answer.json()["error"])
    assert post(server, content_encoding="identity").status_code == 200


def test_what_comes_out_is_bounded(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    """A body above the limit that is below it on its way: four times smaller, no more."""
    most = 4000
    with serve(bundle, tmp_path, "--max-body", str(most)) as up:
        body = json.dumps([FIT | {"AGE": 20 + i % 60 + i / 64} for i in range(80)]).encode()
        sent = zlib.compress(body, 1)
        assert len(sent) < most < len(body)
        for path in ("/score", "/score?partial=true", "/v2/models/small/infer"):
            answer = post(up, sent, path, content_encoding="deflate")
            assert answer.status_code == 413
            said = answer.json().get("detail") or answer.json()["error"]
            assert said == f"body: wanted at most {most} bytes once decompressed, got more"
        exact = BODY + b" " * (most - len(BODY))
        assert post(up, gzip.compress(exact), content_encoding="gzip").status_code == 200


def test_the_same_body_compressed_otherwise_is_the_same_request(server: Running) -> None:
    bodies = [gzip.compress(BODY, 1), gzip.compress(BODY, 9)]
    one, other = (
        post(server, body, content_encoding="gzip", idempotency_key="gz") for body in bodies
    )
    assert one.json() == other.json()
    assert other.headers["idempotency-replayed"] == "true"


@PATHS
def test_a_large_answer_is_compressed_where_it_is_asked_for(server: Running, path: str) -> None:
    body = json.dumps([FIT] * 500).encode()
    plain = post(server, body, path, accept_encoding="identity")
    assert "content-encoding" not in plain.headers
    assert len(plain.content) >= LEAST
    packed = post(server, body, path, accept_encoding="gzip, deflate, br")
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 5
    assert without_id(packed) == without_id(plain)
    small = post(server, BODY, path, accept_encoding="gzip")
    assert "content-encoding" not in small.headers


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [("gzip", True), ("GZIP;q=0.5", True), ("deflate, *", True), ("br", False), ("", False),
     ("gzip;q=0", False), ("*;q=0", False), ("gzip;q=0, *", False), ("gzip" + " " * 200, False),
     ("gzip;q=x", False), (";", False)],
)  # fmt: skip
def test_accept_encoding_is_weighed(accepted: str, takes: bool) -> None:
    assert takes_gzip(accepted.encode()) is takes


@pytest.mark.parametrize("coding", CODINGS)
def test_the_queue_knows_a_compressed_batch_by_its_beginning(coding: str) -> None:
    """Or it would count as a single applicant."""
    body = json.dumps([FIT] * 50).encode()
    sent = CODINGS[coding](body)
    assert glimpse(sent, 9) == (body[:9], len(sent) * USUAL_RATIO)
    assert glimpse(body, 9) == (body[:9], len(body))
    damaged = sent[:2] + b"\xff" * 40
    assert glimpse(damaged, 9) == (b"", len(damaged))
    assert glimpse(b"", 9) == (b"", 0)
    assert len(glimpse(sent, 0)[0]) <= 1, "zlib takes 0 for no bound"
