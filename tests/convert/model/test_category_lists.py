"""Whose the lists of pandas_categorical are: given where nothing else could own them, or asked."""

import json
from pathlib import Path
from typing import Any

import httpx
import lightgbm as lgb
import msgspec
import numpy as np
import pandas as pd
import pytest

from convert.__main__ import main
from monitoring.__main__ import main as monitor
from server.cli import obey as serve
from tests.conftest import running

GRADES = list("ABCDEFG")
PLAIN = {"objective": "binary", "verbose": -1, "num_threads": 1, "seed": 1}


def frame(rows: int = 3000, seed: int = 2) -> pd.DataFrame:
    """An ordered category of numbers, whole numbers used as a category, and a number."""
    draw = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "income": draw.normal(size=rows),
            "schooling": pd.Categorical(
                draw.integers(1, 4, rows), categories=[1, 2, 3], ordered=True
            ),
            "status": draw.integers(1, 4, rows),
        }
    )


def bad(X: pd.DataFrame) -> "pd.Series[bool]":
    noise = np.random.default_rng(3).normal(size=len(X))
    codes = sum(X[name].cat.codes for name in X.select_dtypes("category"))
    return X.income + codes * 0.6 + (X.iloc[:, -1].astype("str").str[-1] > "2") + noise > 1


def trained(X: pd.DataFrame, folder: Path, *nominal: str) -> lgb.Booster:
    data = lgb.Dataset(X, bad(X), categorical_feature=list(nominal) or "auto")
    model = lgb.train(PLAIN, data, 12)
    model.save_model(folder / "model.txt")
    return model


def converted(folder: Path, *more: object) -> int:
    """Convert model.txt of a folder; returns the exit code."""
    told = ["--name", "m", "--version", "1", "--out", str(folder), "--force", *map(str, more)]
    return main([str(folder / "model.txt"), *told])


def features(folder: Path) -> dict[str, dict[str, Any]]:
    read = json.loads((folder / "m" / "1" / "manifest.json").read_bytes())
    return {feature["name"]: feature for feature in read["features"]}


def offline(folder: Path, X: pd.DataFrame, suffix: str) -> "np.ndarray[Any, Any]":
    """Score rows by `server score`."""
    file, out = folder / f"rows{suffix}", folder / "scored.parquet"
    X.to_parquet(file) if suffix == ".parquet" else X.to_csv(file, index=False)
    assert serve(["score", "--model", str(folder / "m" / "1"), str(file), "-o", str(out)]) == 0
    return pd.read_parquet(out)["probability"].to_numpy()


def test_a_list_goes_to_the_one_column_that_can_own_it(tmp_path: Path) -> None:
    """Counted alone, the list would go to status, and most scores would be another's."""
    X = frame()
    model = trained(X, tmp_path, "status")
    assert converted(tmp_path) == 0
    found = features(tmp_path)
    assert (found["schooling"]["categories"], found["schooling"]["ordered"]) == ([1, 2, 3], True)
    assert (found["status"]["codes"], "ordered" in found["status"]) == ([1.0, 2.0, 3.0], False)
    for suffix in (".csv", ".parquet"):
        assert (offline(tmp_path, X.head(500), suffix) == model.predict(X.head(500))).all()


def codes(X: pd.DataFrame) -> pd.DataFrame:
    """The same with a status of 0, 1, 2, which could be codes of the list as well."""
    return X.assign(status=X.status - 1)


def test_what_stays_open_is_asked_for_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    X = codes(frame())
    model = trained(X, tmp_path, "status")
    assert converted(tmp_path) == 2
    said = capsys.readouterr().err
    assert "the list 1, 2, 3 of pandas_categorical may belong to schooling or status" in said
    assert "--categories COLUMN" in said
    assert not (tmp_path / "m").exists()
    assert converted(tmp_path, "--categories", "schooling") == 0
    assert (offline(tmp_path, X.head(500), ".csv") == model.predict(X.head(500))).all()
    assert main(["inspect", str(tmp_path / "model.txt")]) == 0
    assert "may belong to schooling or status" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_reference_rows_decide_what_the_model_leaves_open(tmp_path: Path, suffix: str) -> None:
    """By their types, and by their values: 0 is no value of the list, and 3 no code of it."""
    X = codes(frame())
    trained(X, tmp_path, "status")
    rows = tmp_path / f"reference{suffix}"
    X.to_parquet(rows) if suffix == ".parquet" else X.to_csv(rows, index=False)
    assert converted(tmp_path, "--reference", rows) == 0
    found = features(tmp_path)
    assert found["schooling"]["categories"] == [1, 2, 3]
    assert found["status"]["categories"] == [0, 1, 2]


@pytest.mark.parametrize(
    ("named", "wanted"),
    [
        (["nobody"], "the model has no such feature"),
        (["income"], "no 1 features in this order hold such values"),
        (["schooling", "status"], "no 1 features in this order hold such values"),
    ],
)
def test_a_name_that_cannot_be_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], named: list[str], wanted: str
) -> None:
    trained(codes(frame()), tmp_path, "status")
    assert converted(tmp_path, "--categories", *named) == 2
    assert wanted in capsys.readouterr().err


def test_names_for_a_model_without_lists_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    X = frame()[["income", "status"]]
    lgb.train(PLAIN, lgb.Dataset(X, X.income > 0), 3).save_model(tmp_path / "model.txt")
    assert converted(tmp_path, "--categories", "status") == 2
    assert "the model lists no categories" in capsys.readouterr().err


def others(rows: int) -> dict[str, "pd.Series[Any] | np.ndarray[Any, Any]"]:
    draw = np.random.default_rng(5)
    return {
        "a flag": draw.integers(0, 2, rows),
        "true and false": draw.integers(0, 2, rows) == 1,
        "a constant": np.zeros(rows),
        "codes with gaps": draw.choice([0, 2], rows),
        "codes and missing": draw.choice([0, 1, np.nan], rows),
        "a share": np.where(draw.random(rows) < 0.3, draw.integers(0, 2, rows), draw.random(rows)),
        "halves": draw.choice([0, 0.5, 1], rows),
        "below zero": draw.integers(-1, 2, rows),
        "one too many": draw.integers(0, 4, rows),
        "large": draw.integers(10, 12, rows),
        "tiny": draw.choice([0, 1e-3], rows),
        "years": draw.integers(2000, 2003, rows),
    }


COULD_OWN = ("a flag", "true and false", "a constant", "codes with gaps", "codes and missing")


@pytest.mark.parametrize("other", others(1))
def test_only_columns_whose_values_are_codes_are_candidates(tmp_path: Path, other: str) -> None:
    """Beside a nominal category of three values, the list's true owner."""
    X = pd.DataFrame({"income": np.random.default_rng(1).normal(size=2000)})
    X["job"] = pd.Categorical(np.random.default_rng(2).choice(["x", "y", "z"], 2000))
    X["other"] = others(2000)[other]
    draw = np.random.default_rng(3).normal(size=2000)
    y = X.income + (X.job == "x") + X.other.astype(float).fillna(0) * 0.8 + draw > 1
    lgb.train(PLAIN, lgb.Dataset(X, y), 12).save_model(tmp_path / "model.txt")
    assert converted(tmp_path) == (2 if other in COULD_OWN else 0)
    assert converted(tmp_path, "--categories", "job") == 0
    assert features(tmp_path)["job"]["categories"] == ["x", "y", "z"]
    X.to_csv(tmp_path / "rows.csv", index=False)
    assert converted(tmp_path, "--reference", tmp_path / "rows.csv") == 0
    found = features(tmp_path)
    assert found["job"]["categories"] == ["x", "y", "z"]
    assert found["other"]["type"] == "number"


def graded(rows: int = 3000) -> pd.DataFrame:
    """Grades with a missing one here and there."""
    draw = np.random.default_rng(7)
    grade = draw.choice([*GRADES, ""], rows)
    return pd.DataFrame(
        {
            "income": draw.normal(size=rows),
            "grade": pd.Categorical(grade, categories=GRADES, ordered=True),
        }
    )


@pytest.fixture(scope="module")
def grades(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, lgb.Booster, pd.DataFrame]:
    folder, X = tmp_path_factory.mktemp("grades"), graded()
    draw = np.random.default_rng(3).normal(size=len(X))
    y = X.income + X.grade.cat.codes * 0.5 + draw > 2
    model = lgb.train(PLAIN, lgb.Dataset(X, y), 12)
    model.save_model(folder / "model.txt")
    X.assign(bad=y * 1).to_csv(folder / "reference.csv", index=False)
    assert converted(folder, "--reference", folder / "reference.csv", "--threshold", ".5") == 0
    return folder, model, X


def test_an_ordered_category_is_sent_by_name_and_scored_by_its_code(
    grades: tuple[Path, lgb.Booster, pd.DataFrame],
) -> None:
    """JSON, MessagePack, tensors and files, by both engines: LightGBM's own bits."""
    folder, model, X = grades
    rows = X.head(200)
    wanted = np.asarray(model.predict(rows)).tolist()
    names = [grade if isinstance(grade, str) else None for grade in rows.grade]
    pairs = list(zip(rows.income.tolist(), names, strict=True))
    sent: list[dict[str, Any]] = [{"income": x, "grade": grade} for x, grade in pairs]
    data = [[x, None if grade is None else GRADES.index(grade)] for x, grade in pairs]
    tensor_of = {"name": "X", "shape": [200, 2], "datatype": "FP64", "data": data}
    for engine in ("native", "onnxruntime"):
        log = folder / engine
        log.mkdir()
        with running(folder / "m" / "1", log, "--engine", engine) as server:
            for kind, encode, decode in (
                ("json", msgspec.json.encode, msgspec.json.decode),
                ("msgpack", msgspec.msgpack.encode, msgspec.msgpack.decode),
            ):
                head = {"Content-Type": f"application/{kind}"}
                body = httpx.post(f"{server.url}/score", content=encode(sent), headers=head)
                assert [each["probability"] for each in decode(body.content)] == wanted
                one = httpx.post(f"{server.url}/score", content=encode(sent[0]), headers=head)
                assert decode(one.content)["probability"] == wanted[0]
            refused = httpx.post(f"{server.url}/score", json=sent[0] | {"grade": 1})
            assert refused.status_code == 422
            assert 'grade: wanted one of "A"' in refused.json()["detail"]
            said = httpx.post(f"{server.url}/v2/models/m/infer", json={"inputs": [tensor_of]})
            assert wanted in [each["data"] for each in said.json()["outputs"]], said.text
            half = {**tensor_of, "data": [[0.5, 1.5], *data[1:]]}
            told = httpx.post(f"{server.url}/v2/models/m/infer", json={"inputs": [half]})
            assert (told.status_code, "not a code" in told.text) == (400, True)
            document = httpx.get(f"{server.url}/openapi.json").text
            assert '"in this order"' in document
    for suffix in (".csv", ".parquet"):
        assert offline(folder, rows, suffix).tolist() == wanted


def test_drift_reads_an_ordered_category_and_asks_whether_it_went_up(
    grades: tuple[Path, lgb.Booster, pd.DataFrame], tmp_path: Path
) -> None:
    folder, _, X = grades
    given = ["drift", "--model", str(folder / "m" / "1"), "--no-report", "--out", str(tmp_path)]
    for name, shift, code in (("same", 0, 0), ("down", 2, 1)):
        now = X.assign(grade=X.grade.cat.codes.clip(upper=6 - shift) + shift)
        now["grade"] = now.grade.where(X.grade.notna()).map(dict(enumerate(GRADES)))
        now.to_csv(tmp_path / f"{name}.csv", index=False)
        assert monitor([*given, "--current", str(tmp_path / f"{name}.csv")]) == code
        drift = json.loads((tmp_path / "drift.json").read_bytes())
        grade = next(each for each in drift["columns"] if each["name"] == "grade")
        assert grade["bins"]["labels"] == GRADES
        assert (grade["superiority"] > 0.6) == (code == 1)


def test_inspect_says_which_column_got_which_list(
    grades: tuple[Path, lgb.Booster, pd.DataFrame], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(grades[0] / "model.txt")]) == 0
    said = capsys.readouterr().out
    assert "grade has the categories A, B, C, D, E … (7), ordered" in said


def test_a_category_that_is_infinite_is_told_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    X = graded()[["income"]]
    ratio = np.random.default_rng(0).choice([0.5, 2.0, np.inf], len(X))
    X["ratio"] = pd.Categorical(ratio)
    y = X.income + (ratio > 1) + np.random.default_rng(1).normal(size=len(X)) > 1
    lgb.train(PLAIN, lgb.Dataset(X, y), 5).save_model(tmp_path / "model.txt")
    assert converted(tmp_path) == 0
    assert "inf in the list 0.5, 2.0, inf of pandas_categorical can" in capsys.readouterr().err
    ratio_of = features(tmp_path)["ratio"]
    assert (ratio_of["categories"], ratio_of["codes"]) == ([0.5, 2.0], [0.0, 1.0])


def test_after_refit_categories_are_those_of_the_list_and_ranges_those_of_the_splits(
    grades: tuple[Path, lgb.Booster, pd.DataFrame],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, model, X = grades
    some = X[X.grade.isin(["C", "D"]) & (X.income > 0.3)]
    refitted = model.refit(some, some.income > 1)
    refitted.save_model(tmp_path / "model.txt")
    assert converted(tmp_path, "--categories", "grade") == 0
    assert "not those of training (income" in capsys.readouterr().err
    found = features(tmp_path)
    assert found["grade"]["categories"] == GRADES
    assert found["income"]["seen"]["min"] < 0
    assert (offline(tmp_path, X.head(300), ".csv") == refitted.predict(X.head(300))).all()


def test_after_refit_the_categories_of_sets_are_still_accepted(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    Z = np.column_stack([draw.normal(size=4000), draw.integers(0, 9, 4000)])
    y = (Z[:, 1] % 3 == 0) + Z[:, 0] > 0.5
    model = lgb.train(PLAIN, lgb.Dataset(Z, y, categorical_feature=[1]), 10)
    few = Z[:, 1] < 5
    model.refit(Z[few], y[few]).save_model(tmp_path / "model.txt")
    assert converted(tmp_path) == 0
    assert {0, 3, 6} <= set(features(tmp_path)["Column_1"]["categories"])


@pytest.mark.parametrize("how", ["refit", "init_model"])
def test_trees_of_another_list_of_categories_are_told(
    how: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last table lacks the first category, so that every code of its list means another one."""
    draw = np.random.default_rng(0)
    grade = draw.choice(GRADES, 4000)
    y = np.isin(grade, list("BDG")) ^ (draw.random(4000) < 0.2)
    X = pd.DataFrame({"grade": pd.Categorical(grade)})
    model = lgb.train(PLAIN, lgb.Dataset(X, y), 5)
    few = grade != "A"
    fewer = X[few].assign(grade=X.grade[few].cat.remove_unused_categories())
    if how == "refit":
        again = model.refit(fewer, y[few])
    else:
        again = lgb.train(PLAIN, lgb.Dataset(fewer, y[few]), 5, init_model=model)
    for each, told in ((model, False), (again, True)):
        each.save_model(tmp_path / "model.txt")
        assert converted(tmp_path) == 0
        said = "grade has 6 categories and a split asks for number 7" in capsys.readouterr().err
        assert said == told


def test_a_signature_of_mlflow_decides_by_its_types(tmp_path: Path) -> None:
    """As MLflow writes the folder: MLmodel, and the booster's text beside."""
    X = pd.DataFrame({"income": np.random.default_rng(1).normal(size=2000)})
    X["job"] = pd.Categorical(np.random.default_rng(2).choice(["x", "y"], 2000))
    X["owner"] = np.random.default_rng(3).integers(0, 2, 2000) == 1
    y = X.income + (X.job == "x") + X.owner + np.random.default_rng(4).normal(size=2000) > 1
    lgb.train(PLAIN, lgb.Dataset(X, y), 8).save_model(tmp_path / "model.lgb")
    kinds = {"income": "double", "job": "string", "owner": "boolean"}
    inputs = json.dumps([{"name": name, "type": kind} for name, kind in kinds.items()])
    (tmp_path / "MLmodel").write_text(
        "flavors:\n  lightgbm:\n    data: model.lgb\nsignature:\n  inputs: '" + inputs + "'\n"
    )
    told = ["--name", "m", "--version", "1", "--out", str(tmp_path / "out")]
    assert main([str(tmp_path), *told]) == 0
    found = features(tmp_path / "out")
    assert found["job"]["categories"] == ["x", "y"]
    assert found["owner"]["boolean"] is True
