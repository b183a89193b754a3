"""A shipper delivers at least once: every reader counts a record once and says how many copies."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from monitoring.__main__ import main
from monitoring.log.batch import batches
from monitoring.log.once import key, keys
from monitoring.log.record import decode
from monitoring.log.segment import Segment
from monitoring.nightly import output
from tests.conftest import ROOT
from tests.drift_files import records, rows, scores, write_bundle
from tests.record_lines import BEGIN, line, record, segment

OTHERS = [
    record(0, kind="shadow"), record(0, index=1), record(0, version="02"), record(0, model="other"),
    record(0, BEGIN.replace(microsecond=7)), record(0, row=record(1)["row"]), record(0, row=None),
    record(0, row=None, row_hash="ab"), record(0, features={"LIMIT_BAL": 1}),
    record(0, request_id="request-0 "), record(0, request_id="\x1frequest-0", index=None),
    record(0, kind="refused", faults=[{"feature": "a", "wanted": "b"}], status=422),
    record(0, kind="refused", faults=[{"feature": "b", "wanted": "b"}], status=422),
    record(0, kind="refused", body="{", status=400), record(0, request_id="ä"),
]  # fmt: skip


def bucket(folder: Path, lines: list[bytes]) -> Path:
    """Lay lines out as deploy/shipping/vector.yaml does, every third object delivered again."""
    for number in range(0, len(lines), 50):
        some = lines[number : number + 50]
        again = [some, some[:7]] if number % 150 == 0 else [some]
        for times, delivered in enumerate(again):
            place = folder / f"host=h{number % 2}" / f"day=2026-11-2{3 + times}"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"score-17640{number:05}-{times}f0e9d8.jsonl").write_bytes(b"".join(delivered))
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 records and 84 copies: 28 delivered again in other objects, 56 twice in one."""
    folder = tmp_path_factory.mktemp("once")
    write_bundle(folder / "models" / "tiny" / "1", rows(2000, 0))
    lines = records(rows(600, 1))
    bucket(folder / "log", lines)
    [file] = (folder / "log").rglob("score-1764000000-0*")
    file.write_bytes(file.read_bytes() * 2 + b"".join(lines[:6]))
    return folder


def test_stats_counts_each_record_once(world: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Before, it counted all 684."""
    assert main(["log", "stats", str(world / "log"), "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["records"], found["doubled"]) == (600, 84)
    assert found["decisions"]["approve"] + found["decisions"]["refuse"] == 600


def test_cat_and_get_print_each_record_once(world: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["log", "cat", str(world / "log")]) == 0
    out, err = capfd.readouterr()
    assert len(out.splitlines()) == len(set(out.splitlines())) == 600
    assert err == "84 records are copies of others and were left out\n"
    assert main(["log", "get", "request-232142-3", str(world / "log")]) == 0
    out, err = capfd.readouterr()
    assert len(out.splitlines()) == 1
    assert err.startswith("3 records are copies")


@pytest.mark.parametrize("to", ["csv", "parquet"])
def test_an_export_holds_each_record_once(
    world: Path, to: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["log", "export", str(world / "log"), "--to", to, "--out", str(out)]) == 0
    assert capfd.readouterr().out.endswith("out: 600 records\n")
    if to == "csv":
        with out.open(newline="") as file:
            assert len({row["request_id"] for row in csv.DictReader(file)}) == 600


def test_drift_and_outcomes_count_each_record_once(world: Path, tmp_path: Path) -> None:
    frame = rows(600, 1)
    bad = (np.random.default_rng(3).random(600) < scores(frame)).astype(int)
    ids = [f"request-232142-{i}" for i in range(600)]
    outcomes = tmp_path / "outcomes.csv"
    pd.DataFrame({"request_id": ids, "outcome": bad}).to_csv(outcomes, index=False)
    given = ["--model", str(world / "models" / "tiny" / "1"), "--log", str(world / "log")]
    given += ["--out", str(tmp_path), "--no-report"]
    assert main(["drift", *given, "--labels", str(outcomes)]) in {0, 1}
    found = output.read(tmp_path)
    assert found.rows.current == 600
    assert found.rows.passed_over == {"copies of others": 84}
    judged = output.read_outcomes(tmp_path)
    assert (judged.scored, judged.labelled, judged.quality.bad) == (600, 600, int(bad.sum()))
    assert not [note for note in judged.notes if "share the request id" in note]


def test_replay_scores_each_record_once(
    world: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    given = ["--log", str(world / "log"), "--models", str(tmp_path), "--json"]
    assert main(["replay", *given]) == 1
    out, err = capfd.readouterr()
    assert json.loads(out)["records"] == 600
    assert "84 records are copies" in err


def test_compaction_writes_each_record_once_and_readers_stay_at_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Delivered again after the compaction: then the Parquet and a segment hold it."""
    lines = [line(record(i)) for i in range(100)]
    log = tmp_path / "log"
    segment(log, [*lines[:60], *lines[:5]])
    segment(log, lines[50:], host="other")
    assert main(["log", "compact", str(log)]) == 0
    assert "15 records are copies" in capfd.readouterr().err
    assert sum(pq.read_metadata(part).num_rows for part in log.rglob("*.parquet")) == 100
    segment(log, lines[:20], host="again")
    for _ in range(2):
        assert main(["log", "stats", str(log), "--json"]) == 0
        found = json.loads(capfd.readouterr().out)
        assert (found["records"], found["doubled"]) == (100, 20)
        assert main(["log", "compact", str(log)]) == 0
        capfd.readouterr()


def test_folders_compacted_in_one_run_stay_whole_each(tmp_path: Path) -> None:
    """A mirror is another log: what stands in the first must not be taken from the second."""
    places = [tmp_path / "a", tmp_path / "b"]
    for place in places:
        segment(place, [line(record(i)) for i in range(10)], host=place.name)
    assert main(["log", "compact", *map(str, places)]) == 0
    for place in places:
        assert sum(pq.read_metadata(part).num_rows for part in place.rglob("*.parquet")) == 10


def test_records_that_differ_in_anything_sent_are_all_counted(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    segment(tmp_path, map(line, [record(0), *OTHERS]))
    assert main(["log", "cat", str(tmp_path)]) == 0
    out, err = capfd.readouterr()
    assert len(out.splitlines()) == 1 + len(OTHERS)
    assert not err


def test_a_line_and_its_parquet_are_known_by_the_same(tmp_path: Path) -> None:
    sent: list[dict[str, Any]] = [record(0), *OTHERS, record(3, raw=[0.1, 0.2], flags=["range:x"])]
    lines = [line(each) for each in sent]
    [batch] = batches(Segment(segment(tmp_path, lines)))
    assert keys(batch) == [key(decode(each)) for each in lines]
    assert len(set(keys(batch))) == len(sent)


def test_what_was_seen_is_kept_in_bounded_memory() -> None:
    """A million and a half keys are 60 MB; the cache of their file is 32."""
    code = """
import resource
from monitoring.log.once import Once
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
once = Once()
once._enter([(0, bytes(16))])
before = peak()
for first in range(0, 1_500_000, 4096):
    once._enter([(i, i.to_bytes(16, "big")) for i in range(first, first + 4096)])
print(peak() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 45_000
