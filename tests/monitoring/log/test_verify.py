"""Verify: one changed byte anywhere is found, and named by file and offset."""

import json
import random
from pathlib import Path

import pytest

from monitoring.__main__ import main
from monitoring.log.chain import BrokenChainError, Chain
from monitoring.log.segment import Segment
from tests.long.kill_compaction import contents
from tests.record_lines import BEGIN, chained, line, record, segment, stem_of

LINES = chained([line(record(i)) for i in range(20)], stem_of(BEGIN))


def verify(*arguments: str | Path) -> int:
    return main(["log", "verify", *map(str, arguments)])


def test_a_whole_chain_is_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    segment(tmp_path, LINES)
    assert verify(tmp_path) == 0
    head = json.loads(capsys.readouterr().out)
    assert head["records"] == 20
    assert head["head"] == json.loads(LINES[-1])["chain"]


@pytest.mark.parametrize("seed", range(40))
def test_one_changed_byte_is_found_in_its_line(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    data = bytearray(b"".join(LINES))
    position = draw.randrange(len(data) - 1)
    data[position] = draw.choice([b for b in range(48, 58) if b != data[position]])
    path = segment(tmp_path, [bytes(data)])
    begin = data.rfind(b"\n", 0, position) + 1
    source = Segment(path)
    chain = Chain(source)
    with pytest.raises(BrokenChainError, match=f"byte {begin}:"):  # noqa: PT012 - reads lines up to it
        for offset, text in source.lines():
            chain.follow(offset, text)


@pytest.mark.parametrize(
    ("changed", "byte"),
    [
        (LINES[:5] + LINES[6:], sum(map(len, LINES[:5]))),  # one taken out
        ([*LINES[:5], LINES[7], *LINES[5:]], sum(map(len, LINES[:5]))),  # one put in
        ([LINES[1], LINES[0], *LINES[2:]], 0),  # two exchanged
        ([*LINES[:5], line(record(5)), *LINES[6:]], sum(map(len, LINES[:5]))),  # one without chain
    ],
)
def test_lines_taken_out_put_in_or_exchanged_are_found(
    tmp_path: Path, changed: list[bytes], byte: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = segment(tmp_path, changed)
    assert verify(tmp_path) == 1
    assert f"{path}, byte {byte}:" in capsys.readouterr().err


def test_a_segment_under_another_name_is_found(tmp_path: Path) -> None:
    segment(tmp_path, LINES, host="elsewhere")
    assert verify(tmp_path) == 1


def test_lines_cut_off_the_end_and_files_gone_are_found_against_an_earlier_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = segment(tmp_path / "log", LINES[:10])
    verify(tmp_path / "log")
    (tmp_path / "heads").write_text(capsys.readouterr().out)
    path.write_bytes(b"".join(LINES))  # grown since: fine
    assert verify(tmp_path / "log", "--against", tmp_path / "heads") == 0
    path.write_bytes(b"".join(LINES[:9]))  # by itself a whole chain
    assert verify(tmp_path / "log") == 0
    assert verify(tmp_path / "log", "--against", tmp_path / "heads") == 1
    assert "9 lines, 10 earlier" in capsys.readouterr().err
    path.unlink()
    assert verify(tmp_path / "log", "--against", tmp_path / "heads") == 1
    assert "is missing now" in capsys.readouterr().err


def test_one_changed_byte_of_parquet_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its page's checksum where it could change a value, by the sha256 wherever it is."""
    segment(tmp_path / "log", LINES)
    main(["log", "compact", str(tmp_path / "log")])
    capsys.readouterr()
    assert verify(tmp_path / "log") == 0
    (tmp_path / "heads").write_text(capsys.readouterr().out)
    before = contents(tmp_path)
    [part] = tmp_path.rglob("*.parquet")
    whole = part.read_bytes()
    for position in range(4, len(whole) - 4, len(whole) // 50):
        part.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        assert verify(tmp_path / "log", "--against", tmp_path / "heads") == 1
        assert verify(tmp_path / "log") == 1 or contents(tmp_path) == before, position
