"""Erasure: a request is gone from segments and Parquet, and the rest stays as it was."""

import fcntl
import json
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from monitoring.__main__ import main
from monitoring.log.erase import blank
from monitoring.log.segment import PATTERN
from monitoring.log.sources import find
from tests.conftest import Serve, Trained, applicants
from tests.long.kill_compaction import contents
from tests.record_lines import BEGIN, DAY, chained, line, record, segment, stem_of


def everything_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def erase(*arguments: str | Path) -> int:
    return main(["log", "erase", *map(str, arguments)])


def test_a_request_is_gone_from_a_segment_a_server_still_writes(tmp_path: Path) -> None:
    lines = [line(record(i)) for i in range(3)]
    path = segment(tmp_path, lines)
    with path.open("ab", buffering=0) as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        assert erase("--request-id", "request-1", tmp_path) == 0
        writer.write(line(record(3)))
    assert sum(contents(tmp_path).values()) == 3
    assert b"request-1" not in everything_below(tmp_path)
    first, blanked, *rest = path.read_bytes().splitlines(keepends=True)
    assert [first, *rest] == [lines[0], lines[2], line(record(3))]
    assert len(blanked) == len(lines[1])
    assert json.loads(blanked)["kind"] == "erased"


def test_a_request_is_gone_from_parquet_and_only_it(tmp_path: Path) -> None:
    segment(tmp_path, [line(record(i, BEGIN + i % 2 * DAY)) for i in range(10)])
    assert main(["log", "compact", str(tmp_path)]) == 0
    before = contents(tmp_path)
    assert erase("--request-id", "request-4", tmp_path) == 0
    gone = before - contents(tmp_path)
    assert [json.loads(text)["request_id"] for text in gone] == ["request-4"]
    assert sum(contents(tmp_path).values()) == 9


def test_the_only_record_of_a_part_takes_the_part_with_it(tmp_path: Path) -> None:
    segment(tmp_path, [line(record(0))])
    assert main(["log", "compact", str(tmp_path)]) == 0
    assert erase("--request-id", "request-0", tmp_path) == 0
    assert find([tmp_path]) == []


def test_retention_deletes_whole_files_and_blanks_the_rest(tmp_path: Path) -> None:
    segment(tmp_path, [line(record(i, BEGIN - i * DAY)) for i in range(4)])
    segment(tmp_path, [line(record(9, BEGIN - 9 * DAY))], host="old")
    assert erase("--before", (BEGIN - DAY).isoformat(), tmp_path) == 0
    assert sum(contents(tmp_path).values()) == 2
    assert len(list(tmp_path.glob(PATTERN))) == 1


def test_retention_on_parquet_keeps_what_is_younger_on_the_same_day(tmp_path: Path) -> None:
    hours = [timedelta(hours=h) for h in (0, 1, -24)]
    segment(tmp_path, [line(record(i, BEGIN + hour)) for i, hour in enumerate(hours)])
    assert main(["log", "compact", str(tmp_path)]) == 0
    assert erase("--before", "2026-11-23T22:00:00+00:00", tmp_path) == 0
    assert [json.loads(text)["request_id"] for text in contents(tmp_path)] == ["request-1"]


def test_a_dry_run_counts_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    segment(tmp_path, [line(record(i)) for i in range(3)])
    before = everything_below(tmp_path)
    assert erase("--before", "2030-01-01", "--dry-run", tmp_path) == 0
    assert "would erase 3 records: 3 in segments, 0 in Parquet" in capsys.readouterr().out
    assert everything_below(tmp_path) == before


def test_what_an_interrupted_compaction_left_is_erased_too(tmp_path: Path) -> None:
    path = segment(tmp_path, [line(record(0)), line(record(1))])
    text = path.read_bytes()
    assert main(["log", "compact", str(tmp_path)]) == 0
    path.write_bytes(text)  # killed before the segment was deleted
    [part] = (tmp_path / "parquet").rglob("*.parquet")
    half_written = part.with_name(f".{part.name}.tmp")
    half_written.write_bytes(b"request-1")
    assert erase("--request-id", "request-1", tmp_path) == 0
    assert not half_written.exists()
    path.unlink()
    assert [json.loads(text)["request_id"] for text in contents(tmp_path)] == ["request-0"]


def test_an_erasure_killed_in_mid_write_is_finished_by_the_next(tmp_path: Path) -> None:
    path = segment(tmp_path, [line(record(0)), line(record(1))])
    whole = line(record(0))
    path.write_bytes(blank(whole)[:80] + whole[80:] + line(record(1)))
    assert sum(contents(tmp_path).values()) == 1
    erase("--request-id", "somebody else", tmp_path)
    assert b"LIMIT_BAL" not in path.read_bytes().splitlines()[0]
    torn = b'{"v":1,"kind":"erased","time":"\xbc'
    path.write_bytes(torn + whole[len(torn) :] + line(record(1)))
    erase("--request-id", "somebody else", tmp_path)
    assert b"LIMIT_BAL" not in path.read_bytes().splitlines()[0]


def test_the_chain_holds_after_an_erasure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    segment(tmp_path, chained([line(record(i)) for i in range(5)], stem_of(BEGIN)))
    assert erase("--request-id", "request-2", tmp_path) == 0
    assert main(["log", "verify", str(tmp_path)]) == 0
    assert '"records":4,"erased":1,"chained":true' in capsys.readouterr().out


def test_nothing_found_is_exit_code_1(tmp_path: Path) -> None:
    segment(tmp_path, [line(record(0))])
    assert erase("--request-id", "request-00", tmp_path) == 1


def test_the_answer_a_server_stored_for_a_key_is_gone_while_it_runs_on(
    bundle: Path, serve: Serve, trained: Trained, tmp_path: Path
) -> None:
    """From the file and its write-ahead log; other answers stay, and the key may be used again."""
    [applicant] = applicants(trained.held_out[:1])
    with serve(bundle, tmp_path) as server, httpx.Client(base_url=server.url) as client:

        def post(key: str, request_id: str) -> httpx.Response:
            head = {"Idempotency-Key": key, "X-Request-Id": request_id}
            return client.post("/score", json=applicant, headers=head)

        post("order-17", "doomed-request")
        kept = post("order-18", "kept-request")
        assert b"doomed-request" in everything_below(tmp_path)
        assert erase("--request-id", "doomed-request", tmp_path) == 0
        (tmp_path / "stdout").unlink()  # the access log, which is not the prediction log
        left = everything_below(tmp_path)
        assert b"doomed-request" not in left
        assert b"order-17" not in left
        assert post("order-18", "other-request").content == kept.content
        assert post("order-17", "new-request").json()["request_id"] == "new-request"


def test_retention_deletes_stored_answers_too(
    bundle: Path, serve: Serve, trained: Trained, tmp_path: Path
) -> None:
    [applicant] = applicants(trained.held_out[:1])
    with serve(bundle, tmp_path) as server:
        head = {"Idempotency-Key": "order-17"}
        httpx.post(f"{server.url}/score", json=applicant, headers=head)
    assert erase("--before", "2026-01-01", tmp_path) == 1
    assert b"order-17" in everything_below(tmp_path)
    assert erase("--before", "9000-01-01", tmp_path) == 0
    assert b"order-17" not in everything_below(tmp_path)


def test_stored_answers_expire_though_no_request_with_a_key_comes_after_a_restart(
    bundle: Path, serve: Serve, trained: Trained, tmp_path: Path
) -> None:
    [applicant] = applicants(trained.held_out[:1])
    with serve(bundle, tmp_path) as server:
        head = {"Idempotency-Key": "order-17"}
        httpx.post(f"{server.url}/score", json=applicant, headers=head)
    with (
        serve(bundle, tmp_path, "--idempotency-seconds", "0.01"),
        closing(sqlite3.connect(tmp_path / "idempotency.sqlite3")) as store,
    ):
        give_up = time.monotonic() + 30
        while store.execute("select count(*) from answer").fetchone()[0]:
            assert time.monotonic() < give_up
            time.sleep(0.05)


def test_an_id_of_any_signs_is_found_and_erased(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A quote or a backslash in an id is written escaped."""
    name = 'a"b\\c'
    segment(tmp_path, [line(record(0, request_id=name)), line(record(1))])
    assert main(["log", "get", name, str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["request_id"] == name
    assert erase("--request-id", name, tmp_path) == 0
    assert sum(contents(tmp_path).values()) == 1
    assert main(["log", "get", name, str(tmp_path)]) == 1
