"""`python -m monitoring drift`: the verdict, its exit code and a clear line for what is wrong."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from monitoring.__main__ import main
from tests.conftest import ROOT
from tests.drift_files import LABELS, records, rows, write_bundle, write_log
from tests.record_lines import BEGIN, segment


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("models") / "tiny" / "1", rows(4000, 0))


Judge = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def judge(model: Path, tmp_path: Path) -> Judge:
    """Run drift over a log and return (exit code, drift.json)."""

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        out = tmp_path / "out"
        given = ["--model", str(model), "--out", str(out), "--no-report", *arguments]
        code = main(["drift", *given])
        document = out / "drift.json"
        return code, json.loads(document.read_bytes()) if document.exists() else {}

    return run


def test_rows_like_the_reference_are_stable(judge: Judge, tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", rows(3000, 1))
    code, drift = judge("--log", str(log))
    assert (code, drift["status"], drift["level"]) == (0, "stable", "none")
    assert drift["rows"]["current"] == 3000
    assert not any(column["drifted"] for column in drift["columns"])


def test_a_shifted_column_turns_the_verdict_and_is_named_first(
    judge: Judge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shifted = rows(3000, 1).assign(INCOME=lambda t: t["INCOME"] * 3)
    code, drift = judge("--log", str(write_log(tmp_path / "log", shifted)))
    assert (code, drift["status"]) == (1, "drift")
    assert [c["name"] for c in drift["columns"] if c["drifted"]] == ["INCOME"]
    assert drift["columns"][0]["name"] == "INCOME"
    assert "INCOME" in capsys.readouterr().out.split("columns drifted")[1]


def test_a_misspelt_column_is_named_beside_the_one_that_is_absent(
    judge: Judge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows(3000, 1).rename(columns={"INCOME": "incmoe"}).to_csv(tmp_path / "rows.csv")
    code, _ = judge("--current", str(tmp_path / "rows.csv"))
    assert code == 1
    assert "missing in the current rows: is it incmoe there?" in capsys.readouterr().out


def test_replicas_and_parquet_are_one_log(judge: Judge, tmp_path: Path) -> None:
    """Two folders, one of them compacted: every row once."""
    for i, name in enumerate(("a", "b")):
        write_log(tmp_path / name, rows(500, i), BEGIN + timedelta(hours=i))
    assert main(["log", "compact", str(tmp_path / "a")]) == 0
    code, drift = judge("--log", str(tmp_path / "a"), str(tmp_path / "b"))
    assert (code, drift["rows"]["current"]) == (0, 1000)


def test_an_empty_log_cannot_tell(judge: Judge, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    code, drift = judge("--log", str(tmp_path / "log"))
    assert (code, drift["status"]) == (2, "unknown")
    assert "got 0" in drift["reasons"][0]


def test_one_row_cannot_tell(judge: Judge, tmp_path: Path) -> None:
    code, drift = judge("--log", str(write_log(tmp_path / "log", rows(1, 1))))
    assert (code, drift["status"]) == (2, "unknown")
    assert "got 1" in drift["reasons"][0]


def test_a_column_without_any_value_is_drift(judge: Judge, tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", rows(500, 1).assign(INCOME=np.nan))
    code, drift = judge("--log", str(log))
    assert (code, drift["columns"][0]["name"]) == (1, "INCOME")
    assert "no value at all" in drift["columns"][0]["reasons"]


def test_a_constant_column_that_changes_its_value_is_drift(tmp_path: Path) -> None:
    """A histogram of one bin cannot see it; the range can."""
    before, now = tmp_path / "before.csv", tmp_path / "now.csv"
    for path, value in ((before, 5.0), (now, 6.0)):
        pd.DataFrame({"x": [value] * 1000, "y": np.arange(1000.0)}).to_csv(path, index=False)
    assert main(["drift", "--reference", str(before), "--current", str(before)]) == 0
    out = tmp_path / "out"
    given = ["--reference", str(before), "--current", str(now), "--out", str(out), "--no-report"]
    assert main(["drift", *given]) == 1
    first = json.loads((out / "drift.json").read_bytes())["columns"][0]
    assert (first["name"], first["band"], first["outside"]["share"]) == ("x", "large", 1.0)


def test_a_new_column_is_told_and_a_lost_one_is_drift(judge: Judge, tmp_path: Path) -> None:
    frame = rows(500, 1).assign(KIND=lambda t: t["KIND"].map(dict(enumerate(LABELS))), EXTRA=1)
    frame.drop(columns="INCOME").to_csv(tmp_path / "now.csv", index=False)
    code, drift = judge("--current", str(tmp_path / "now.csv"))
    assert code == 1
    assert drift["unknown_columns"] == ["EXTRA"]
    assert [c["name"] for c in drift["columns"] if c["absent"]] == ["INCOME"]
    assert drift["columns"][0]["name"] == "INCOME"


def test_the_log_of_another_version_is_an_error(
    judge: Judge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = write_log(tmp_path / "log", rows(300, 1), version="2")
    assert judge("--log", str(log))[0] == 3
    assert "holds no record of tiny 1, but 300 of model tiny 2" in capsys.readouterr().err


def test_the_log_of_another_model_is_an_error(
    judge: Judge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge("--log", str(write_log(tmp_path / "log", rows(300, 1), model="other")))[0] == 3
    assert "300 of model other 1" in capsys.readouterr().err


def test_the_same_version_with_other_bytes_is_another_model(
    judge: Judge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge("--log", str(write_log(tmp_path / "log", rows(300, 1), sha256="f" * 64)))[0] == 3
    assert "300 of model tiny 1 of other bytes" in capsys.readouterr().err


def test_records_of_other_models_and_kinds_are_passed_over_and_counted(
    judge: Judge, tmp_path: Path
) -> None:
    write_log(tmp_path / "log", rows(400, 1))
    write_log(tmp_path / "log", rows(30, 2), BEGIN + timedelta(hours=2), kind="shadow")
    write_log(tmp_path / "log", rows(20, 3), BEGIN + timedelta(hours=3), model="other")
    write_log(tmp_path / "log", rows(10, 3), BEGIN + timedelta(hours=4), row=None, row_hash="ab")
    code, drift = judge("--log", str(tmp_path / "log"))
    assert (code, drift["rows"]["current"]) == (0, 400)
    passed = {"shadow": 30, "model other 1": 20, "without its row": 10}
    assert drift["rows"]["passed_over"] == passed


def test_a_torn_last_line_is_passed_by(judge: Judge, tmp_path: Path) -> None:
    lines = records(rows(400, 1))
    segment(tmp_path / "log", [*lines[:-1], lines[-1][:50]])
    code, drift = judge("--log", str(tmp_path / "log"))
    assert (code, drift["rows"]["current"]) == (0, 399)


def test_damage_inside_a_segment_is_an_error(
    judge: Judge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = records(rows(400, 1))
    path = segment(tmp_path / "log", [*lines[:9], b'{"v":1,\n', *lines[9:]])
    assert judge("--log", str(tmp_path / "log"))[0] == 3
    said = capsys.readouterr().err
    assert path.name in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], "give either --log DIR or --current FILE"),
        (["--log", "nowhere"], "nowhere"),
        (["--current", "nowhere.csv"], "no such file"),
        (["--log", ".", "--window", "soon"], "7d"),
        (["--log", ".", "--baseline", "previous"], "previous needs --window or --since"),
        (["--log", ".", "--since", "yesterday"], "wanted a day or time"),
        (["--log", ".", "--window", "99999999w"], "at most 100 years"),
        (["--log", ".", "--since", "2026-02-01", "--until", "2026-01-01"], "is not before"),
        (["--log", ".", "--since", "0003-01-01", "--baseline", "previous"], "before the year 1"),
        (["--log", ".", "--alpha", "0"], "between 0 and 1"),
        (["--log", ".", "--alpha", "2"], "between 0 and 1"),
        (["--log", ".", "--min-rows", "0"], "at least 1"),
        (["--log", ".", "--min-psi", "-1"], "0 or more"),
    ],
)
def test_a_wrong_call_says_what_was_wanted(
    judge: Judge,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    wanted: str,
) -> None:
    segment(tmp_path / "log", records(rows(1, 1)))
    monkeypatch.chdir(tmp_path)
    try:
        code = judge(*arguments)[0]
    except SystemExit as stop:  # argparse
        code = int(stop.code or 0)
    assert code == 3
    assert wanted in capsys.readouterr().err


def test_a_bundle_without_profile_says_how_to_get_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = write_bundle(tmp_path / "m", rows(300, 0))
    (bundle / "profile.json").unlink()
    assert main(["drift", "--model", str(bundle), "--log", str(tmp_path)]) == 3
    assert "convert the model again with --reference" in capsys.readouterr().err


def test_text_in_a_number_names_the_column(
    judge: Judge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = rows(300, 1).drop(columns="KIND").astype({"AGE": object})
    frame.loc[7, "AGE"] = "forty"
    frame.to_csv(tmp_path / "now.csv", index=False)
    assert judge("--current", str(tmp_path / "now.csv"))[0] == 3
    assert "forty" in capsys.readouterr().err


def test_an_unseen_category_in_a_log_is_told_by_its_flag(judge: Judge, tmp_path: Path) -> None:
    """The row holds NaN for both; the server's flag says which it was."""
    frame = rows(600, 1).assign(KIND=lambda t: t["KIND"].where(t.index >= 60))
    lines = [json.loads(line) for line in records(frame)]
    for record in lines[:60]:
        record["flags"] = ["unseen:KIND"]
    segment(tmp_path / "log", [json.dumps(r).encode() + b"\n" for r in lines])
    code, drift = judge("--log", str(tmp_path / "log"))
    kind = next(c for c in drift["columns"] if c["name"] == "KIND")
    assert (code, kind["unseen"]["current"]) == (1, 0.1)
    assert any("unseen category in 10.0%" in reason for reason in kind["reasons"])


def test_the_trend_shows_the_day_the_shift_began(judge: Judge, tmp_path: Path) -> None:
    for day in range(4):
        factor = 3.0 if day >= 2 else 1.0
        frame = rows(400, day)
        frame["INCOME"] *= factor
        write_log(tmp_path / "log", frame, BEGIN + timedelta(days=day))
    drift = judge("--log", str(tmp_path / "log"))[1]
    by_day = drift["trend"]["psi"]["INCOME"]
    assert len(by_day) == 4
    assert max(by_day[:2]) < 0.1 < 0.25 < min(by_day[2:])
    weekly = judge("--log", str(tmp_path / "log"), "--by", "week")[1]["trend"]
    assert [p["start"] for p in weekly["periods"]] == ["2026-11-23"]
    assert weekly["periods"][0]["rows"] == 1600


def test_the_window_before_can_be_the_baseline(judge: Judge, tmp_path: Path) -> None:
    """Shifted for weeks: drift against training, none against last week."""
    for day in range(4):
        frame = rows(400, day).assign(INCOME=lambda t: t["INCOME"] * 3)
        write_log(tmp_path / "log", frame, BEGIN + timedelta(days=day))
    span = ["--since", "2026-11-25T12:00", "--until", "2026-11-27T12:00"]
    assert judge("--log", str(tmp_path / "log"), *span)[0] == 1
    code, drift = judge("--log", str(tmp_path / "log"), *span, "--baseline", "previous")
    assert (code, drift["rows"]["reference"], drift["rows"]["current"]) == (0, 800, 800)


def test_prometheus_text_says_the_same(judge: Judge, tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", rows(500, 1).assign(AGE=20.0))
    drift = judge("--log", str(log))[1]
    text = (tmp_path / "out" / "drift.prom").read_text()
    assert 'credit_drift_status{model="tiny",version="1"} 1\n' in text
    psi = next(c["psi"] for c in drift["columns"] if c["name"] == "AGE")
    assert f'credit_drift_feature_psi{{model="tiny",version="1",feature="AGE"}} {psi!r}\n' in text


def test_a_crash_never_reads_as_a_verdict(model: Path, tmp_path: Path) -> None:
    """1 is drift and 2 too few rows: an environment without its libraries exits with neither."""
    code = (
        "import runpy, sys; sys.modules['pyarrow'] = None;"
        " runpy.run_module('monitoring', run_name='__main__', alter_sys=True)"
    )
    given = ["drift", "--model", str(model), "--log", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-c", code, *given], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "pyarrow" in done.stderr


def test_a_scheduled_run_says_nothing_on_stderr(model: Path, tmp_path: Path) -> None:
    """Cron mails what stands there: a night that went well is no mail, report or not."""
    pd.DataFrame(
        rows(600, 0).assign(KIND=lambda t: t["KIND"].map(dict(enumerate(LABELS))))
    ).to_parquet(tmp_path / "reference.parquet")
    command = [sys.executable, "-m", "monitoring", "drift", "--out", str(tmp_path / "out")]
    for current, code in ((str(tmp_path / "reference.parquet"), 0), (str(tmp_path / "few.csv"), 2)):
        rows(3, 0).to_csv(tmp_path / "few.csv", index=False)
        given = ["--reference", str(tmp_path / "reference.parquet"), "--current", current]
        done = subprocess.run(
            [*command, *given], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (code, "")
    assert (tmp_path / "out" / "report.html").is_file()
    assert "no report.html: too few rows" in done.stdout


def test_days_without_a_row_are_in_the_trend(judge: Judge, tmp_path: Path) -> None:
    """A server that was down for two days is what one looks for in a volume chart."""
    for day in (0, 3):
        write_log(tmp_path / "log", rows(300, day), BEGIN + timedelta(days=day))
    trend = judge("--log", str(tmp_path / "log"))[1]["trend"]
    assert [(p["start"], p["rows"]) for p in trend["periods"]] == [
        ("2026-11-23", 300), ("2026-11-24", 0), ("2026-11-25", 0), ("2026-11-26", 300)
    ]  # fmt: skip
    assert trend["missing"]["AGE"][1:3] == [None, None]


def test_one_day_is_told_by_the_hour(judge: Judge, tmp_path: Path) -> None:
    """Of two days it is told by the day, whichever order the rows come in."""
    for hour in (9, 11):
        write_log(tmp_path / "log", rows(300, hour), BEGIN.replace(hour=hour, minute=0))
    drift = judge("--log", str(tmp_path / "log"))[1]
    assert drift["trend"]["by"] == "hour"
    assert [(p["start"], p["rows"]) for p in drift["trend"]["periods"]] == [
        ("2026-11-23T09", 300), ("2026-11-23T10", 0), ("2026-11-23T11", 300)
    ]  # fmt: skip
    assert (drift["window"]["first"], drift["window"]["last"]) == ("2026-11-23", "2026-11-23")
    assert judge("--log", str(tmp_path / "log"), "--by", "week")[1]["trend"]["by"] == "week"
    write_log(tmp_path / "log", rows(100, 1), BEGIN + timedelta(days=1))
    later = judge("--log", str(tmp_path / "log"))[1]["trend"]
    assert [(p["start"], p["rows"]) for p in later["periods"]] == [
        ("2026-11-23", 600), ("2026-11-24", 100)
    ]  # fmt: skip


def test_a_stray_date_does_not_make_a_trend_of_ten_thousand_days(
    judge: Judge, tmp_path: Path
) -> None:
    frame = rows(300, 1).drop(columns="KIND").assign(time="2026-11-23")
    frame.loc[0, "time"] = "1970-01-01"
    frame.to_csv(tmp_path / "now.csv", index=False)
    trend = judge("--current", str(tmp_path / "now.csv"))[1]["trend"]
    assert [p["start"] for p in trend["periods"]] == ["1970-01-01", "2026-11-23"]


def test_the_terminal_shows_the_last_days(
    judge: Judge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for day in range(9):
        write_log(tmp_path / "log", rows(300, day), BEGIN + timedelta(days=day))
    judge("--log", str(tmp_path / "log"))
    said = capsys.readouterr().out.splitlines()
    (days,) = (line.split() for line in said if line.startswith("day "))
    assert days == ["day", *(f"11-{day}" for day in range(25, 31)), "12-01"]
    (volume,) = (line.split() for line in said if line.startswith("rows "))
    assert volume[1:] == ["300"] * 7
    assert any(line.startswith("score PSI ") for line in said)
    assert max(map(len, said)) <= 80
