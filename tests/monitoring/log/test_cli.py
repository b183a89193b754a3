"""The verbs a person types: what they print, follow and find."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from monitoring.__main__ import main
from monitoring.log.cli import VERBS
from tests.record_lines import BEGIN, DAY, line, record, segment

LINES = [line(record(i, BEGIN + i // 5 * DAY, latency_us=float(i + 1))) for i in range(10)]


def run(*arguments: str | Path) -> int:
    return main(["log", *map(str, arguments)])


@pytest.mark.parametrize("verb", [module.__name__.rpartition(".")[2] for module in VERBS])
def test_help_of_every_verb_teaches_by_an_example(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        run(verb, "--help")
    assert left.value.code == 0
    assert f"python -m monitoring log {verb} " in capsys.readouterr().out


def test_cat_prints_the_lines_as_they_are(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    segment(tmp_path / "a", LINES[:5])
    segment(tmp_path / "b", LINES[5:], host="second")
    assert run("cat", tmp_path / "a", tmp_path / "b") == 0
    assert capfdbinary.readouterr().out == b"".join(LINES)


@pytest.mark.parametrize("parquet", [False, True])
def test_cat_keeps_to_the_window(
    tmp_path: Path, parquet: bool, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    segment(tmp_path, LINES)
    if parquet:
        run("compact", tmp_path)
        capfdbinary.readouterr()
    run("cat", tmp_path, "--since", "2026-11-24", "--until", "2026-11-25")
    assert capfdbinary.readouterr().out == b"".join(LINES[5:])


def test_a_window_that_is_no_time_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("cat", tmp_path, "--since", "tuesday") == 2
    assert "wanted a day or time such as" in capsys.readouterr().err


@pytest.mark.parametrize("parquet", [False, True])
def test_get_finds_a_request_and_only_it(
    tmp_path: Path, parquet: bool, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    segment(tmp_path, [*LINES, line(record(3, index=1)), line(record(4, note="request-3"))])
    if parquet:
        run("compact", tmp_path)
        capfdbinary.readouterr()
    assert run("get", "request-3", tmp_path) == 0
    found = [json.loads(text) for text in capfdbinary.readouterr().out.splitlines()]
    assert [(r["request_id"], r["index"]) for r in found] == [("request-3", 0), ("request-3", 1)]
    assert run("get", "request", tmp_path) == 1
    assert b"no record of request 'request'" in capfdbinary.readouterr().err


def test_ls_names_every_file_and_its_state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    segment(tmp_path, LINES)
    run("compact", tmp_path)
    segment(tmp_path, LINES, host="second")
    capsys.readouterr()
    assert run("ls", tmp_path, "--json") == 0
    found = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert sorted(entry["state"] for entry in found) == ["closed", "parquet", "parquet"]


def test_stats_counts_per_model_version(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = (
        line(record(i, version="2", decision="refuse", flags=["range:x"], kind="shadow"))
        for i in range(2)
    )
    segment(tmp_path, [*LINES, one, other])
    assert run("stats", tmp_path, "--json") == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["version"], first["records"], first["decisions"]) == ("01", 10, {"approve": 10})
    assert (first["first"][:10], first["last"][:10]) == ("2026-11-23", "2026-11-24")
    assert first["latency_us"] == pytest.approx({"p50": 5.5, "p99": 10}, rel=0.01)
    assert (second["kinds"], second["flags"]) == ({"shadow": 2}, {"range:x": 2})


def test_tail_prints_the_last_records(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    segment(tmp_path, [*LINES, b"torn"])
    assert run("tail", "-n", "3", tmp_path) == 0
    assert capfdbinary.readouterr().out == b"".join(LINES[-3:])


def test_tail_follows_every_server_a_new_one_too(tmp_path: Path) -> None:
    """Torn lines are held back until they are whole."""
    path = segment(tmp_path, LINES[:2])
    command = [sys.executable, "-m", "monitoring", "log", "tail", "-n", "1", "-f", "--interval"]
    with subprocess.Popen([*command, "0.05", str(tmp_path)], stdout=subprocess.PIPE) as process:
        guard = threading.Timer(30, process.kill)
        guard.start()
        out = process.stdout
        assert out is not None
        assert out.readline() == LINES[1]
        with path.open("ab", buffering=0) as writer:
            writer.write(LINES[2][:50])
            segment(tmp_path, [LINES[3]], host="second")
            assert out.readline() == LINES[3]
            writer.write(LINES[2][50:])
            assert out.readline() == LINES[2]
        process.kill()
        guard.cancel()


def test_a_reader_that_stops_early_is_no_error(tmp_path: Path) -> None:
    lines = [line(record(i)) for i in range(20_000)]
    segment(tmp_path, lines)
    command = f"{sys.executable} -m monitoring log cat {tmp_path} | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, check=False)
    assert (done.stdout, done.stderr) == (lines[0], b"")


@pytest.mark.parametrize("verb", ["cat", "stats", "verify", "ls", "compact"])
def test_a_file_of_another_name_is_refused_and_not_read_as_an_empty_log(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "copy.jsonl"
    segment(tmp_path / "log", [line(record(0))]).rename(other)
    assert main(["log", verb, str(other)]) == 2
    assert f"{other}: wanted a folder, score-*.jsonl" in capsys.readouterr().err
    assert other.exists()


def test_a_record_of_a_meaning_not_known_here_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    segment(tmp_path, [line(record(0)), line(record(1, v=2))])
    assert main(["log", "stats", str(tmp_path)]) == 2
    assert "not a record" in capsys.readouterr().err


def test_an_empty_log_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("stats", "verify"):
        assert main(["log", verb, str(tmp_path)]) == 0
        assert capsys.readouterr().err.startswith("no ")


def test_one_segment_alone_can_be_compacted(tmp_path: Path) -> None:
    one, other = (segment(tmp_path, [line(record(i))], host=f"h{i}") for i in range(2))
    assert main(["log", "compact", str(one)]) == 0
    assert not one.exists()
    assert other.exists()


@pytest.mark.parametrize("name", ["copy-of-score.jsonl", "score-1.jsonl.gz", "rows.parquet"])
def test_a_folder_of_files_of_other_names_is_no_empty_log(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    segment(tmp_path / "log", [line(record(0))]).rename(tmp_path / "log" / name)
    assert main(["log", "stats", str(tmp_path / "log")]) == 2
    assert f"1 files with other names, such as {name};" in capsys.readouterr().err
