"""Evidently's report: it is there, works offline, survives what breaks it, and agrees with us."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from monitoring.__main__ import main
from monitoring.report.errors import ReportError
from monitoring.rows.sample import Sample
from monitoring.rows.tables import Table
from tests.drift_files import LABELS, portfolio_frame, rows, write_bundle, write_log
from tests.record_lines import BEGIN


def report_of(before: pd.DataFrame, now: pd.DataFrame, folder: Path) -> tuple[dict[str, Any], Path]:
    """Run drift over two files and return (report.json, the folder)."""
    folder.mkdir(exist_ok=True)
    before.to_parquet(folder / "before.parquet")
    now.to_parquet(folder / "now.parquet")
    given = ["--reference", str(folder / "before.parquet"), "--current"]
    main(["drift", *given, str(folder / "now.parquet"), "--out", str(folder)])

    def strict(name: str) -> float:
        raise AssertionError(f"{name} is no JSON")

    document = json.loads((folder / "report.json").read_text(), parse_constant=strict)
    return document, folder


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """A column lost, one empty, one constant, one with infinities, one with a sentinel, labels."""
    before, now = portfolio_frame(2000, 0), portfolio_frame(1500, 1)
    for frame, seed in ((before, 2), (now, 3)):
        random = np.random.default_rng(seed)
        frame["constant"] = 5.0
        frame["endless"] = random.normal(size=len(frame))
        frame["prediction"] = random.random(len(frame))
        frame["__label"] = (random.random(len(frame)) < frame["prediction"]).astype(int)
    before["empty"], now["empty"] = 1.0, np.nan
    before["lost"] = 1.0
    now.loc[:5, "endless"] = np.inf
    now.loc[:1, "income"] = 1e9
    now["moved"] += 1.0
    return report_of(before, now, tmp_path_factory.mktemp("hard"))


def test_the_report_is_there_and_holds_all_it_needs(hard: tuple[dict[str, Any], Path]) -> None:
    """No script, style or picture is fetched from elsewhere."""
    html = (hard[1] / "report.html").read_text()
    assert len(html) > 1_000_000
    for fetched in ('src="http', "src='http", 'href="http', "@import url(http"):
        assert fetched not in html.split("</head>")[0]


def test_columns_that_would_lose_the_whole_report_are_left_out(
    hard: tuple[dict[str, Any], Path],
) -> None:
    drift = json.loads((hard[1] / "drift.json").read_bytes())
    assert {c["name"] for c in drift["columns"] if c["drifted"]} >= {"empty", "lost", "moved"}
    shown = {m["config"].get("column") for m in hard[0]["metrics"]}
    assert {"constant", "endless", "income", "moved", "kind", "prediction"} <= shown
    assert not {"empty", "lost"} & shown


def test_its_methods_are_ours_and_the_shift_is_flagged(hard: tuple[dict[str, Any], Path]) -> None:
    """Evidently's defaults would flag `income` for its two sentinels."""
    drifts = {
        t["metric_config"]["params"]["column"]: (
            t["metric_config"]["params"]["method"], t["status"]
        )
        for t in hard[0]["tests"]
        if t["metric_config"]["params"]["type"].endswith(":ValueDrift")
    }  # fmt: skip
    assert drifts["moved"] == ("ks", "FAIL")
    assert drifts["income"] == ("ks", "SUCCESS")
    assert drifts["kind"] == ("psi", "SUCCESS")


def test_with_outcomes_there_is_a_classification_report(hard: tuple[dict[str, Any], Path]) -> None:
    document = json.loads((hard[1] / "outcomes-report.json").read_text())
    names = " ".join(m["metric_name"] for m in document["metrics"])
    assert "RocAuc" in names
    assert (hard[1] / "outcomes-report.html").stat().st_size > 1_000_000


def test_its_statistics_are_those_we_get(tmp_path: Path) -> None:
    """PSI of a category against our own, Kolmogorov-Smirnov against scipy's, same rows."""
    before, now = portfolio_frame(3000, 5), portfolio_frame(2500, 6)
    now["moved"] += 0.2
    now["kind"] = now["kind"].where(np.arange(len(now)) % 7 > 0, "a")
    document, folder = report_of(before, now, tmp_path / "cross")
    drift = json.loads((folder / "drift.json").read_bytes())
    ours = {c["name"]: c for c in drift["columns"]}
    theirs = {
        m["config"]["column"]: m["value"]
        for m in document["metrics"]
        if m["config"]["type"].endswith(":ValueDrift")
    }
    assert theirs["kind"] == pytest.approx(ours["kind"]["psi"], rel=0.02)
    assert theirs["few"] == pytest.approx(ours["few"]["psi"], abs=5e-4)
    known = ks_2samp(before["moved"].dropna(), now["moved"].dropna()).pvalue
    assert theirs["moved"] == pytest.approx(known, rel=1e-6)


def test_missing_values_have_a_test_of_their_own(tmp_path: Path) -> None:
    """No drift method of Evidently sees them."""
    now = portfolio_frame(2500, 6)
    now.loc[now.index % 3 == 0, "moved"] = np.nan
    document, _ = report_of(portfolio_frame(3000, 5), now, tmp_path / "missing")
    failed = [t["name"] for t in document["tests"] if t["status"] == "FAIL"]
    assert len(failed) == 1
    assert "'moved' missing values" in failed[0]


def test_a_report_that_was_not_written_is_an_error(tmp_path: Path) -> None:
    """Evidently writes nothing, silently, for a path it does not like."""
    from monitoring.report import evidently_report  # late: it takes seconds to import

    class Silent:
        def save_html(self, _: str) -> None:
            """Do what evidently does when handed a Path."""

    with pytest.raises(ReportError, match="wrote nothing"):
        evidently_report.save(Silent(), tmp_path, "report", "tiny 1")


def test_too_few_rows_make_no_report_but_a_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    portfolio_frame(300, 1).to_parquet(tmp_path / "before.parquet")
    portfolio_frame(1, 2).to_parquet(tmp_path / "now.parquet")
    given = ["--reference", str(tmp_path / "before.parquet"), "--current"]
    code = main(["drift", *given, str(tmp_path / "now.parquet"), "--out", str(tmp_path)])
    assert code == 2
    assert "no report.html: too few rows" in capsys.readouterr().out
    assert (tmp_path / "drift.json").is_file()


def test_the_sample_is_bounded_and_keeps_the_score_distribution(tmp_path: Path) -> None:
    """Stratified by score band: each band's share is that of all rows, to a row."""
    frame = portfolio_frame(20_000, 1).assign(prediction=lambda t: t.index / len(t))
    frame.to_parquet(tmp_path / "rows.parquet")
    sample = Sample(1000, np.array([0.1, 0.5]))
    for block in Table(str(tmp_path / "rows.parquet"), []).blocks():
        sample.offer(block)
    scores = sample.rows().scores
    assert scores is not None
    assert np.histogram(scores, [0, 0.1, 0.5, 1])[0].tolist() == [100, 400, 500]


def test_a_report_that_the_disk_refuses_is_an_error_not_too_few_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """2, the code of other commands' errors, means too few rows here."""
    portfolio_frame(300, 1)[["few"]].to_parquet(tmp_path / "rows.parquet")
    (tmp_path / "out" / "report.html").mkdir(parents=True)
    files = ["--reference", str(tmp_path / "rows.parquet"), "--current"]
    code = main(["drift", *files, str(tmp_path / "rows.parquet"), "--out", str(tmp_path / "out")])
    assert code == 3
    assert "report.html" in capsys.readouterr().err


def test_against_the_window_before_the_report_shows_that_window(tmp_path: Path) -> None:
    """Last week's rows are the reference of the verdict, so they are the report's too."""
    bundle = write_bundle(tmp_path / "tiny" / "1", rows(2000, 0))
    for day in range(2):
        moved = rows(400, 4 + day).assign(AGE=lambda t: t["AGE"] + 100)
        write_log(tmp_path / "log", moved, BEGIN + timedelta(days=day))
    span = ["--since", "2026-11-24T12:00", "--until", "2026-11-25T12:00", "--baseline", "previous"]
    given = ["--model", str(bundle), "--log", str(tmp_path / "log"), "--out", str(tmp_path / "out")]
    assert main(["drift", *given, *span]) == 0
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    failed = [test["name"] for test in document["tests"] if test["status"] == "FAIL"]
    assert not failed
    assert "AGE" in {m["config"].get("column") for m in document["metrics"]}


def test_a_stand_in_takes_missings_place_in_the_report_too(tmp_path: Path) -> None:
    """The log holds what the model saw: imputed values, which are no drift and not missing."""
    reference = rows(2000, 0)
    bundle = write_bundle(tmp_path / "tiny" / "1", reference)
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    manifest["features"][1]["missing"] = {
        "allowed": True, "policy": "impute", "value": 20_000.0,
    }  # fmt: skip
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    names = dict(enumerate(LABELS))
    reference.assign(KIND=reference["KIND"].map(names)).to_parquet(bundle / "reference.parquet")
    log = write_log(tmp_path / "log", rows(1500, 1).fillna({"INCOME": 20_000.0}))
    given = ["--model", str(bundle), "--log", str(log), "--out", str(tmp_path / "out")]
    assert main(["drift", *given]) == 0
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    assert not [test["name"] for test in document["tests"] if test["status"] == "FAIL"]
