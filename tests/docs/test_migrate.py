"""The commands and requests of docs/migrate.md that are ours, run as they stand there."""

import json
import os
import re
import shlex
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import joblib
import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from tests.conftest import ROOT, running

PAGE = (ROOT / "docs" / "migrate.md").read_text()
NOW = [block.replace("\\\n", " ") for block in re.findall(r"```sh\n(.*?)```", PAGE, re.S)]
ANSWERS = [
    json.loads(block.replace("…", "")) for block in re.findall(r"```json\n(.*?)```", PAGE, re.S)
]
NAMES = ["from-pickle", "from-mlflow", "from-mlserver"]
APPLICANT = {"income": 2069, "loan": 4017, "age": 42, "months_employed": None, "purpose": 2}


def rows(count: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "income": random.lognormal(7.8, 0.4, count).round(),
            "loan": random.lognormal(8.5, 0.6, count).round(),
            "age": random.integers(18, 75, count).astype(float),
            "months_employed": random.exponential(50, count).round(),
            "purpose": random.integers(0, 3, count),
        }
    )
    table.loc[random.random(count) < 0.1, "months_employed"] = np.nan
    odds = np.log(table["loan"] / table["income"]) + (table["purpose"] == 2) - 2
    return table.assign(default=(random.random(count) < 1 / (1 + np.exp(-odds))).astype(int))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the three bring: a pickle, MLflow's folder, MLServer's text; each converted as told."""
    place = tmp_path_factory.mktemp("migrate")
    table = rows(2000, 1)
    X, y = table.drop(columns="default"), table["default"]
    model = lgb.LGBMClassifier(n_estimators=20, num_leaves=8, n_jobs=1, verbosity=-1)
    model.fit(X, y, categorical_feature=["purpose"])
    joblib.dump(model, place / "model.pkl")
    model.booster_.save_model(place / "model.bst")
    (place / "mlflow-model").mkdir()
    model.booster_.save_model(place / "mlflow-model" / "model.lgb")
    kinds = {name: "long" if name == "purpose" else "double" for name in X}
    inputs = json.dumps([{"name": name, "type": kind} for name, kind in kinds.items()])
    (place / "mlflow-model" / "MLmodel").write_text(
        f"flavors:\n  lightgbm:\n    data: model.lgb\nsignature:\n  inputs: '{inputs}'\n"
    )
    rows(1000, 2).to_parquet(place / "held-out.parquet")
    for line in lines("python -m convert"):
        command = [sys.executable, *shlex.split(line)[1:]]
        path = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=place, env=path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return place


def lines(begin: str) -> list[str]:
    return [line for block in NOW for line in block.splitlines() if line.startswith(begin)]


@pytest.fixture(scope="module")
def asked(folder: Path) -> list[Any]:
    """What the server answers to the page's requests, each sent to its model."""
    (folder / "log").mkdir()
    said = []
    with running(folder / "models", folder / "log", "--default", NAMES[0]) as server:
        for line in lines("curl"):
            words = shlex.split(line)
            url = words[2].replace("http://127.0.0.1:8000", server.url)
            header = dict([words[words.index("-H") + 1].split(": ")])
            body = words[words.index("-d") + 1].encode()
            with urllib.request.urlopen(urllib.request.Request(url, body, header)) as answer:
                said.append(json.load(answer))
    return said


def test_each_section_converts_serves_and_asks() -> None:
    for begin in ("python -m convert", "python -m server --model", "curl"):
        assert len(lines(begin)) == len(NAMES), begin
    for name, line in zip(NAMES, lines("python -m server"), strict=True):
        assert f"models/{name}/1" in line


def test_each_way_gives_lightgbms_own_bits(folder: Path, asked: list[Any]) -> None:
    row = pd.DataFrame([APPLICANT]).astype(float)
    expected = lgb.Booster(model_file=folder / "model.bst").predict(row)[0]
    pickled, listed, tensors = asked
    (from_list,) = listed
    outputs = {each["name"]: each["data"] for each in tensors["outputs"]}
    assert pickled["probability"] == expected
    assert from_list["probability"] == expected
    assert outputs["prediction"] == [expected]
    assert pickled["decision"] == from_list["decision"] == outputs["decision"][0]


def test_the_answers_on_the_page_have_the_shape_of_todays(asked: list[Any]) -> None:
    """The page's numbers are of a larger model; its keys are those of the server."""
    for told, answer in zip(ANSWERS[1::2], asked, strict=True):
        assert shape(told) == shape(answer), answer


def shape(value: Any) -> Any:
    """Return a JSON document with the kinds of its values in their place, once each in a list."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        kinds = list(map(shape, value))
        return [kind for place, kind in enumerate(kinds) if kind not in kinds[:place]]
    return type(value).__name__
