"""The applicant that is shown to everybody: usual, scored without a warning, and nobody's."""

import json
import shutil
from pathlib import Path

import httpx
import pytest

from server.bundle.example import Histogram, example, value
from server.bundle.reading import read
from tests.conftest import Serve, Trained, convert


def test_it_holds_the_medians_and_the_most_frequent_categories(
    bundle: Path, trained: Trained
) -> None:
    made, rows = example(read(bundle).bundle), trained.rows
    for name in ("AGE", "INCOME", "DEBT-RATIO"):
        assert made[name] == rows[name].quantile(0.5, interpolation="lower")
    for name in ("KIND", "REGION"):
        assert made[name] == rows[name].mode()[0]
    assert json.dumps(made["AGE"]).isdigit(), "a whole number is written as one"


def test_it_is_scored_without_a_warning(
    bundle: Path, trained: Trained, serve: Serve, tmp_path: Path
) -> None:
    """Also where no reference rows were given."""
    trained.booster.save_model(tmp_path / "model.txt")
    names = ("--name", "bare", "--version", "1", "--out", str(tmp_path))
    convert(tmp_path / "model.txt", *names)
    for folder in (bundle, tmp_path / "bare" / "1"):
        with serve(folder, tmp_path) as up:
            said = httpx.post(f"{up.url}/score", json=example(read(folder).bundle))
            assert (said.status_code, said.json().get("warnings")) == (200, None)


def test_a_profile_that_was_changed_is_not_looked_at(bundle: Path, tmp_path: Path) -> None:
    opened = read(Path(shutil.copytree(bundle, tmp_path / "copy"))).bundle
    (tmp_path / "copy" / "profile.json").write_text('{"features": [')
    low, high = next(f.seen.min for f in opened.manifest.features), 90  # type: ignore[union-attr]
    assert low <= example(opened)["AGE"] <= high


def test_a_feature_that_is_mostly_missing_is_null_where_that_is_allowed(bundle: Path) -> None:
    opened = read(bundle).bundle.manifest
    age, income = opened.features[:2]
    rare = Histogram("INCOME", [3, 4], [10.0], missing=8, min=1.0)
    assert value(income, rare) is None
    assert value(age, rare) == 10


@pytest.mark.parametrize(
    ("counts", "bin_of_median"),
    [([5, 1], 0), ([1, 5], 1), ([3, 3], 0), ([0, 0], 0), ([2, 2, 3], 1)],
)
def test_the_median_lies_in_the_bin_where_half_of_the_rows_are_reached(
    counts: list[int], bin_of_median: int
) -> None:
    assert Histogram("x", counts).middle() == bin_of_median
