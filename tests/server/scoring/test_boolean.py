"""True and false are 1 and 0 for a number that the manifest calls boolean, and for no other."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import lightgbm as lgb
import msgspec
import numpy as np
import pandas as pd
import pytest

from tests.conftest import Running, Serve, convert

BOTH_LANES = True
FIT = {"AGE": 40, "OWNS_CAR": True, "MARRIED": False}
ENCODERS = {"application/json": msgspec.json.encode, "application/msgpack": msgspec.msgpack.encode}


def rows(count: int, seed: int) -> pd.DataFrame:
    """Draw ages and two features of true and false, the second of which may be missing."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "AGE": rng.integers(18, 90, count).astype(float),
            "OWNS_CAR": (rng.random(count) < 0.4).astype(float),
            "MARRIED": (rng.random(count) < 0.6).astype(float),
        }
    )
    frame.loc[rng.random(count) < 0.1, "MARRIED"] = np.nan
    return frame


@pytest.fixture(scope="module")
def booster() -> lgb.Booster:
    frame = rows(3000, 1)
    chance = 0.1 + 0.5 * frame.OWNS_CAR + 0.2 * frame.MARRIED.isna() - 0.001 * frame.AGE
    bad = np.random.default_rng(2).random(3000) < chance
    options = {"objective": "binary", "num_leaves": 15, "verbose": -1, "num_threads": 1}
    return lgb.train(options, lgb.Dataset(frame, bad), num_boost_round=30)


@pytest.fixture(scope="module")
def boolean(booster: lgb.Booster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose manifest says which numbers were true or false in training."""
    folder = tmp_path_factory.mktemp("boolean")
    booster.save_model(folder / "model.txt")
    rows(3000, 1).to_parquet(folder / "reference.parquet")
    convert(
        folder / "model.txt", "--name", "boolean", "--version", "1", "--out",
        str(folder / "models"), "--reference", str(folder / "reference.parquet"),
        "--threshold", "0.4",
    )  # fmt: skip
    made = folder / "models" / "boolean" / "1"
    say_boolean(made)
    return made


def say_boolean(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    for feature in manifest["features"]:
        if feature["name"] != "AGE":
            feature["boolean"] = True
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    digest = hashlib.sha256((bundle / "manifest.json").read_bytes()).hexdigest()
    sums = (bundle / "SHA256SUMS").read_text().splitlines()
    lines = [f"{digest}  manifest.json" if s.endswith("  manifest.json") else s for s in sums]
    (bundle / "SHA256SUMS").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module", params=["native", "onnxruntime"])
def up(
    boolean: Path, serve: Serve, tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Running]:  # fmt: skip
    with serve(boolean, tmp_path_factory.mktemp("log"), "--engine", request.param) as server:
        yield server


def post(server: Running, sent: Any, media_type: str) -> httpx.Response:
    head = {"Content-Type": media_type, "Accept": "application/json"}
    return httpx.post(f"{server.url}/score", content=ENCODERS[media_type](sent), headers=head)


@pytest.mark.parametrize("media_type", ENCODERS)
def test_true_and_false_score_as_lightgbm_scores_1_and_0(
    up: Running, booster: lgb.Booster, media_type: str
) -> None:
    frame = rows(300, 3)
    wanted = np.asarray(booster.predict(frame)).tobytes()
    spelled = {1.0: True, 0.0: False}
    for spell in (spelled.get, lambda x: spelled.get(x) if x else x, float, lambda x: x and int(x)):
        sent = [
            {"AGE": age, "OWNS_CAR": spell(car), "MARRIED": None if m != m else spell(m)}
            for age, car, m in frame.to_numpy().tolist()
        ]
        answers = post(up, sent, media_type).json()
        assert np.array([each["probability"] for each in answers]).tobytes() == wanted
        assert not any("warnings" in each for each in answers)
        one = post(up, sent[0], media_type).json()
        assert one["probability"] == answers[0]["probability"]


@pytest.mark.parametrize("media_type", ENCODERS)
def test_what_was_sent_is_recorded_as_it_was_sent(up: Running, media_type: str) -> None:
    post(up, FIT, media_type)
    [*_, record] = up.records()
    assert record["features"] == FIT
    assert json.dumps(record["features"]["OWNS_CAR"]) == "true"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "true for another number": ({"AGE": True}, "a finite number"),
    "false for another number": ({"AGE": False}, "a finite number"),
    "a text": ({"OWNS_CAR": "true"}, "a finite number, true or false"),
    "a text of one letter": ({"OWNS_CAR": "t"}, "a finite number, true or false"),
    "an empty text": ({"OWNS_CAR": ""}, "a finite number, true or false"),
    "null where none is missing": ({"OWNS_CAR": None}, "a finite number, true or false"),
    "a list": ({"MARRIED": [True]}, "a finite number, true or false, or null"),
    "an object": ({"MARRIED": {"": True}}, "a finite number, true or false, or null"),
    "an integer that float64 rounds": (
        {"OWNS_CAR": 2**53 + 1}, "a finite number, true or false"
    ),
    "an unknown member that is true": ({"X": True}, "no such feature"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("media_type", ENCODERS)
def test_what_is_no_number_and_no_boolean_is_refused(
    up: Running, media_type: str, case: str
) -> None:
    changed, wanted = REFUSED[case]
    said = post(up, FIT | changed, media_type)
    assert said.status_code == 422, said.text
    [fault] = said.json()["errors"]
    assert (fault["feature"], fault["wanted"]) == (*changed, wanted)


@pytest.mark.parametrize("text", ["True", "TRUE", "tru", "truee", "falsey", "t", "yes", "01"])
def test_what_json_does_not_know_is_no_boolean(up: Running, text: str) -> None:
    body = json.dumps(FIT).replace("true", text).encode()
    head = {"Content-Type": "application/json"}
    assert httpx.post(f"{up.url}/score", content=body, headers=head).status_code == 400


def test_a_number_beyond_0_and_1_is_scored_and_warned_of(up: Running) -> None:
    said = post(up, FIT | {"OWNS_CAR": 2}, "application/json").json()
    assert said["warnings"] == ["range:OWNS_CAR"]


def test_documents_say_it(up: Running) -> None:
    found = httpx.get(f"{up.url}/openapi.json").json()
    body = found["paths"]["/score"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    validator = jsonschema.Draft202012Validator(body)
    validator.validate(FIT)
    validator.validate(FIT | {"MARRIED": None, "OWNS_CAR": 1})
    for changed in ({"AGE": True}, {"OWNS_CAR": None}, {"OWNS_CAR": "true"}):
        assert not validator.is_valid(FIT | changed)
    features = httpx.get(f"{up.url}/models/boolean/versions/1").json()["features"]
    assert [each["boolean"] for each in features] == [False, True, True]
    assert "true or false" in httpx.get(f"{up.url}/docs").text


def test_a_tensor_holds_booleans_only_as_bool(up: Running) -> None:
    tensor = {"name": "X", "shape": [1, 3], "datatype": "FP64", "data": [40.0, True, False]}
    url = f"{up.url}/v2/models/boolean/infer"
    assert httpx.post(url, json={"inputs": [tensor]}).status_code == 400
    numbers = httpx.post(url, json={"inputs": [tensor | {"data": [40.0, 1.0, 0.0]}]}).json()
    scored = next(out["data"] for out in numbers["outputs"] if out["name"] == "prediction")
    assert scored == [post(up, FIT, "application/json").json()["probability"]]
