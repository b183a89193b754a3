"""Models are found inside what people have, and nothing of it is ever executed."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import random
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import pyarrow.parquet
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from convert.errors import UnreadableModelError, UnsupportedModelError
from convert.model.oracle import Oracle
from convert.read.loading import load
from tests.converting import convert

SHARED = Path(__file__).parents[4] / "shared"
PICKLES = SHARED / "real-models" / "pickles"
real = pytest.mark.skipif(not PICKLES.is_dir(), reason="the real models are not here")

RNG = np.random.default_rng(2)
X = RNG.normal(size=(400, 3))
Y = (X[:, 0] > 0).astype(int)


def classifier(**options: Any) -> lightgbm.LGBMClassifier:
    settings: dict[str, Any] = {"n_estimators": 6, "num_leaves": 5, "verbosity": -1, "n_jobs": 1}
    return lightgbm.LGBMClassifier(**{**settings, **options})


@pytest.fixture(scope="module")
def fitted() -> lightgbm.LGBMClassifier:
    return classifier().fit(X, Y)


@pytest.fixture(scope="module")
def text(fitted: lightgbm.LGBMClassifier) -> str:
    found: str = fitted.booster_.model_to_string()
    return found


class Planted:
    """Unpickling it creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


def test_a_pickle_that_would_write_a_file_converts_and_writes_none(
    fitted: lightgbm.LGBMClassifier, text: str, tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    (tmp_path / "m.pkl").write_bytes(pickle.dumps([Planted(trap), fitted]))
    assert convert(tmp_path / "m.pkl", tmp_path / "out") == 0
    assert not trap.exists()
    pickle.loads(pickle.dumps(Planted(trap))).close()
    assert trap.exists(), "the trap itself works"
    assert load(tmp_path / "m.pkl").text == text


@pytest.mark.parametrize("protocol", range(2, 6))
def test_every_pickle_protocol(
    fitted: lightgbm.LGBMClassifier, text: str, tmp_path: Path, protocol: int
) -> None:
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(fitted, protocol=protocol))
    assert load(tmp_path / "m.pkl").text == text


@pytest.mark.parametrize(
    "compress", [0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)]
)
def test_joblib_compressed_or_not(
    fitted: lightgbm.LGBMClassifier, text: str, tmp_path: Path, compress: object
) -> None:
    joblib.dump(fitted, tmp_path / "m.joblib", compress=compress)
    assert load(tmp_path / "m.joblib").text == text


@pytest.mark.parametrize("squeeze", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_text_model(text: str, tmp_path: Path, squeeze: object) -> None:
    assert callable(squeeze)
    (tmp_path / "m.txt.z").write_bytes(squeeze(text.encode()))
    assert load(tmp_path / "m.txt.z").text == text


def test_early_stopping_is_followed_as_lightgbms_predict_does(tmp_path: Path) -> None:
    """A booster kept for more training is pickled with the rounds after its best one."""
    data = lightgbm.Dataset(X, Y)
    later = lightgbm.Dataset(X, np.where(RNG.random(400) < 0.3, 1 - Y, Y), reference=data)
    booster = lightgbm.train(
        {"objective": "binary", "verbosity": -1, "num_leaves": 5, "num_threads": 1},
        data,
        80,
        valid_sets=[later],
        callbacks=[lightgbm.early_stopping(3, verbose=False)],
        keep_training_booster=True,
    )
    assert 0 < booster.best_iteration < booster.current_iteration()
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(booster))
    loaded = load(tmp_path / "m.pkl")
    assert loaded.model.iterations == booster.best_iteration
    assert "early stopping" in loaded.notes[0]


def test_the_first_iterations_alone_are_lightgbms_own_prefix(text: str, tmp_path: Path) -> None:
    (tmp_path / "m.txt").write_text(text)
    assert convert(tmp_path / "m.txt", tmp_path, "--num-iteration", "4") == 0
    rows = json.loads((tmp_path / "m/1/golden.json").read_bytes())["rows"]
    X = np.array([row["row"] for row in rows], dtype=np.float64)
    wanted = lightgbm.Booster(model_str=text).predict(X, num_iteration=4)
    assert [row["prediction"][0] for row in rows] == np.asarray(wanted).tolist()
    assert convert(tmp_path / "m.txt", tmp_path / "b", "--num-iteration", "7") == 2


def test_steps_before_the_booster_are_named(tmp_path: Path) -> None:
    pipeline = make_pipeline(StandardScaler(), classifier()).fit(X, Y)
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(pipeline))
    assert convert(tmp_path / "m.pkl", tmp_path) == 2
    assert convert(tmp_path / "m.pkl", tmp_path, "--booster-alone") == 0
    manifest = json.loads((tmp_path / "m/1/manifest.json").read_bytes())
    assert manifest["source"] == {"kind": "pickle", "steps_before": ["StandardScaler"]}


def test_a_wrapper_that_changes_the_answer_is_refused_by_name(tmp_path: Path) -> None:
    calibrated = CalibratedClassifierCV(classifier(), cv=2).fit(X, Y)
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(calibrated))
    with pytest.raises(UnsupportedModelError, match=r"CalibratedClassifierCV|model inside"):
        load(tmp_path / "m.pkl")


def mlflow_folder(place: Path, model: object, names: list[str]) -> Path:
    place.mkdir()
    (place / "model.pkl").write_bytes(pickle.dumps(model))
    columns = json.dumps([{"type": "double", "name": name} for name in names])
    lines = ["flavors:", "  sklearn:", "    pickled_model: model.pkl", "signature:"]
    (place / "MLmodel").write_text("\n".join([*lines, f"  inputs: '{columns}'"]))
    return place


def test_an_mlflow_signature_names_the_columns(
    fitted: lightgbm.LGBMClassifier, tmp_path: Path
) -> None:
    names = ["income", "age", "years employed"]
    loaded = load(mlflow_folder(tmp_path / "a", fitted, names))
    assert loaded.model.feature_names == tuple(names)
    kept = load(mlflow_folder(tmp_path / "b", fitted, names[:2]))
    assert kept.model.feature_names == ("Column_0", "Column_1", "Column_2")


def broken_files(text: str) -> dict[str, bytes]:
    half = text.encode()[: len(text) // 2]
    lines = text.splitlines(keepends=True)
    values = next(i for i, line in enumerate(lines) if line.startswith("leaf_value="))
    short = lines[values].rsplit(" ", 1)[0] + "\n"
    noise = random.Random(1).randbytes(1 << 20)
    return {
        "empty": b"",
        "blank": b"\n \n",
        "cut": half,
        "a tree missing": "".join(lines).replace("Tree=3\n", "Tree=4\n").encode(),
        "a leaf missing": "".join([*lines[:values], short, *lines[values + 1 :]]).encode(),
        "a loop": text.replace("left_child=1", "left_child=0", 1).encode(),
        "not a number": text.replace("leaf_value=", "leaf_value=x", 1).encode(),
        "another size": text.replace("tree_sizes=", "tree_sizes=1", 1).encode(),
        "a weight damaged": text.replace("leaf_weight=", "leaf_weight=x", 1).encode(),
        "a parameter damaged": text.replace("[boosting: gbdt]", "boosting", 1).encode(),
        "no number of classes": text.replace("num_class=1\n", "", 1).encode(),
        "noise": noise * 100,
        "zlib noise": b"x\x9c" + noise,
        "xgboost json": b'{"learner":{"attributes":{}},"version":[2,0,0]}',
        "xgboost binary": b"binf" + noise,
        "catboost": b"CBM1" + noise,
        "pickle of nothing": pickle.dumps({"a": 1}),
        "a version to come": text.replace("version=v4", "version=v9").encode(),
        "an unknown objective": text.replace("objective=binary", "objective=wished").encode(),
        "a sigmoid that is no number": text.replace("sigmoid:1", "sigmoid:abc").encode(),
        "a sigmoid that is not one": text.replace("sigmoid:1", "sigmoid:nan").encode(),
        "no trees an iteration": text.replace("iteration=1", "iteration=0", 1).encode(),
        "two trees an iteration": text.replace("iteration=1", "iteration=2", 1).encode(),
        "a range without an end": text.replace("feature_infos=[-", "feature_infos=[nan:0] [-", 1)
        .replace("max_feature_idx=2", "max_feature_idx=3")
        .replace("Column_2", "Column_2 Column_3", 1)
        .encode(),
        "a range from high to low": text.replace(
            "feature_infos=[-", "feature_infos=[9", 1
        ).encode(),
        "one name twice": text.replace("Column_0 Column_1", "Column_0 Column_0", 1).encode(),
        "categories not in lists": named(text, "[1, 2]"),
        "one category twice": named(text, '[["a", "b", "a"]]'),
        "a leaf that is not finite": endless(text),
    }


def named(text: str, categories: str) -> bytes:
    """Put other categories at the end of a model text."""
    return (
        text.partition("pandas_categorical:")[0] + f"pandas_categorical:{categories}\n"
    ).encode()


def endless(text: str) -> bytes:
    """Make the first leaf of a model infinite."""
    lines = [line for line in text.split("\n") if not line.startswith("tree_sizes=")]
    at = next(i for i, line in enumerate(lines) if line.startswith("leaf_value="))
    lines[at] = "leaf_value=inf " + lines[at].partition(" ")[2]
    return "\n".join(lines).encode()


def test_what_is_no_model_gets_one_clear_line_and_nothing_is_written(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in broken_files(text).items():
        (tmp_path / "m").write_bytes(content)
        assert convert(tmp_path / "m", tmp_path / "out") == 2, name
        message = capsys.readouterr().err.splitlines()[-1]
        assert message.startswith("convert: "), name
        assert len(message) < 300, name
        assert not (tmp_path / "out" / "m").exists(), name


def test_a_text_cut_anywhere_is_refused_or_whole(text: str, tmp_path: Path) -> None:
    whole = text.encode()
    end = whole.index(b"end of parameters")
    for size in range(0, end, 97):
        (tmp_path / "m.txt").write_bytes(whole[:size])
        try:
            loaded = load(tmp_path / "m.txt")
        except UnreadableModelError:
            continue
        assert len(loaded.model.trees) == 6, size


def test_a_folder_without_an_mlmodel_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableModelError, match="MLmodel"):
        load(tmp_path)


@real
@pytest.mark.parametrize(
    ("name", "first"),
    [("zilliox", "SK_ID_CURR"), ("medlion", "AMT_INCOME_TOTAL"), ("sainat", "CODE_GENDER")],
)
def test_the_real_pickles_load_with_real_names(name: str, first: str) -> None:
    """medlion's ColumnTransformer moves columns; the order it keeps is read from the opcodes."""
    names = load(PICKLES / name).model.feature_names
    assert names[0] == first
    assert len(set(names)) == len(names)


@real
def test_zillioxs_rows_get_the_scores_it_was_published_with(tmp_path: Path) -> None:
    place = PICKLES / "zilliox"
    rows = str(place / "rows.parquet")
    assert (
        convert(place, tmp_path, "--reference", rows, "--label", "TARGET", "--missing", "zero") == 0
    )
    manifest = json.loads((tmp_path / "m/1/manifest.json").read_bytes())
    policies = {feature["missing"]["policy"] for feature in manifest["features"]}
    assert policies == {"zero", "unused"}
    sample = pyarrow.parquet.read_table(tmp_path / "m/1/reference.parquet")
    found = sample.column("__prediction").to_numpy()
    expected = np.load(io.BytesIO((place / "expected_scores.npy").read_bytes()))
    assert len(found) == 3000
    assert found.tobytes() == expected.tobytes()


def test_a_tree_lightgbm_does_not_find_is_an_error_of_ours(text: str) -> None:
    with pytest.raises(UnreadableModelError, match="no tree 99"):
        Oracle(text, 6).leaf_values(99, 3)
