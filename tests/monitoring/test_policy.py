"""What the readers make of a model without a policy, and of one whose classes have names."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from selenium.webdriver import Chrome

from monitoring.__main__ import main
from tests.chromium import chromium
from tests.drift_files import LABELS, records, rows, scores, write_bundle
from tests.monitoring.browsing import dashboard, open_page
from tests.record_lines import BEGIN, segment


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of two classes that decides nothing, its log and all outcomes; drift has run."""
    folder = tmp_path_factory.mktemp("world")
    reference = rows(2000, 0)
    model = write_bundle(folder / "tiny" / "1", reference)
    undecided(model)
    reference.assign(
        KIND=reference["KIND"].map(dict(enumerate(LABELS))),
        __prediction=scores(reference),
        __label=(np.random.default_rng(0).random(2000) < scores(reference)).astype(int),
    ).to_parquet(model / "reference.parquet")
    lines = records(rows(800, 1), decision=None, policy=None)
    segment(folder / "log", lines)
    log = pd.DataFrame(json.loads(line) for line in lines)
    bad = np.random.default_rng(1).random(800) < log["prediction"]
    log.assign(outcome=bad.astype(int))[["request_id", "outcome"]].to_csv(
        folder / "outcomes.csv", index=False
    )
    given = ["--model", str(model), "--log", str(folder / "log"), "--out", str(folder / "out")]
    assert main(["drift", *given, "--labels", str(folder / "outcomes.csv")]) == 0
    return folder


def undecided(model: Path) -> None:
    manifest = json.loads((model / "manifest.json").read_bytes())
    manifest |= {"policy": None, "classes": ["bad", "good"], "probability_of": "bad"}
    (model / "manifest.json").write_text(json.dumps(manifest))
    profile = json.loads((model / "profile.json").read_bytes())
    del profile["decisions"]
    (model / "profile.json").write_text(json.dumps(profile))


def read(world: Path, name: str) -> Any:
    return json.loads((world / "out" / name).read_bytes())


def test_drift_names_the_class_and_shows_no_decisions(
    world: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = read(world, "drift.json")
    assert found["decisions"] == []
    assert "the score is the probability of class 'bad'" in found["notes"]
    given = ["--model", str(world / "tiny/1"), "--log", str(world / "log"), "--no-report"]
    assert main(["drift", *given, "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "note: the score is the probability of class 'bad'" in said
    assert "approve" not in said
    assert "credit_drift_decision_share" not in (tmp_path / "drift.prom").read_text()


def test_outcomes_without_decisions_claim_no_cut_off(world: Path) -> None:
    """Evidently would judge at one half, which nobody chose."""
    found = read(world, "outcomes.json")
    assert (found["cost"], found["labelled_by_decision"]) == (None, {})
    assert not [note for note in found["notes"] if "Refused" in note]
    shown = [each["metric_name"] for each in read(world, "outcomes-report.json")["metrics"]]
    assert [name.partition("(")[0] for name in shown] == ["RocAuc", "LogLoss"]


def test_rows_decided_under_another_policy_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their share of refusals says something of that policy, and nothing of the applicants."""
    model = write_bundle(tmp_path / "tiny" / "1", rows(2000, 0))
    before, after = records(rows(500, 1), policy="refuse>=0.3"), records(rows(400, 2), BEGIN)
    segment(tmp_path / "log", before)
    segment(tmp_path / "log", [line.replace(b"request-", b"later-") for line in after], host="b")
    given = ["--model", str(model), "--log", str(tmp_path / "log"), "--no-report"]
    main(["drift", *given, "--out", str(tmp_path / "out")])
    said = (
        "decided under another policy than the bundle's, left out of the shares: 500 by refuse>=0.3"
    )
    assert said in capsys.readouterr().out
    assert said in json.loads((tmp_path / "out" / "drift.json").read_bytes())["notes"]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with chromium(tmp_path_factory.mktemp("profile"), 1300, 1500) as started:
        yield started


def test_the_dashboard_says_what_is_absent_and_what_the_score_is(
    browser: Chrome, world: Path
) -> None:
    first = next((world / "log").glob("*.jsonl")).read_bytes().splitlines()[0]
    asked = json.loads(first)["request_id"]
    with dashboard("--out", str(world / "out"), "--log", str(world / "log")) as url:
        shown = open_page(browser, url, "Score PSI")
        assert "the score is the probability of class 'bad'" in shown
        shown = open_page(browser, f"{url}/decision?request_id={asked}", "score at")
        assert "The model has no policy." in shown
        assert "AUC" in open_page(browser, f"{url}/outcomes", "Calibration")


def test_a_new_cut_off_alone_is_no_drift(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What another policy decided is in no share of decisions."""
    model = write_bundle(tmp_path / "tiny" / "1", rows(2000, 0))
    segment(tmp_path / "log", records(rows(2000, 1)))
    strict = [
        each.replace(b'"decision":"approve"', b'"decision":"refuse"').replace(
            b"request-", b"later-"
        )
        for each in records(rows(1000, 2), policy="refuse>=0.01")
    ]
    segment(tmp_path / "log", strict, host="b")
    given = ["--model", str(model), "--log", str(tmp_path / "log"), "--no-report"]
    assert main(["drift", *given, "--out", str(tmp_path / "out")]) == 0, capsys.readouterr().out


def test_few_decisions_by_a_new_policy_are_not_called_steady(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_bundle(tmp_path / "tiny" / "1", rows(2000, 0))
    segment(tmp_path / "log", records(rows(500, 1), policy="refuse>=0.3"))
    segment(tmp_path / "log", records(rows(2, 2), BEGIN), host="b")
    given = ["--model", str(model), "--log", str(tmp_path / "log"), "--no-report"]
    main(["drift", *given, "--out", str(tmp_path / "out")])
    said = capsys.readouterr().out
    assert "500 by refuse>=0.3" in said
    assert "approve" not in said
    assert json.loads((tmp_path / "out" / "drift.json").read_bytes())["decisions"] == []


def test_a_trial_against_a_model_that_decides_nothing_says_so(
    tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(bundle.parents[1], tmp_path / "models")
    path = tmp_path / "models" / "small" / "1" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"policy": None}))
    segment(tmp_path / "log", records(rows(5, 1)))
    given = ["--log", str(tmp_path / "log"), "--models", str(tmp_path / "models")]
    assert main(["replay", *given, "--with", "small/1"]) == 2
    assert "small/1: has no policy" in capsys.readouterr().err
