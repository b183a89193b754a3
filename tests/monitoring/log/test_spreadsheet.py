"""A CSV of the log holds no cell that a spreadsheet would run, and reads back exactly."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from monitoring.__main__ import main
from monitoring.log.spreadsheet import guarded
from tests.conftest import ROOT, Trained
from tests.record_lines import line, record, segment

RUN = [
    "=1+1", "+1+1", "-1+1", "@SUM(1)", " =1+1", "\t=1+1", "\r\n=1", "＝1", "－1+1", "=", "-x",
    "+A/b==", "- none -", "@", "-1.5.2", "+49 30 1234", "'quoted",
]  # fmt: skip
LEFT = [
    "", "a", "1", "-1", "+1", "-1.5", "-1e-5", "-.5", "+inf", "-Infinity", "a=b", "a-b",
    "{\"=\":1}", "request-1", "0f3c", "Höhe", "1'",
]  # fmt: skip


@pytest.mark.parametrize("text", RUN)
def test_what_a_spreadsheet_would_run_begins_with_an_apostrophe(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", LEFT)
def test_numbers_and_plain_texts_are_left_alone(text: str) -> None:
    assert guarded(text) == text


@pytest.mark.parametrize("text", [*RUN, *LEFT, *map(guarded, RUN)])
def test_the_way_back_is_exact(text: str) -> None:
    assert guarded(text).removeprefix("'") == text


def test_an_export_guards_every_text_and_reads_back_exactly(tmp_path: Path) -> None:
    sent = [
        record(i, request_id=text, decision=text, flags=[text], raw=-float(i), body=text)
        for i, text in enumerate(RUN)
    ]
    segment(tmp_path, map(line, sent))
    out = tmp_path / "out.csv"
    assert main(["log", "export", str(tmp_path), "--to", "csv", "--out", str(out)]) == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, was in zip(rows, sent, strict=True):
        assert all(guarded(cell.removeprefix("'")) == cell for cell in row.values())
        for name in ("request_id", "decision", "body"):
            assert row[name].startswith("'")
            assert row[name].removeprefix("'") == was[name]
        assert json.loads(row["flags"].removeprefix("'")) == was["flags"]
        assert float(row["raw"]) == was["raw"]


def test_the_two_copies_are_the_same() -> None:
    copies = {
        (ROOT / folder / "spreadsheet.py").read_bytes()
        for folder in ("monitoring/log", "server/offline")
    }
    assert len(copies) == 1


def test_scored_rows_are_guarded_too(bundle: Path, trained: Trained, tmp_path: Path) -> None:
    """The columns beside the features are the user's own; numbers and scores stay as they are."""
    rows = trained.held_out[: len(RUN)].assign(note=RUN)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    command = [sys.executable, "-m", "server", "score", "--model", str(bundle)]
    given = [str(tmp_path / "rows.csv"), "-o", str(tmp_path / "out.csv")]
    subprocess.run([*command, *given], cwd=ROOT, check=True, capture_output=True)
    with (tmp_path / "out.csv").open(newline="") as file:
        scored = list(csv.DictReader(file))
    assert [row["note"].removeprefix("'") for row in scored] == RUN
    assert all(row["note"].startswith("'") for row in scored)
    raw = np.array([float(row["raw_score"]) for row in scored])
    assert raw.tobytes() == trained.raw(trained.held_out[: len(RUN)]).tobytes()
