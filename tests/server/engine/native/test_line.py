"""The line of the log as C writes it: byte for byte the encoder's, or left to it."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.bundle.tag import ModelTag
from server.engine.native import line as native
from server.engine.native.powers import powers_of_five
from server.record import privacy
from server.record.line import Line, encode, timestamp
from server.record.line_writer import constant_parts
from tests.native_kernel import needs_kernel
from tests.server.engine.native.drawn import numbers

pytestmark = needs_kernel
NOW = 1_764_237_000_123_456_789
TAG = ModelTag('a "model"', "1.10", "f" * 64, None)
USUAL: dict[str, Any] = {
    "request_id": "0f3c", "index": 0, "raw": -1.25, "prediction": 0.2227, "decision": "approve",
    "latency_us": 57.19, "row": bytes(range(24)), "features": b'{"A":1}',
}  # fmt: skip


def at_once(now: int = NOW, **other: Any) -> bytes | None:
    lines = native.lines(*constant_parts(TAG, "score"))
    assert lines is not None
    said = USUAL | other
    sent = said["features"] or b""
    raw, prediction = np.array([said["raw"]]), np.array([said["prediction"]])
    return lines.write_block(
        now, said["request_id"], said["index"], said["latency_us"], sent, False,
        np.array([0, len(sent)]), said["row"], raw, prediction, bytes(1), (said["decision"],),
    )  # fmt: skip


def encoded(now: int = NOW, **other: Any) -> bytes:
    said = USUAL | other
    shown = privacy.everything(said["row"], said["features"])
    return encode(Line(
        "score", timestamp(now), said["request_id"], said["index"],
        TAG.name, TAG.version, TAG.sha256, TAG.policy, said["raw"],
        said["prediction"], said["decision"], (), int(said["latency_us"] * 10) / 10, *shown,
    ))  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=50), st.integers(1_000_000_000_000_000_000, 9_000_000_000_000_000_000),
       st.integers(0, 1_000_000), st.sampled_from(["approve", "refuse", "refer", None]),
       st.none() | st.dictionaries(st.text(), st.none() | st.floats() | st.text()))  # fmt: skip
def test_any_usual_line_is_the_encoders(
    row: bytes, now: int, index: int, decision: str | None, sent: dict[str, Any] | None
) -> None:
    """Rows of any length, times to the year 2255, what was sent with line breaks in it."""
    features = None
    if sent is not None:
        features = msgspec.json.format(msgspec.json.encode(sent), indent=1).replace(b"\n", b"\r\n")
    other = {"row": row, "index": index, "decision": decision, "features": features}
    assert at_once(now, **other) == encoded(now, **other)


def test_numbers_are_written_as_the_encoder_writes_them() -> None:
    left = 0
    for number in numbers():
        line = at_once(raw=number, prediction=-number)
        left += line is None
        assert line in {None, encoded(raw=number, prediction=-number)}
    assert left < 25_000  # of 100,000: those beyond the powers of ten there are


@pytest.mark.parametrize(
    "other",
    [{"request_id": 'a"b'}, {"request_id": "a\\b"}, {"request_id": "é"}, {"request_id": "\x7f"},
     {"decision": '"'}, {"raw": float("nan")}, {"raw": float("inf")},
     {"prediction": float("-inf")}, {"raw": 1e-300}, {"latency_us": float("nan")}],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_the_encoder(other: dict[str, Any]) -> None:
    assert at_once(**other) is None


@pytest.mark.parametrize(
    "other", [{"request_id": b"0f3c"}, {"row": "text"}, {"row": None}, {"index": 1 << 70},
              {"index": "0"}, {"request_id": "\ud800"}, {"latency_us": "3"}],
)  # fmt: skip
def test_what_is_no_line_is_an_error(other: dict[str, Any]) -> None:
    with pytest.raises((TypeError, OverflowError, UnicodeEncodeError)):
        at_once(**other)


@pytest.mark.parametrize(
    ("given", "error"),
    [((b"", b"", b"short"), ValueError), ((b"", "", powers_of_five()), TypeError),
     ((b"", b"", powers_of_five().ravel()[1:]), ValueError)],
)  # fmt: skip
def test_a_writer_wants_its_parts(given: Any, error: type[Exception]) -> None:
    assert native.Line is not None
    with pytest.raises(error):
        native.Line(*given)


def block(**other: Any) -> bytes | None:
    """Return the lines of three applicants that stand in an array."""
    body = b'[{"A":1}, {"A":\n2},{"A":null}]'
    usual: dict[str, Any] = {
        "nanoseconds": NOW, "request_id": "0f3c", "first": 7, "latency_us": 57.19, "body": body,
        "is_packed": False, "spans": np.array([[1, 8], [10, 18], [19, 29]]),
        "rows": np.arange(6.0).reshape(3, 2), "raw": np.array([-1.25, 0.5, 1e-3]),
        "predictions": np.array([0.25, 0.5, 0.75]), "decided": np.array([0, 2, 0], np.int8),
        "decisions": ("approve", "refer", None),
    }  # fmt: skip
    lines = native.lines(*constant_parts(TAG, "score"))
    assert lines is not None
    return lines.write_block(*(usual | other).values())


def test_the_lines_of_a_block_are_those_of_each() -> None:
    rows = np.arange(6.0).reshape(3, 2)
    sent = (b'{"A":1}', b'{"A":\n2}', b'{"A":null}')
    one_by_one = [
        encoded(index=7 + i, raw=raw, prediction=found, decision=decision, row=rows[i].tobytes(),
                features=sent[i])
        for i, (raw, found, decision) in enumerate(
            [(-1.25, 0.25, "approve"), (0.5, 0.5, None), (1e-3, 0.75, "approve")])
    ]  # fmt: skip
    assert block() == b"".join(one_by_one)


def test_what_was_sent_as_messagepack_is_recorded_as_json() -> None:
    found = [{"A": 1}, {"A": -2.5, "b": None}, {"A": "x" * 40}]
    packed = [msgspec.msgpack.encode(each) for each in found]
    ends = np.cumsum([1, *map(len, packed)])
    spans = np.stack([ends[:-1], ends[1:]], axis=1)
    lines = block(body=b"\x93" + b"".join(packed), is_packed=True, spans=spans)
    assert lines is not None
    assert [msgspec.json.decode(line)["features"] for line in lines.splitlines()] == found


@pytest.mark.parametrize(
    "other", [{"raw": np.array([0.5, np.nan, 0.5])}, {"request_id": "é"},
              {"predictions": np.array([0.5, 0.5, 1e-300])}, {"decisions": ('"', "b", "c")},
              {"decisions": ("a" * 17, "b", "c")}, {"is_packed": True}],
)  # fmt: skip
def test_lines_of_which_one_is_not_plain_are_left(other: dict[str, Any]) -> None:
    assert block(**other) is None


@pytest.mark.parametrize(
    ("other", "error"),
    [({"spans": np.array([[1, 8], [10, 18], [19, 31]])}, ValueError),
     ({"spans": np.array([[1, 8], [7, 18], [19, 29]])}, ValueError),
     ({"spans": np.array([[-1, 8], [10, 18], [19, 29]])}, ValueError),
     ({"spans": np.array([[1, 8], [18, 10], [19, 29]])}, ValueError),
     ({"spans": np.array([[1, 8], [10, 18]])}, ValueError), ({"rows": np.zeros(5)[:4]}, ValueError),
     ({"raw": np.zeros(2)}, ValueError), ({"predictions": np.zeros(4)}, ValueError),
     ({"decided": np.zeros(2, np.int8)}, ValueError), ({"nanoseconds": -1}, ValueError),
     ({"first": -1}, ValueError), ({"raw": np.zeros(0)}, ValueError),
     ({"decided": np.array([0, 3, 0], np.int8)}, IndexError),
     ({"decided": np.array([0, -1, 0], np.int8)}, IndexError),
     ({"decisions": ["approve"]}, TypeError), ({"decisions": (b"approve",) * 3}, TypeError),
     ({"body": "text"}, TypeError), ({"request_id": None}, TypeError)],
)  # fmt: skip
def test_a_block_that_does_not_fit_is_an_error(
    other: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        block(**other)


def test_each_line_of_a_block_may_have_a_request_id_of_its_own() -> None:
    """Then all have the index that is given, as requests of one applicant have 0."""
    ids = ["a", "b" * 128, "0f3c"]
    one_id = block(first=0)
    assert one_id is not None
    wanted = [
        line.replace(b'"request_id":"0f3c","index":%d' % i, b'"request_id":"%b","index":0' % name)
        for i, (name, line) in enumerate(
            zip(map(str.encode, ids), one_id.splitlines(True), strict=True)
        )
    ]
    assert block(request_id=ids, first=0) == b"".join(wanted)


def test_request_ids_that_are_not_plain_are_left() -> None:
    assert block(request_id=["a", "é", "c"]) is None
    assert block(request_id=["a", 'b"', "c"]) is None
    assert block(request_id=["a", "b" * 129, "c"]) is None


@pytest.mark.parametrize(
    ("ids", "error"), [(["a", "b"], ValueError), ([], ValueError), (["a", None, "c"], TypeError),
                       (("a", "b", "c"), TypeError), (["a", "b", "\ud800"], UnicodeEncodeError)],
)  # fmt: skip
def test_request_ids_that_do_not_fit_are_an_error(ids: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        block(request_id=ids)
