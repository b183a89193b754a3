"""Real models nobody here wrote, and every kind of model served over HTTP."""

import json
import os
from pathlib import Path
from typing import Any

import httpx
import lightgbm
import numpy as np
import pandas as pd
import pytest

from convert.__main__ import main
from convert.prove.kinds import KINDS
from tests.conftest import Running, Serve

SHARED = Path(os.environ.get("CREDIT_SHARED", Path(__file__).parents[3] / "shared"))
REAL = SHARED / "real-models"
real = pytest.mark.skipif(
    not REAL.is_dir(), reason="the real models may not be redistributed and are not here"
)


@real
def test_one_command_verifies_every_real_model(capsys: pytest.CaptureFixture[str]) -> None:
    more = ["models/credit-predictor.txt", "models/airline.txt"]
    more += [f"pickles/{name}" for name in ("zilliox", "medlion", "sainat")]
    assert main(["verify", str(REAL / "cases.json"), *(str(REAL / path) for path in more)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("\nexact ") + printed.startswith("exact ") == 22
    assert "FAILED" not in printed
    assert "22 of 22 models exact" in printed
    assert "17 of 17 published outputs reproduced" in printed


def convert(model: Path, out: Path, *more: str) -> Path:
    assert main([str(model), "--name", "m", "--version", "1", "--out", str(out), *more]) == 0
    return out / "m/1"


def post(server: Running, row: dict[str, Any]) -> httpx.Response:
    return httpx.post(f"{server.url}/score", json=row)


@real
def test_a_missing_value_no_split_knows_is_an_error_or_a_recorded_choice(
    serve: Serve, tmp_path: Path
) -> None:
    model = REAL / "pickles/zilliox"
    row = pd.read_parquet(model / "rows.parquet").iloc[0].drop("TARGET")
    sent = {str(key): None if np.isnan(value) else float(value) for key, value in row.items()}
    name = "EXT_SOURCE_2"
    gone = {**sent, name: None}
    with serve(convert(model, tmp_path / "error"), tmp_path / "error") as server:
        answer = post(server, gone)
        assert answer.status_code == 422
        assert name in answer.text
    bundle = convert(model, tmp_path / "zero", "--missing", "zero")
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    told = next(each for each in manifest["features"] if each["name"] == name)
    assert told["missing"] == {"trained": False, "allowed": True, "policy": "zero", "value": 0.0}
    booster = lightgbm.Booster(model_file=bundle / "model.txt")
    order = booster.feature_name()
    X = np.array([[np.nan if gone[f] is None else gone[f] for f in order]], dtype=np.float64)
    with serve(bundle, tmp_path / "zero") as server:
        answer = post(server, gone)
        assert answer.json()["probability"] == np.asarray(booster.predict(X))[0]


SERVED = [
    "multiclass", "multiclassova, sigmoid 1.5", "regression, reg_sqrt", "poisson", "lambdarank",
    "cross_entropy_lambda", "own objective, 3 outputs", "random forest",
    "random forest, multiclass",
    "linear_tree, missing values", "linear_tree, multiclass", "zero_as_missing", "one-leaf trees",
]  # fmt: skip


@pytest.mark.parametrize("name", SERVED)
def test_the_server_answers_every_kind_with_lightgbms_bits(
    name: str, serve: Serve, tmp_path: Path
) -> None:
    (kind,) = (kind for kind in KINDS if kind.name == name)
    (tmp_path / "model.txt").write_text(kind.text())
    booster = lightgbm.Booster(model_file=tmp_path / "model.txt")
    bundle = convert(tmp_path / "model.txt", tmp_path / "models")
    X = np.random.default_rng(9).normal(size=(20, 5))
    X[3, 1] = 0.0
    wanted = np.asarray(booster.predict(X)).reshape(20, -1).tolist()
    rows = [{f"Column_{i}": x for i, x in enumerate(row)} for row in X.tolist()]
    with serve(bundle, tmp_path) as server:
        answers = httpx.post(f"{server.url}/score", json=rows).json()
    assert [numbers(answer) for answer in answers] == wanted


def numbers(answer: dict[str, Any]) -> list[float]:
    if "probabilities" in answer:
        return list(answer["probabilities"].values())
    found = answer["probability"] if "probability" in answer else answer["value"]
    return found if isinstance(found, list) else [found]
