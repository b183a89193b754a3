"""Figures hold where samples are small and shares are 0 or 1; a note stands where it is true."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, norm

from monitoring.__main__ import main
from monitoring.drift import statistics
from monitoring.nightly import output
from monitoring.outcomes import quality
from monitoring.outcomes.result import Outcomes
from tests.drift_files import records, rows, scores, write_bundle
from tests.record_lines import segment


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [  # Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 10
        ((56, 70), (48, 80), (0.0524, 0.3339)), ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((6, 7), (2, 7), (0.0582, 0.8062)), ((5, 56), (0, 29), (-0.0381, 0.1926)),
        ((0, 10), (0, 20), (-0.1611, 0.2775)), ((0, 10), (0, 10), (-0.2775, 0.2775)),
        ((10, 10), (0, 20), (0.6791, 1.0)), ((10, 10), (0, 10), (0.6075, 1.0)),
    ],
)  # fmt: skip
def test_the_interval_of_a_change_is_newcombes(
    one: tuple[int, int], other: tuple[int, int], wanted: tuple[float, float]
) -> None:
    found = statistics.change(*other, *one)
    assert (found.low, found.high) == pytest.approx(wanted, abs=5e-5)


@pytest.mark.parametrize("of", [1, 2, 4, 10, 1000, 10**7])
@pytest.mark.parametrize("part", [0.0, 0.25, 1.0])
def test_the_interval_of_a_share_is_wilsons(part: float, of: int) -> None:
    count = int(part * of)
    found = statistics.share(count, of)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high
    if of <= 1000:
        known = binomtest(count, of).proportion_ci(method="wilson")
        assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=1e-12)


@pytest.mark.parametrize("rows", [10, 20, 200])
def test_no_figure_of_a_perfect_score_is_certain(rows: int) -> None:
    """Before, AUC, Gini and KS said 1.000 to 1.000, whatever the number of rows."""
    labels = np.repeat([0.0, 1.0], rows)
    found = quality.quality(np.linspace(0, 1, 2 * rows), labels)
    for estimate in (found.auc, found.gini, found.ks):
        assert estimate is not None
        assert estimate.value == estimate.high == 1
        assert estimate.low < 1 - 0.5 / rows
    assert found.auc is not None
    assert found.auc.low > 0.6


def test_the_interval_of_a_perfect_auc_covers_as_often_as_it_says() -> None:
    """Of an AUC at the interval's end, samples without any overlap come at about 2.5 %."""
    low = quality.auc(np.linspace(0, 1, 40), np.repeat([0.0, 1.0], 20)).low
    random, hits = np.random.default_rng(0), 0
    apart = np.sqrt(2) * float(norm.ppf(low))
    for _ in range(4000):
        hits += random.normal(apart, 1, 20).min() > random.normal(0, 1, 20).max()
    assert hits / 4000 < 0.05


@pytest.mark.parametrize("hits", [(0, 0), (4, 0), (0, 4), (2, 1)])
def test_the_interval_of_a_cost_has_a_width(hits: tuple[int, int]) -> None:
    """Before, four rows without a cost said 0.000 a row (0.000 to 0.000)."""
    found = quality.weighted([(5.0, hits[0]), (1.0, hits[1])], 4)
    assert found.value == (5 * hits[0] + hits[1]) / 4
    assert 0 <= found.low <= found.value <= found.high
    assert found.high - found.low > 0.4


def test_a_mean_of_one_row_may_be_anything() -> None:
    found = quality.mean(np.array([0.04]), 1.0)
    assert (found.low, found.high) == (0.0, 1.0)
    assert quality.mean(np.array([0.0, 0.3]), 1.0).low == 0.0


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("model") / "tiny" / "1", rows(3000, 0))


def test_four_rows_all_approved_say_little(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: a 95 % interval two points wide, and `score  PSI 0.879  steady`."""
    segment(tmp_path / "log", records(rows(4, 1), decision="approve"))
    given = ["--model", str(model), "--log", str(tmp_path / "log"), "--out", str(tmp_path)]
    assert main(["drift", *given]) == 2
    said = capsys.readouterr().out
    assert "CANNOT TELL" in said
    assert "too few rows" in said
    assert "steady" not in said
    assert "DRIFTED" not in said
    assert "columns drifted" not in said
    [approve, _] = output.read(tmp_path).decisions
    assert approve.change_high - approve.change_low > 0.4


def judge(model: Path, folder: Path, known: "pd.Series[bool]", decisions: list[str]) -> Outcomes:
    """Outcomes of 400 rows: who has one, and what was decided of each in turn."""
    frame = rows(400, 1)
    each = [records(frame, decision=decision) for decision in decisions]
    lines = [each[i % len(each)][i] for i in range(400)]
    segment(folder / "log", lines)
    bad = (np.random.default_rng(2).random(400) < scores(frame)).astype(int)
    ids = [f"request-232142-{i}" for i in range(400)]
    table = pd.DataFrame({"request_id": ids, "outcome": bad})[known]
    table.to_csv(folder / "outcomes.csv", index=False)
    given = ["--model", str(model), "--log", str(folder / "log"), "--out", str(folder)]
    main(["drift", *given, "--labels", str(folder / "outcomes.csv"), "--no-report"])
    return output.read_outcomes(folder)


NUMBERS = pd.Series(range(400))
EVERY = NUMBERS >= 0
BOTH = ["approve", "refuse"]


@pytest.mark.parametrize(
    ("known", "decisions", "wanted"),
    [
        (EVERY, ["approve"], []),
        (EVERY, BOTH, []),
        (NUMBERS % 2 == 0, BOTH, ["say nothing about the 200 refused"]),
        (NUMBERS % 4 == 0, BOTH, ["the 200 refused", "100 of the 200 not refused"]),
        (NUMBERS != 1, BOTH, ["199 of the 200 refused have an outcome"]),
        (NUMBERS != 0, ["approve"], ["1 of the 400 scored have no outcome yet"]),
        (NUMBERS > 1, BOTH, ["199 of the 200 refused", "1 of the 200 not refused"]),
        (NUMBERS < 100, ["approve"], ["300 of the 400 scored have no outcome yet"]),
        (NUMBERS < 0, ["approve"], ["400 of the 400 scored have no outcome yet"]),
        (NUMBERS % 2 == 1, ["refer", "approve"], ["200 of the 400 scored have no outcome yet"]),
    ],
)
def test_a_note_stands_where_its_data_say_so(
    known: "pd.Series[bool]", decisions: list[str], wanted: list[str], model: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Before: "Only 100% of the scored have an outcome yet", and that the refused have none."""
    notes = judge(model, tmp_path, known, decisions).notes
    assert len(notes) == len(wanted)
    assert f"outcomes known of {known.sum()} of 400 rows, " in capsys.readouterr().out
    for note, said in zip(notes, wanted, strict=True):
        assert said in note
