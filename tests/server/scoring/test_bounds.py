"""No request makes an answer, a record line or work without a bound."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import yaml

from server.record.line import APPLICANT_BYTES, LINE_BYTES
from server.scoring.codec import JSON, MESSAGE_PACK
from server.scoring.faults import MAX_FAULTS, SPARE_MEMBERS
from tests.conftest import ROOT, Running, Serve
from tests.server.asking import lines, post_as, request_of
from tests.server.wire import FIT

BOTH_LANES = True
FEATURES = len(FIT)
SAID = re.compile(r"[\w-]+: wanted |unknown feature ")
ENCODERS = {JSON: msgspec.json.encode, MESSAGE_PACK: msgspec.msgpack.encode}
BOTH = pytest.mark.parametrize("codec", ENCODERS, ids=lambda codec: codec.name)


@pytest.fixture(scope="module")
def with_bodies(
    bundle: Path, serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A server that keeps refused bodies, and takes larger ones than by default."""
    flags = ("--log-refused", "body", "--max-body", "20000000")
    with serve(bundle, tmp_path_factory.mktemp("bodies"), *flags) as up:
        yield up


def told_and_left(problems: list[dict[str, Any]]) -> tuple[int, int]:
    told = sum(len(each.get("errors", ())) for each in problems)
    return told, sum(each.get("more_errors", 0) for each in problems)


# Applicants, and how many faults they have together.
FAULTY: dict[str, tuple[list[Any], int]] = {
    "1,000 empty ones": ([{}] * 1000, 1000 * FEATURES),
    "300 without a feature": ([{k: v for k, v in FIT.items() if k != "AGE"}] * 300, 300),
    "150 of a wrong kind": ([FIT | {"AGE": "old", "KIND": 3}] * 150, 300),
    "numbers": ([*range(1000)], 1000),
    "texts": (["x"] * 777, 777),
    "arrays": ([[[]]] * 101, 101),
    "unknown members": ([FIT | {f"unknown {i}": i for i in range(30)}] * 9, 270),
    "just as many as are told": ([{}] * 20, MAX_FAULTS),
    "some right ones between": ([FIT, {}, FIT, {}] * 50, 100 * FEATURES),
    "an unseen category": ([FIT | {"KIND": "boat"}] * 250, 250),
}


@BOTH
@pytest.mark.parametrize("case", FAULTY)
def test_a_batch_tells_a_hundred_faults_and_counts_all(
    server: Running, codec: Any, case: str
) -> None:
    applicants, count = FAULTY[case]
    said = post_as(server, ENCODERS[codec](applicants), codec)
    assert said.status_code == 422, said.text
    assert told_and_left([said.json()]) == (min(count, MAX_FAULTS), max(0, count - MAX_FAULTS))
    assert len(said.content) < 50_000
    last = lines(server)[-1]
    assert len(last) < 50_000
    record = json.loads(last)
    assert len(record["faults"]) == min(count, MAX_FAULTS)
    assert record.get("more_faults", 0) == max(0, count - MAX_FAULTS)


@BOTH
@pytest.mark.parametrize("case", FAULTY)
def test_a_batch_answered_in_part_tells_a_hundred_faults_in_all(
    server: Running, codec: Any, case: str
) -> None:
    applicants, count = FAULTY[case]
    said = post_as(server, ENCODERS[codec](applicants), codec, "/score?partial=true")
    assert said.status_code == 200, said.text
    problems = [each for each in said.json() if "status" in each]
    assert told_and_left(problems) == (min(count, MAX_FAULTS), max(0, count - MAX_FAULTS))
    assert all(SAID.match(each["detail"]) for each in problems)
    assert len(said.content) < 500 * len(applicants) + 50_000


def objects() -> dict[str, tuple[Callable[[int], list[tuple[Any, Any]]], int]]:
    """Return shapes of one object of N members, and how many faults 500 members have."""
    return {
        "unknown names": (lambda n: [(f"n{i}", i) for i in range(n)], FEATURES + 500),
        "a name again and again": (lambda n: [("AGE", 1)] * n, FEATURES - 1 + 1),
        "unknown names twice": (lambda n: [(f"n{i // 2}", 1) for i in range(n)], FEATURES + 500),
        "one unknown name again": (lambda n: [("odd", 1)] * n, FEATURES + 1 + 1),
        "values that are objects": (lambda n: [(f"n{i}", {"a": {}}) for i in range(n)],
                                    FEATURES + 500),
        "long names": (lambda n: [("x" * 500 + str(i), 1) for i in range(n)], FEATURES + 500),
        "long texts": (lambda n: [(f"n{i}", "y" * 500) for i in range(n)], FEATURES + 500),
        "names of controls": (lambda n: [("\0" * 99 + str(i), 1) for i in range(n)],
                              FEATURES + 500),
        "all of it right, and more": (
            lambda n: [*FIT.items(), *((f"n{i}", 1) for i in range(n - FEATURES))], 500 - FEATURES
        ),
        "right twice": (lambda n: [*FIT.items()] * (n // FEATURES), FEATURES),
    }  # fmt: skip


def written(pairs: list[tuple[Any, Any]], codec: Any) -> bytes:
    encode = ENCODERS[codec]
    if codec is JSON:
        return b"{" + b",".join(encode(name) + b":" + encode(v) for name, v in pairs) + b"}"
    parts = b"".join(encode(name) + encode(value) for name, value in pairs)
    return b"\xdf" + len(pairs).to_bytes(4) + parts


@BOTH
@pytest.mark.parametrize("case", objects())
def test_one_object_tells_a_hundred_faults_and_counts_all(
    server: Running, codec: Any, case: str
) -> None:
    make, count = objects()[case]
    said = post_as(server, written(make(500), codec), codec)
    assert said.status_code == 422, said.text
    assert told_and_left([said.json()]) == (min(count, MAX_FAULTS), max(0, count - MAX_FAULTS))
    more = f" (and {count - 1} more)" if count > 1 else ""
    assert said.json()["detail"].endswith(more)
    assert len(said.content) < 60_000


@BOTH
@pytest.mark.parametrize("case", objects())
def test_an_object_of_far_too_many_members_is_refused_as_one(
    server: Running, codec: Any, case: str
) -> None:
    make, _ = objects()[case]
    pairs = make((FEATURES + SPARE_MEMBERS) // FEATURES * FEATURES + FEATURES)
    [fault] = post_as(server, written(pairs, codec), codec).json()["errors"]
    assert fault == {
        "feature": "", "wanted": f"an object of {FEATURES} features",
        "got": f"{len(pairs)} members",
    }  # fmt: skip


ELEMENTS: list[Any] = [0, {}, [], "a", FIT, None, {"a": [1]}, "[,{", [[]], FIT | {"KIND": ",,,"}]


@BOTH
def test_a_batch_of_too_many_is_refused_whatever_it_holds(server: Running, codec: Any) -> None:
    for each in ELEMENTS:
        said = post_as(server, ENCODERS[codec]([each] * 1001), codec)
        assert (said.status_code, said.json()["detail"][:29]) == (
            413, "batch: wanted at most 1000, g",
        )  # fmt: skip
        assert said.json()["detail"].endswith("or score a table with `python -m server score`")
        said = post_as(server, ENCODERS[codec]([each] * 1000), codec, "/score?partial=true")
        assert said.status_code == 200


def test_a_batch_is_split_alike_however_it_is_written() -> None:
    """Many commas make it be counted before it is split."""
    texts = {"KIND": "home, shared, and , more"}
    for batch in ([texts] * 1000, [[1, [2, 3]]] * 500, [{"a": ["}", "]", ","]}] * 1000, []):
        for indent in (None, 1):
            body = json.dumps(batch, indent=indent).encode()
            found = [json.loads(bytes(each)) for each in JSON.split(body, 1000, 1)]
            assert found == batch


def test_an_applicant_that_no_line_has_room_for_is_refused(server: Running) -> None:
    fit = json.dumps(FIT).encode()
    long = fit[:-1] + b" " * (APPLICANT_BYTES + 1 - len(fit)) + b"}"
    wanted = f"applicant: wanted at most {APPLICANT_BYTES} bytes, got {APPLICANT_BYTES + 1}"
    said = post_as(server, long)
    assert (said.status_code, said.json()["detail"]) == (413, wanted)
    first, second, third = post_as(
        server, b"[%b,%b,%b]" % (fit, long, fit), path="/score?partial=true"
    ).json()
    assert (second["status"], second["detail"]) == (413, wanted)
    assert first["probability"] == third["probability"]
    assert post_as(server, long.replace(b" }", b"}")).status_code == 200
    assert max(map(len, lines(server))) < APPLICANT_BYTES + 2000


LONG: dict[str, bytes] = {
    "controls": b"\x01" * 9_000_000,
    "quotes": b'"' * 9_000_000,
    "what is no UTF-8": b"\xff" * 9_000_000,
    "space": b" " * 9_000_000,
    "a text": b'{"AGE":"' + b"x" * 9_000_000 + b'"}',
    "a name": b'{"' + b"\\u0000" * 1_500_000 + b'":1}',
    "empty applicants": b"[" + b"{}," * 3_000_000 + b"{}]",
    "a thousand names each": b"["
    + b",".join([json.dumps({"\0" * 60 + str(i): "\0" * 60 for i in range(200)}).encode()] * 30)
    + b"]",
    "deep": b"[" * 9_000_000,
    "an applicant cut off": b'{"AGE": 1,' + b'"a": 2,' * 1_000_000,
}


LONG_STATUS = {"a thousand names each": 422, "deep": 400}


@pytest.mark.parametrize("case", LONG)
def test_a_line_of_the_record_is_bounded_with_bodies_too(with_bodies: Running, case: str) -> None:
    body = LONG[case]
    before = len(lines(with_bodies))
    assert post_as(with_bodies, body).status_code == LONG_STATUS.get(case, 413)
    [line] = lines(with_bodies)[before:]
    assert len(line) < LINE_BYTES
    record = json.loads(line)
    if len(body) > APPLICANT_BYTES:
        assert record["body_bytes"] == len(body)
        assert record["body"] == body[:APPLICANT_BYTES].decode(errors="replace")
    else:
        assert "body_bytes" not in record


def test_what_ships_the_record_takes_a_line_as_long_as_it_may_be() -> None:
    shipping = ROOT / "deploy" / "shipping"
    vector = yaml.safe_load((shipping / "vector.yaml").read_text())
    fluent_bit = yaml.safe_load((shipping / "fluent-bit.yaml").read_text())["pipeline"]
    assert vector["sources"]["score"]["max_line_bytes"] == LINE_BYTES
    assert fluent_bit["inputs"][0]["buffer_max_size"] == LINE_BYTES
    assert fluent_bit["outputs"][0]["rdkafka.message.max.bytes"] == LINE_BYTES


IDS = {
    "a" * 128: 200, "loan-4711": 200, "": 200, "!~": 200,
    "a" * 129: 400, "a b": 400, "a\n": 400, "é": 400, "\x7f": 400, "\0": 400, "x" * 100_000: 400,
    "a\u2028b": 400, " ": 400, "a\t": 400,
}  # fmt: skip


@pytest.mark.parametrize("given", IDS, ids=lambda given: repr(given)[:20])
def test_an_inference_id_is_as_an_x_request_id(server: Running, given: str) -> None:
    row = [40.0, None, 0.5, 0, 1]
    body = request_of(row * 3, [3, 5]) | {"id": given}
    before = len(lines(server))
    said = httpx.post(f"{server.url}/v2/models/small/infer", json=body)
    assert said.status_code == IDS[given], said.text
    new = [json.loads(line) for line in lines(server)[before:]]
    if said.status_code == 400:
        assert said.json() == {"error": "id: wanted 1 to 128 visible ASCII characters"}
        assert [record["status"] for record in new] == [400]
    elif given:
        assert [record["request_id"] for record in new] == [given] * 3
    assert max(len(line) for line in lines(server)[before:]) < 2000


LARGE_INFERENCES: dict[str, dict[str, Any]] = {
    "an output twice": {"outputs": [{"name": "raw"}, {"name": "raw"}]},
    "an output a thousand times": {"outputs": [{"name": "prediction"}] * 1000},
    "an unknown output of a long name": {"outputs": [{"name": "x" * 90_000}]},
    "inputs again and again": {"inputs": request_of([1] * 5)["inputs"] * 1000},
    "an input of a long name": {"inputs": [{"name": "x" * 90_000, "shape": [1, 5],
                                            "datatype": "FP64", "data": [1] * 5}]},
    "a long datatype": request_of([1] * 5, datatype="F" * 90_000),
    "a long shape": request_of([1] * 5, [1] * 90_000),
    "more data than the shape says": request_of([0] * 90_000),
    "empty lists": request_of([[]] * 90_000),
    "lists in lists": request_of([[[[[[]]]]]] * 20_000),
    "a size that is a list": request_of(None, parameters={"binary_data_size": [0] * 90_000}),
    "a parameter that is no boolean": request_of([40.0, 1, 1, 0, 1])
    | {"outputs": [{"name": "raw", "parameters": {"binary_data": "x" * 90_000}}]},
}  # fmt: skip


@pytest.mark.parametrize("case", LARGE_INFERENCES)
def test_a_large_inference_is_refused_in_few_words(server: Running, case: str) -> None:
    body = request_of([40.0, 1, 1, 0, 1]) | LARGE_INFERENCES[case]
    said = httpx.post(f"{server.url}/v2/models/small/infer", json=body)
    assert said.status_code == 400, said.text
    assert len(said.json()["error"]) < 300


def test_data_are_taken_flat_or_row_by_row(server: Running) -> None:
    row = [40.0, None, 0.5, 0, 1]
    otherwise = [[[each] for each in row]] * 3, [[row] * 3]
    for data in (row * 3, [row] * 3, *otherwise):
        said = httpx.post(f"{server.url}/v2/models/small/infer", json=request_of(data, [3, 5]))
        assert said.status_code == (400 if data in otherwise else 200), said.text


def test_an_accept_too_long_to_be_weighed_is_refused(server: Running) -> None:
    for count, status in ((70, 200), (100, 400), (5000, 400)):
        head = {"Accept": "text/a;q=0," * count + "*/*"}
        said = httpx.post(f"{server.url}/score", json=FIT, headers=head)
        assert said.status_code == status, said.text


ECHOED: dict[str, dict[str, Any]] = {
    "query": {"params": {"x" * 20_000: "1"}},
    "content type": {"headers": {"Content-Type": "x" * 20_000}},
    "content encoding": {"headers": {"Content-Encoding": "x" * 20_000}},
    "quality": {"headers": {"Accept": "a;q=" + "x" * 900}},
    "request id": {"headers": {"X-Request-Id": "x" * 20_000}},
    "idempotency key": {"headers": {"Idempotency-Key": "x" * 20_000}},
    "deadline": {"headers": {"X-Request-Timeout-Ms": "9" * 20_000}},
    "name": {"content": b'{"' + b"x" * 20_000 + b'":1}'},
    "text": {"content": b'"' + b"x" * 20_000 + b'"'},
    "literal": {"content": b"x" * 20_000},
}


ECHOED_STATUS = {"content type": 415, "content encoding": 415, "name": 422, "text": 422}


@pytest.mark.parametrize("case", ECHOED)
def test_no_refusal_gives_back_all_that_was_sent(server: Running, case: str) -> None:
    given: dict[str, Any] = {"json": FIT} | ECHOED[case]
    if "content" in given:
        del given["json"]
        given["headers"] = {"Content-Type": "application/json"}
    said = httpx.post(f"{server.url}/score", **given)
    assert said.status_code == ECHOED_STATUS.get(case, 400), said.text
    assert len(said.content) < 4000
    assert len(httpx.get(server.url + "/models/" + "x" * 20_000).content) < 4000
