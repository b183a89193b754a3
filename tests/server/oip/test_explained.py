"""Outputs that explain, over a real socket: the numbers of /score, and LightGBM's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import lightgbm
import numpy as np
import pandas as pd
import pytest
import tritonclient.http as triton

from tests.conftest import Running, Trained, applicants, convert, running
from tests.server.asking import request_of
from tests.server.reason_codes import with_codes

MOST = 2


@pytest.fixture(scope="module")
def up(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server whose model has reason codes, one of them for an income that was not sent."""
    explaining = with_codes(bundle, tmp_path_factory.mktemp("explaining") / "small" / "1")
    with running(explaining, tmp_path_factory.mktemp("log")) as up:
        yield up


def matrix_of(rows: pd.DataFrame) -> "np.ndarray[Any, np.dtype[np.float64]]":
    kinds = ("KIND", "REGION")
    codes = {name: rows[name].cat.codes.where(rows[name].notna(), np.nan) for name in kinds}
    return rows.assign(**codes).to_numpy(dtype=np.float64)


def infer(up: Running, rows: pd.DataFrame, *names: str) -> dict[str, Any]:
    """Return {name: output} of the outputs requested, in JSON."""
    data = [[None if x != x else x for x in row] for row in matrix_of(rows).tolist()]
    body = request_of(data, [len(rows), 5]) | {"outputs": [{"name": name} for name in names]}
    answer = httpx.post(f"{up.url}/v2/models/small/infer", json=body).raise_for_status()
    return {output["name"]: output for output in answer.json()["outputs"]}


def shaped(output: dict[str, Any]) -> "np.ndarray[Any, Any]":
    return np.array(output["data"]).reshape(output["shape"])


def test_metadata_names_them_and_they_are_not_answered_unasked(
    up: Running, trained: Trained
) -> None:
    told = httpx.get(f"{up.url}/v2/models/small").json()["outputs"]
    assert told[-2:] == [
        {"name": "contributions", "datatype": "FP64", "shape": [-1, 6]},
        {"name": "reasons", "datatype": "BYTES", "shape": [-1, MOST]},
    ]
    assert [*infer(up, trained.held_out[:1])] == ["raw", "prediction", "decision"]


def test_contributions_are_those_of_score_and_of_lightgbm(up: Running, trained: Trained) -> None:
    rows = trained.held_out[:60]
    found = shaped(infer(up, rows, "contributions")["contributions"])
    by_score = httpx.post(f"{up.url}/score?reasons=all", json=applicants(rows)).json()
    wanted = [[*each["contributions"].values(), each["expectation"]] for each in by_score]
    assert found.tobytes() == np.array(wanted).tobytes()
    lightgbms = np.asarray(trained.booster.predict(rows, pred_contrib=True))
    assert np.abs(found - lightgbms).max() < 1e-12


def test_reasons_are_the_codes_of_score_padded_with_empty_texts(
    up: Running, trained: Trained
) -> None:
    rows = trained.held_out[:120].assign(INCOME=np.nan)
    found = infer(up, rows, "decision", "reasons")
    answers = httpx.post(f"{up.url}/score", json=applicants(rows)).json()
    wanted = [[each["code"] for each in said.get("reasons", ())] for said in answers]
    lengths = {len(codes) for codes in wanted}
    assert {0, MOST} <= lengths
    padded = [codes + [""] * (MOST - len(codes)) for codes in wanted]
    assert shaped(found["reasons"]).tolist() == padded
    assert "M02" in found["reasons"]["data"], "what was not sent has a code of its own"


def test_tritons_client_reads_both_from_binary_tensors(up: Running, trained: Trained) -> None:
    rows = trained.held_out[:20]
    tensor = triton.InferInput("X", [20, 5], "FP64")
    tensor.set_data_from_numpy(matrix_of(rows))
    names = ("contributions", "reasons")
    wanted = [triton.InferRequestedOutput(name, binary_data=True) for name in names]
    said = triton.InferenceServerClient(f"127.0.0.1:{up.port}").infer(
        "small", [tensor], outputs=wanted
    )
    plain = infer(up, rows, *names)
    contributions, reasons = said.as_numpy("contributions"), said.as_numpy("reasons")
    assert contributions is not None
    assert reasons is not None
    assert contributions.tobytes() == shaped(plain["contributions"]).tobytes()
    texts = [[each.decode() for each in row] for row in reasons]
    assert texts == shaped(plain["reasons"]).tolist()


def test_the_record_holds_what_was_answered(up: Running, trained: Trained) -> None:
    rows = trained.held_out[trained.prediction(trained.held_out) >= 0.4][:1]
    data = [None if x != x else x for x in matrix_of(rows)[0].tolist()]
    both = ["contributions", "reasons"]
    for names in (both, both[:1], both[1:], ["raw"]):
        key = "of-" + "-".join(names)
        asked = request_of(data) | {"id": key, "outputs": [{"name": name} for name in names]}
        answer = httpx.post(f"{up.url}/v2/models/small/infer", json=asked).json()
        told = {output["name"]: output["data"] for output in answer["outputs"]}
        (record,) = [each for each in up.records() if each["request_id"] == key]
        assert record.get("contributions") == told.get("contributions")
        codes = [code for code in told.get("reasons", ()) if code]
        assert [code for code, _ in record.get("reasons", ())] == codes
        assert ("reasons_version" in record) == ("reasons" in names)


@pytest.fixture(scope="module")
def multiclass(tmp_path_factory: pytest.TempPathFactory) -> tuple[lightgbm.Booster, Path]:
    folder = tmp_path_factory.mktemp("multiclass")
    draw = np.random.default_rng(4)
    X = pd.DataFrame(draw.normal(size=(900, 4)), columns=list("abcd"))
    y = np.digitize(X["a"] + X["b"] * X["c"], [-0.6, 0.6])
    options = {"objective": "multiclass", "num_class": 3, "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(options, lightgbm.Dataset(X, y), 8)
    booster.save_model(folder / "model.txt")
    convert(
        folder / "model.txt", "--name", "small", "--version", "1", "--out", str(folder / "models")
    )
    return booster, folder / "models" / "small" / "1"


def test_of_several_classes_the_predicted_one_is_explained(
    multiclass: tuple[lightgbm.Booster, Path], tmp_path: Path
) -> None:
    booster, bundle = multiclass
    X = np.random.default_rng(5).normal(size=(50, 4))
    asked = request_of(X.tolist(), [50, 4]) | {"id": "m"}
    asked["outputs"] = [{"name": name} for name in ("raw", "prediction", "contributions")]
    with running(bundle, tmp_path) as up:
        answer = httpx.post(f"{up.url}/v2/models/small/infer", json=asked).json()
        record = up.records()[0]
        refused = httpx.post(
            f"{up.url}/v2/models/small/infer", json=asked | {"outputs": [{"name": "reasons"}]}
        )
    raw, prediction, found = (shaped(output) for output in answer["outputs"])
    predicted = prediction.argmax(axis=1)
    assert set(predicted.tolist()) == {0, 1, 2}
    lightgbms = np.asarray(booster.predict(X, pred_contrib=True)).reshape(50, 3, 5)
    assert np.abs(found - lightgbms[np.arange(50), predicted]).max() < 1e-12
    assert np.abs(found.sum(axis=1) - raw[np.arange(50), predicted]).max() < 1e-12
    assert record["contributions"] == found[0].tolist()
    assert "reasons_version" not in record
    assert (refused.status_code, refused.json()["error"][:19]) == (400, "outputs: no reasons")
