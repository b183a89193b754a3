"""The same reference rows in every form: one bundle, to the byte, and what it says of them."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from convert.__main__ import main
from monitoring.__main__ import main as monitor
from server.cli import obey
from tests.cell_forms import FORMS, FormError

ZIPS = ["01067", "04109", "NA", "1e5"]


def portfolio(rows: int = 3000) -> pd.DataFrame:
    """A number, cents as decimals, codes of texts that look like numbers, and an owner or none."""
    draw = np.random.default_rng(6)
    return pd.DataFrame(
        {
            "income": draw.normal(size=rows),
            "price": draw.integers(1, 10_000, rows) / 100,
            "zip": pd.Categorical(draw.choice([*ZIPS, ""], rows), categories=ZIPS),
            "owner": draw.integers(0, 2, rows) == 1,
        }
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, lgb.Booster, pd.DataFrame]:
    folder, X = tmp_path_factory.mktemp("trained"), portfolio()
    noise = np.random.default_rng(7).normal(size=len(X)) * 0.6
    y = (X.zip == "01067") * 1.5 + X.owner - X.income + X.price / 200 + noise > 1
    model = lgb.train({"objective": "binary", "verbose": -1}, lgb.Dataset(X, y), 20)
    model.save_model(folder / "model.txt")
    return folder / "model.txt", model, X.assign(bad=y * 1)


def cells(X: pd.DataFrame) -> dict[str, list[Any]]:
    """Values as Python holds them: the price a decimal, null for a missing zip."""
    columns = {str(name): X[name].tolist() for name in X if name != "zip"}
    columns["price"] = [Decimal(str(price)) for price in columns["price"]]
    columns["zip"] = [value if isinstance(value, str) else None for value in X.zip]
    return columns


def converted(model: Path, rows: Path, out: Path, *more: str) -> Path:
    told = ["--name", "m", "--version", "1", "--out", str(out), "--reference", str(rows)]
    costs = ["--label", "bad", "--cost-fn", "5", "--cost-fp", "1"]
    assert main([str(model), *told, *costs, *more]) == 0
    return out / "m" / "1"


@pytest.fixture(scope="module")
def usual(trained: tuple[Path, lgb.Booster, pd.DataFrame], tmp_path_factory: Any) -> Path:
    """The bundle made with a CSV."""
    model, _, rows = trained
    folder = tmp_path_factory.mktemp("usual")
    return converted(model, FORMS["CSV"](cells(rows), folder), folder)


@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_the_rows_changes_no_byte_no_score_and_no_verdict(
    trained: tuple[Path, lgb.Booster, pd.DataFrame], usual: Path, tmp_path: Path, form: str
) -> None:
    model, booster, rows = trained
    try:
        path = FORMS[form](cells(rows), tmp_path)
    except FormError as error:
        pytest.skip(str(error))
    bundle = converted(model, path, tmp_path)
    assert (bundle / "SHA256SUMS").read_text() == (usual / "SHA256SUMS").read_text()
    out = tmp_path / "scored.parquet"
    assert obey(["score", "--model", str(bundle), str(path), "-o", str(out)]) == 0
    wanted = np.asarray(booster.predict(rows.drop(columns="bad")))
    assert pd.read_parquet(out)["probability"].to_numpy().tobytes() == wanted.tobytes()
    drift = ["drift", "--model", str(bundle), "--current", str(path), "--no-report"]
    assert monitor([*drift, "--out", str(tmp_path / "drift")]) == 0
    found = json.loads((tmp_path / "drift" / "drift.json").read_bytes())
    assert {column["psi"] for column in found["columns"]} == {0.0}
    assert main(["verify", str(model), "--rows", str(path)]) == 0


def test_the_cut_off_by_cost_is_that_of_lightgbms_own_scores(
    trained: tuple[Path, lgb.Booster, pd.DataFrame], usual: Path
) -> None:
    """A zip code read as a number would be missing in every row, and the cut-off another's."""
    _, booster, rows = trained
    scores = np.asarray(booster.predict(rows.drop(columns="bad")))
    policy = json.loads((usual / "manifest.json").read_bytes())["policy"]
    cost = [
        5 * ((scores < t) & (rows.bad == 1)).sum() + ((scores >= t) & (rows.bad == 0)).sum()
        for t in np.append(scores, np.inf)
    ]
    assert policy["chosen"]["cost_per_row"] == pytest.approx(min(cost) / len(rows))


def test_what_was_true_and_false_is_told_by_the_manifest(usual: Path) -> None:
    features = json.loads((usual / "manifest.json").read_bytes())["features"]
    assert [each["name"] for each in features if each.get("boolean")] == ["owner"]


@pytest.mark.parametrize(
    ("values", "boolean"),
    [
        ([0, 1], True), ([0.0, 1.0], True), ([0, 1, np.nan], True), ([False, True], True),
        ([0, 1, 2], False), ([0, 0.5, 1], False), ([-1, 0, 1], False), ([1, 2], False),
        ([0, 1e-3, 1], False), ([0, 100], False), ([-1, 1], False), ([0.2, 0.7], False),
    ],
)  # fmt: skip
def test_a_number_counts_as_true_or_false_where_training_knew_0_and_1_alone(
    tmp_path: Path, values: list[float], boolean: bool
) -> None:
    draw = np.random.default_rng(1)
    x = draw.choice(np.array(values, np.float64), 2000)
    X = pd.DataFrame({"x": x, "z": draw.normal(size=2000)})
    y = X.x.fillna(0.3) + X.z > 0.8
    lgb.train({"objective": "binary", "verbose": -1}, lgb.Dataset(X, y), 10).save_model(
        tmp_path / "model.txt"
    )
    told = ["--name", "m", "--version", "1", "--out", str(tmp_path)]
    assert main([str(tmp_path / "model.txt"), *told]) == 0
    found = json.loads((tmp_path / "m" / "1" / "manifest.json").read_bytes())["features"][0]
    assert found.get("boolean", False) is boolean


def test_values_that_are_no_category_are_counted_and_said_and_are_not_missing(
    trained: tuple[Path, lgb.Booster, pd.DataFrame],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Missing was trained here, so nothing else would speak of them."""
    model, _, rows = trained
    odd = rows.assign(zip=rows.zip.astype(object).where(rows.index % 10 > 0, "99999"))
    odd.to_csv(tmp_path / "odd.csv", index=False)
    bundle = converted(model, tmp_path / "odd.csv", tmp_path)
    said = capsys.readouterr().err
    assert "zip: not a known category in 300 of 3000 reference rows" in said
    zips = json.loads((bundle / "profile.json").read_bytes())["features"][2]
    assert (zips["name"], zips["unseen"]) == ("zip", 300)
    assert zips["missing"] == int(odd.zip.isna().sum())
    for current in (tmp_path / "odd.csv", bundle / "reference.parquet"):
        assert monitor(["drift", "--model", str(bundle), "--current", str(current)]) == 0


def test_numbers_whose_squares_are_not_finite_have_a_profile(
    trained: tuple[Path, lgb.Booster, pd.DataFrame], tmp_path: Path
) -> None:
    model, _, rows = trained
    huge = rows.assign(income=rows.income.where(rows.index % 2 > 0, 1.5e308 * np.sign(rows.income)))
    huge.to_csv(tmp_path / "huge.csv", index=False)
    bundle = converted(model, tmp_path / "huge.csv", tmp_path)
    income = json.loads((bundle / "profile.json").read_bytes())["features"][0]
    scaled = (huge.income / 2.0**1000).to_numpy()
    assert income["mean"] == pytest.approx(scaled.mean() * 2.0**1000)
    assert income["std"] == pytest.approx(scaled.std() * 2.0**1000)
    assert monitor(["drift", "--model", str(bundle), "--current", str(tmp_path / "huge.csv")]) == 0


def test_a_cell_that_does_not_fit_is_told_alike_by_all(
    trained: tuple[Path, lgb.Booster, pd.DataFrame],
    usual: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, _, rows = trained
    prices = [str(price) for price in rows.price.head(300)]
    prices[41] = "240_000"
    path = FORMS["CSV"]({**cells(rows.head(300)), "price": prices}, tmp_path)
    told = ["--name", "m", "--version", "1", "--out", str(tmp_path), "--reference", str(path)]
    out = str(tmp_path / "scored.csv")
    for code, run, given in (
        (2, main, [str(model), *told]),
        (1, main, ["verify", str(model), "--rows", str(path)]),
        (3, monitor, ["drift", "--model", str(usual), "--current", str(path)]),
    ):
        assert run(given) == code
        captured = capsys.readouterr()
        wanted = f'{path}: row 42: price: wanted a finite number, got "240_000"'
        assert wanted in captured.err + captured.out
    with pytest.raises(Exception, match=r'row 42: price: wanted a finite number, got "240_000"'):
        obey(["score", "--model", str(usual), str(path), "-o", out])
