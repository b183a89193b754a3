"""Segments: whole lines are read, one torn last line is counted, any other damage is refused."""

import fcntl
from pathlib import Path

import pytest

from monitoring.log.batch import batches, rows_matrix, to_lines
from monitoring.log.record import DamagedLogError, decode
from monitoring.log.segment import Segment
from monitoring.log.sources import find
from tests.record_lines import line, record, segment


def test_every_whole_line_is_read_and_a_torn_last_one_is_counted(tmp_path: Path) -> None:
    lines = [line(record(i)) for i in range(3)]
    source = Segment(segment(tmp_path, [*lines, lines[0][:100]]))
    assert [text for text, _ in source.decoded(decode)] == lines
    assert source.torn == 100


@pytest.mark.parametrize("cut", [1, 57, -2])
def test_a_torn_line_that_is_not_the_last_is_damage_named_by_file_and_offset(
    tmp_path: Path, cut: int
) -> None:
    first, second = line(record(0)), line(record(1))
    path = segment(tmp_path, [first, second[:cut], b"\n", first])
    with pytest.raises(DamagedLogError, match=rf"{path}, byte {len(first)}: not a record"):
        list(batches(Segment(path)))


@pytest.mark.parametrize(
    "damage", [b"\x00" * 50 + b"\n", b"\xff\n", b"[]\n", b'{"v":1}\n', b"\n", b'"\xff"\n']
)
def test_a_whole_line_that_is_no_record_is_damage(tmp_path: Path, damage: bytes) -> None:
    path = segment(tmp_path, [line(record(0)), damage])
    with pytest.raises(DamagedLogError, match=r"not a record|not UTF-8"):
        list(batches(Segment(path)))


def test_a_time_that_is_none_is_damage(tmp_path: Path) -> None:
    path = segment(tmp_path, [line(record(0) | {"time": "yesterday"})])
    with pytest.raises(DamagedLogError, match="not a time"):
        list(batches(Segment(path)))


def test_a_record_goes_into_columns_and_back_without_losing_a_bit(tmp_path: Path) -> None:
    lines = [
        line(record(0)),
        line(record(1, raw=[0.1, 0.2], prediction=[0.4, 0.6], decision=None, policy=None)),
        line(record(2, kind="shadow", flags=["range:x"], from_the_future={"a": [1]})),
        line({"v": 1, "kind": "refused", "time": record(3)["time"], "request_id": "r",
              "status": 422, "faults": [{"feature": "SEX", "wanted": "1 or 2", "got": "3"}]}),
    ]  # fmt: skip
    [batch] = batches(Segment(segment(tmp_path, lines)))
    again = list(to_lines(batch))
    absent = b',"policy":null', b',"decision":null'
    wanted = [text.replace(absent[0], b"").replace(absent[1], b"") for text in lines]
    assert again == wanted


def test_the_row_keeps_every_bit(tmp_path: Path) -> None:
    [batch] = batches(Segment(segment(tmp_path, [line(record(i)) for i in range(2)])))
    rows = rows_matrix(batch)
    assert rows.tobytes() == b"".join(batch["row"].to_pylist())
    assert str(rows.tolist()) == "[[0.0, nan, -0.0, 5e-324], [1.0, nan, -0.0, 5e-324]]"


def test_a_segment_is_closed_when_no_process_holds_its_lock(tmp_path: Path) -> None:
    source = Segment(segment(tmp_path, []))
    assert source.is_closed()
    with source.path.open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        assert not source.is_closed()
    assert source.is_closed()


def test_a_segment_copied_into_two_folders_is_read_once_and_the_longer_wins(
    tmp_path: Path,
) -> None:
    segment(tmp_path / "a", [line(record(0))])
    longer = segment(tmp_path / "b", [line(record(0)), line(record(1))])
    assert [source.path for source in find([tmp_path / "a", tmp_path / "b", tmp_path])] == [longer]
