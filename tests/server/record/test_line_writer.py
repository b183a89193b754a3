"""Which way the line of an applicant is written, and that it is one line whichever way."""

import json
import tracemalloc
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from server.bundle.tag import ModelTag
from server.engine.native import line as native
from server.record import line_writer, privacy
from server.record.line_writer import LineWriter
from server.scoring.outcome import Outcome
from tests.native_kernel import needs_kernel

TAG = ModelTag("m", "1", "0" * 64, "7")
SCORED: dict[str, Any] = {
    "request_id": "r", "index": 0, "raw": 0.5, "prediction": 0.25, "decision": "refer",
    "flags": (), "latency_us": 1.0, "row": bytes(8), "features": b'{"A":\n1}',
}  # fmt: skip


def write(writer: LineWriter, **other: Any) -> bytes:
    given = SCORED | other
    said = Outcome(**{name: given.pop(name) for name in Outcome.__struct_fields__ if name in given})
    return writer.write(said=said, **given)


def written(writer: LineWriter, **other: Any) -> dict[str, Any]:
    line = write(writer, **other)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    record: dict[str, Any] = json.loads(line)
    return record


@pytest.mark.parametrize("built", [True, False])
@pytest.mark.parametrize(
    "other",
    [{}, {"flags": ("range:A",)}, {"raw": [0.5, 1.5], "prediction": [0.25, 0.75]},
     {"request_id": 'a "quoted" é'}, {"decision": None}, {"features": None}, {"raw": 1e-300}],
)  # fmt: skip
def test_a_line_says_what_was_scored(
    other: dict[str, Any], built: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not built:
        monkeypatch.setattr(native, "Line", None)
    record = written(LineWriter(TAG, "shadow", privacy.everything), **other)
    wanted = SCORED | other
    assert record["kind"] == "shadow"
    assert [record[key] for key in ("model", "version", "policy")] == ["m", "1", "7"]
    for key in ("request_id", "index", "raw", "prediction", "decision", "latency_us"):
        assert record[key] == wanted[key]
    assert record["flags"] == list(wanted["flags"])
    assert record.get("features") == (wanted["features"] and {"A": 1})


@pytest.mark.parametrize("flags", [(), ("range:A",)])
@pytest.mark.parametrize("value", [1.5, 'a"b', 1e-300, 2**60, None, True])
def test_what_was_sent_as_messagepack_is_recorded_as_json(
    value: Any, flags: tuple[str, ...]
) -> None:
    writer, sent = LineWriter(TAG, "score", privacy.everything), {"A": value}
    record = written(writer, flags=flags, features=msgspec.msgpack.encode(sent), is_packed=True)
    assert record["features"] == sent


@needs_kernel
def test_the_usual_line_is_written_in_c(monkeypatch: pytest.MonkeyPatch) -> None:
    writer = LineWriter(TAG, "score", privacy.everything)
    monkeypatch.setattr(line_writer, "encode", None)
    assert written(writer)["raw"] == 0.5
    with pytest.raises(TypeError):
        write(writer, flags=("range:A",))


@pytest.mark.parametrize("flags", [(), ("range:A",)])
def test_lines_leave_nothing_behind(flags: tuple[str, ...]) -> None:
    """Written in C and the long way: a byte a line would be a gigabyte a year."""
    writer = LineWriter(TAG, "score", privacy.everything)
    tracemalloc.start()
    try:
        held = []
        for _ in range(3):
            for _ in range(5_000):
                write(writer, flags=flags)
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert held[2] - held[1] < 5_000


@pytest.mark.parametrize("values", [privacy.nothing, privacy.hashed(bytes(16))])
def test_values_that_are_not_to_be_recorded_are_not(values: privacy.Values) -> None:
    record = written(LineWriter(TAG, "score", values))
    assert not {"row", "features"} & record.keys()


def test_lines_that_come_out_otherwise_in_c_are_written_the_long_way(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    twisted = SimpleNamespace(write_block=lambda *scored: b"{}\n")
    monkeypatch.setattr(native, "lines", lambda *parts: twisted)
    assert written(LineWriter(TAG, "score", privacy.everything))["request_id"] == "r"
    assert "written the long way" in caplog.text
