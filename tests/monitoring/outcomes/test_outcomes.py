"""Outcomes joined to the log, and how good the score was, held to other libraries' figures."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, ks_2samp
from sklearn.metrics import brier_score_loss, roc_auc_score

from monitoring.__main__ import main
from monitoring.outcomes import quality
from tests.drift_files import records, rows, write_bundle
from tests.record_lines import BEGIN, segment


def drawn(count: int, seed: int) -> tuple[quality.Floats, quality.Floats]:
    random = np.random.default_rng(seed)
    scores = random.beta(2, 5, count).round(3)
    return scores, (random.random(count) < scores).astype(np.float64)


def test_figures_are_those_of_the_known_libraries() -> None:
    scores, labels = drawn(3000, 1)
    found = quality.quality(scores, labels)
    assert found.auc is not None
    assert found.ks is not None
    assert found.brier is not None
    assert found.gini is not None
    assert found.auc.value == pytest.approx(roc_auc_score(labels, scores))
    assert found.gini.value == pytest.approx(2 * found.auc.value - 1)
    assert found.ks.value == pytest.approx(
        ks_2samp(scores[labels == 1], scores[labels == 0]).statistic
    )
    assert found.brier.value == pytest.approx(brier_score_loss(labels, scores))


def test_delongs_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Over 400 samples; the truth is the AUC of a very large one."""
    truth = roc_auc_score(*reversed(drawn(400_000, 99)))
    inside = 0
    for seed in range(400):
        found = quality.auc(*drawn(500, seed))
        inside += found.low <= truth <= found.high
    assert 0.91 < inside / 400 < 0.98


@pytest.mark.parametrize(("hits", "of"), [(0, 10), (3, 40), (40, 40), (500, 10_000)])
def test_wilsons_interval_is_scipys(hits: int, of: int) -> None:
    known = binomtest(hits, of).proportion_ci(method="wilson")
    found = quality.wilson(hits, of)
    assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=1e-12)


def test_too_few_bads_get_no_figure_of_discrimination() -> None:
    found = quality.quality(np.linspace(0, 1, 100), np.append(np.ones(5), np.zeros(95)))
    assert (found.rows, found.bad, found.auc, found.ks) == (100, 5, None, None)


@pytest.fixture
def world(tmp_path: Path) -> tuple[Path, Path, pd.DataFrame]:
    """A bundle, a log of 1,000 applicants, and outcomes of the first 400 approved."""
    model = write_bundle(tmp_path / "tiny" / "1", rows(2000, 0))
    lines = records(rows(1000, 1))
    segment(tmp_path / "log", lines)
    log = pd.DataFrame(json.loads(line) for line in lines)
    random = np.random.default_rng(0)
    approved = log[log["decision"] == "approve"].head(400)
    approved = approved.assign(outcome=(random.random(400) < approved["prediction"]).astype(int))
    return model, tmp_path / "log", approved[["request_id", "outcome", "prediction"]]


def judge(model: Path, log: Path, labels: Path, out: Path) -> dict[str, object]:
    given = ["--model", str(model), "--log", str(log), "--labels", str(labels), "--out", str(out)]
    assert main(["drift", *given, "--no-report"]) == 0
    result: dict[str, object] = json.loads((out / "outcomes.json").read_bytes())
    return result


def test_outcomes_join_by_request_id(
    world: tuple[Path, Path, pd.DataFrame], tmp_path: Path
) -> None:
    model, log, known = world
    stranger = pd.DataFrame({"request_id": ["nobody"], "outcome": [1]})
    shuffled = pd.concat([known.sample(frac=1, random_state=0), stranger])
    shuffled[["request_id", "outcome"]].to_csv(tmp_path / "outcomes.csv", index=False)
    found = judge(model, log, tmp_path / "outcomes.csv", tmp_path / "out")
    assert (found["scored"], found["labelled"], found["unmatched"]) == (1000, 400, 1)
    quality_found = found["quality"]
    assert isinstance(quality_found, dict)
    assert quality_found["auc"]["value"] == pytest.approx(
        roc_auc_score(known["outcome"], known["prediction"])
    )
    cost = found["cost"]
    assert isinstance(cost, dict)
    bad = int(known["outcome"].sum())
    assert (cost["approved_bad"], cost["refused_good"]) == (bad, 0)
    assert cost["per_row"]["value"] == pytest.approx(5.0 * bad / 400)


def test_what_is_not_known_is_said(world: tuple[Path, Path, pd.DataFrame], tmp_path: Path) -> None:
    """Refused applicants have no outcome, and most outcomes are still to come."""
    model, log, known = world
    known[["request_id", "outcome"]].to_csv(tmp_path / "outcomes.csv", index=False)
    found = judge(model, log, tmp_path / "outcomes.csv", tmp_path / "out")
    by_decision = found["labelled_by_decision"]
    assert isinstance(by_decision, dict)
    assert by_decision["refuse"][0] == 0 < by_decision["refuse"][1]
    assert "554 of the 954 not refused have no outcome yet" in str(found["notes"])
    bands = found["bands"]
    assert isinstance(bands, list)
    assert sum(band["scored"] for band in bands) == 1000
    assert sum(band["labelled"] for band in bands) == 400


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("request_id,result\na,1\n", "wanted columns request_id, outcome"),
        ("request_id,outcome\na,2\n", "wanted outcomes of 0 and 1, got 2"),
        ("request_id,outcome\na,bad\n", "bad"),
        (
            "request_id,outcome\na,1\na,0\n",
            "request_id a occurs twice, with outcomes 0 and 1",
        ),
        ("request_id,index,outcome\na,2,1\na,2,0\n", "request_id a, index 2, occurs twice"),
    ],
)
def test_wrong_outcomes_are_refused(
    world: tuple[Path, Path, pd.DataFrame],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str,
    wanted: str,
) -> None:
    (tmp_path / "outcomes.csv").write_text(content)
    given = ["--log", str(world[1]), "--labels", str(tmp_path / "outcomes.csv")]
    assert main(["drift", "--model", str(world[0]), *given]) == 3
    assert wanted in capsys.readouterr().err


def test_outcomes_come_late_twice_and_for_strangers(
    world: tuple[Path, Path, pd.DataFrame], tmp_path: Path
) -> None:
    """Monthly files put together: not known at first, known later, and said once more."""
    model, log, known = world
    first = known.assign(outcome=None).astype({"outcome": "Int64"})
    stranger = pd.DataFrame({"request_id": ["nobody"], "outcome": [1]})
    parts = [first, known, known.head(50), stranger]
    everything = pd.concat([part[["request_id", "outcome"]] for part in parts])
    everything.to_csv(tmp_path / "outcomes.csv", index=False)
    found = judge(model, log, tmp_path / "outcomes.csv", tmp_path / "out")
    assert (found["labelled"], found["unmatched"]) == (400, 1)


def test_a_retried_request_does_not_make_outcomes_negative(
    world: tuple[Path, Path, pd.DataFrame], tmp_path: Path
) -> None:
    """A client sent the same id twice: one outcome meets two records, a stranger none."""
    model, log, _ = world
    begun = BEGIN + timedelta(seconds=1)  # the ids are named by the minute
    segment(log, records(rows(1000, 1), begun)[:10], BEGIN + timedelta(hours=3))
    chosen = pd.read_json(next(iter(sorted(log.glob("*")))), lines=True).head(10)
    stranger = pd.DataFrame({"request_id": ["nobody"], "outcome": [1]})
    labels = pd.concat([chosen[["request_id"]].assign(outcome=0), stranger])
    labels.to_csv(tmp_path / "outcomes.csv", index=False)
    found = judge(model, log, tmp_path / "outcomes.csv", tmp_path / "out")
    assert (found["labelled"], found["unmatched"]) == (20, 1)
    assert "10 records share the request id of another" in str(found["notes"])


def test_a_blank_index_is_the_first_applicant(
    world: tuple[Path, Path, pd.DataFrame], tmp_path: Path
) -> None:
    model, log, known = world
    known[["request_id", "outcome"]].assign(index=None).to_csv(
        tmp_path / "outcomes.csv", index=False
    )
    assert judge(model, log, tmp_path / "outcomes.csv", tmp_path / "out")["labelled"] == 400


def test_ties_of_the_score_do_not_widen_ks() -> None:
    """Two scores only: the distance is that of the two shares, whatever the order of the rows."""
    scores = np.array([0.1] * 60 + [0.9] * 40)
    labels = np.array([0] * 50 + [1] * 10 + [0] * 10 + [1] * 30, np.float64)
    shuffled = np.random.default_rng(0).permutation(100)
    found = quality.ks(scores[shuffled], labels[shuffled])
    assert found.value == pytest.approx(50 / 60 - 10 / 40)
    assert found.low < found.value < found.high
