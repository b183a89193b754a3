"""One input per feature over a real socket: what pandas codecs send, bit for bit."""

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
import tritonclient.http as triton

from server.bundle.manifest import Category, Missing
from server.oip.columns import codes_of, mistakable
from tests.conftest import KINDS, ROOT, Running, Trained

PYTHONS = {
    "kserve": (ROOT / ".venv-clients" / "bin" / "python", "make setup-dev"),
    "mlserver": (ROOT / "build" / "peers" / "mlserver" / "bin" / "python", "make bench-peers"),
}
ORDER = ["KIND", "INCOME", "REGION", "AGE", "DEBT-RATIO"]


def table_of(rows: pd.DataFrame) -> dict[str, list[Any]]:
    """Return the columns in another order: categories by name, None where missing."""
    plain = rows.astype(object).where(rows.notna(), None)
    regions = [None if each is None else str(each) for each in plain["REGION"]]
    return {name: plain[name].tolist() for name in ORDER} | {"REGION": regions}


def coded(column: "pd.Series[Any]") -> Any:
    """Return numbers, codes for categories, NaN where missing."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.astype(float).where(column.notna(), np.nan)
    return column


def inputs_of(table: dict[str, list[Any]], width: tuple[int, ...] = ()) -> list[dict[str, Any]]:
    return [
        {"name": name, "shape": [len(data), *width], "data": data,
         "datatype": "BYTES" if name in {"KIND", "REGION"} else "FP64"}
        for name, data in table.items()
    ]  # fmt: skip


def infer(server: Running, inputs: list[dict[str, Any]], **more: Any) -> httpx.Response:
    body = json.dumps({"inputs": inputs, **more})  # writes a bare NaN
    return httpx.post(f"{server.url}/v2/models/small/infer", content=body)


def predictions(answer: httpx.Response) -> bytes:
    assert answer.status_code == 200, answer.text
    found = next(o["data"] for o in answer.json()["outputs"] if o["name"] == "prediction")
    return np.array(found).tobytes()


@pytest.mark.parametrize("width", [(), (1,)])
def test_columns_in_any_order_score_with_lightgbms_bits(
    server: Running, trained: Trained, width: tuple[int, ...]
) -> None:
    rows = trained.held_out[:200]
    assert rows["INCOME"].isna().any()
    assert rows["KIND"].isna().any()
    inputs = inputs_of(table_of(rows), width)
    answer = infer(server, inputs, parameters={"content_type": "pd"})
    assert predictions(answer) == trained.prediction(rows).tobytes()


def test_nested_texts_are_read_as_flat_ones(server: Running, trained: Trained) -> None:
    rows = trained.held_out[:50]
    inputs = inputs_of(table_of(rows), (1,))
    for tensor in inputs:
        tensor["data"] = [[each] for each in tensor["data"]]
    assert predictions(infer(server, inputs)) == trained.prediction(rows).tobytes()


def test_a_category_may_be_sent_by_code(server: Running, trained: Trained) -> None:
    rows = trained.held_out[:50]
    inputs = inputs_of(table_of(rows))
    codes = rows["KIND"].cat.codes.astype(float).where(rows["KIND"].notna(), np.nan)
    inputs[0] |= {"datatype": "FP32", "data": codes.tolist()}
    assert "NaN" in json.dumps(inputs[0])
    assert predictions(infer(server, inputs)) == trained.prediction(rows).tobytes()


@pytest.mark.parametrize("binary", [True, False])
def test_triton_sends_columns(server: Running, trained: Trained, binary: bool) -> None:
    """Its JSON holds a bare NaN; its texts cannot be missing, so that KIND goes by code."""
    rows = trained.held_out[:200]
    rows = rows[rows["REGION"].notna()]
    kinds = rows["KIND"].cat.codes.where(rows["KIND"].notna(), np.nan)
    columns = {name: rows[name].to_numpy(np.float64) for name in ("DEBT-RATIO", "INCOME", "AGE")}
    columns["KIND"] = kinds.to_numpy(np.float64)
    regions = rows["REGION"].astype(str).to_numpy(object)
    inputs = []
    for name, data in {**columns, "REGION": regions}.items():
        inputs.append(triton.InferInput(name, [len(rows)], "BYTES" if name == "REGION" else "FP64"))
        inputs[-1].set_data_from_numpy(data, binary_data=binary)
    said = triton.InferenceServerClient(f"127.0.0.1:{server.port}").infer("small", inputs)
    assert said.as_numpy("prediction").tobytes() == trained.prediction(rows).tobytes()


@pytest.mark.parametrize("client", ["kserve", "mlserver", "numpy"])
def test_a_table_is_scored_by_the_clients_own_code(
    server: Running, trained: Trained, client: str
) -> None:
    """MLServer's pandas codec cannot encode a text column with missing values: KIND is always
    there. It sends REGION as numbers, and its numpy codec sends one array.
    """
    python, made_by = PYTHONS["kserve" if client == "kserve" else "mlserver"]
    if not python.exists():
        pytest.skip(f"{python.relative_to(ROOT)} is absent: {made_by}")
    rows = trained.held_out[:200]
    rows = rows[rows["KIND"].notna()] if client == "mlserver" else rows
    assert rows["INCOME"].isna().any()
    table = table_of(rows)
    if client != "kserve":
        table["REGION"] = rows["REGION"].astype(float).tolist()
    if client == "numpy":
        table = {str(name): coded(rows[name]).tolist() for name in rows}
    script = Path(__file__).parent / "columns_client.py"
    done = subprocess.run(
        [str(python), str(script), client, server.url, "small", json.dumps(table)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = np.array(json.loads(done.stdout.splitlines()[-1]))
    assert said.tobytes() == trained.prediction(rows).tobytes()


def test_metadata_says_what_to_send_for_each_feature(server: Running) -> None:
    said = httpx.get(f"{server.url}/v2/models/small").json()["parameters"]["inputs_by_feature"]
    assert {each["name"]: each["datatype"] for each in said} == {
        "AGE": "FP64", "INCOME": "FP64", "DEBT-RATIO": "FP64", "KIND": "BYTES", "REGION": "BYTES",
    }  # fmt: skip
    assert all(each["shape"] == [-1] for each in said)


def test_columns_are_recorded_row_by_row(server: Running, trained: Trained) -> None:
    infer(server, inputs_of(table_of(trained.held_out[:2])), id="columns-1")
    found = [r for r in server.records() if r["request_id"] == "columns-1"]
    assert [r["index"] for r in found] == [0, 1]


GOOD: dict[str, list[Any]] = {
    "KIND": ["car", None], "INCOME": [1.0, None], "REGION": ["1", "2"], "AGE": [40.0, 41.0],
    "DEBT-RATIO": [0.5, 0.1],
}  # fmt: skip
REFUSED: dict[str, tuple[dict[str, dict[str, Any]], str]] = {
    "an unknown category": ({"KIND": {"data": ["car", "boat"]}}, 'row 1: KIND: not a category: "b'),
    "a missing value where none may be": ({"AGE": {"data": [40.0, None]}}, "row 1: AGE: wanted a"),
    "a number that may be code or category": (
        {"REGION": {"datatype": "INT64", "data": [1, 2]}}, "REGION: wanted datatype BYTES, or"),
    "texts for a number": ({"AGE": {"datatype": "BYTES", "data": ["4", "5"]}}, "wanted datatype"),
    "another number of rows": ({"AGE": {"shape": [3]}}, r"AGE: wanted shape [2] or [2, 1], got"),
    "a row of two": ({"AGE": {"shape": [2, 2]}}, "AGE: wanted shape"),
    "no rows": ({"KIND": {"shape": [0], "data": []}}, "KIND: wanted shape"),
    "a name twice": ({"AGE": {"name": "INCOME"}}, "got INCOME, twice"),
    "an unknown feature": ({"AGE": {"name": "AGES"}}, "got AGES, which is no feature"),
    "the tensor among columns": ({"AGE": {"name": "X"}}, "got X, which is no feature"),
    "an infinity": ({"AGE": {"data": [float("-inf"), 1.0]}}, "or null, got -Infinity"),
    "texts that are numbers": ({"KIND": {"data": [1, 2]}}, "KIND: wanted 2 texts or nulls"),
    "too many texts": ({"KIND": {"data": ["car"] * 3}}, "KIND: wanted 2 texts or nulls"),
    "too many nulls": ({"KIND": {"data": [None] * 3}}, "KIND: wanted 2 texts or nulls, got 3"),
    "texts in base64": ({"KIND": {"parameters": {"content_type": "base64"}}}, "content_type"),
    "binary data that are not there": (
        {"KIND": {"data": None, "parameters": {"binary_data_size": 8}}}, "wanted at most 0 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_column_that_does_not_fit_is_refused_by_name(server: Running, case: str) -> None:
    changes, wanted = REFUSED[case]
    assert infer(server, inputs_of(GOOD)).status_code == 200
    inputs = [tensor | changes.get(tensor["name"], {}) for tensor in inputs_of(GOOD)]
    answer = infer(server, inputs)
    assert (answer.status_code, set(answer.json())) == (400, {"error"})
    assert wanted in answer.json()["error"]


def test_an_absent_column_is_refused_by_name(server: Running) -> None:
    answer = infer(server, inputs_of(GOOD)[:-1])
    assert answer.status_code == 400
    assert "1 absent, first DEBT-RATIO" in answer.json()["error"]


def test_too_many_rows_are_refused_before_they_are_read(server: Running) -> None:
    assert infer(server, [{**t, "shape": [2**40]} for t in inputs_of(GOOD)]).status_code == 413


@pytest.mark.parametrize(
    "blob", [b"\x03\0\0\0car", b"\x03\0\0\0car\x09\0\0\0car", b"\x01\0\0\0a\x01\0\0\0\xff",
             b"\x03\0\0\0car\x03\0\0\0car!"]
)  # fmt: skip
def test_binary_texts_that_do_not_fit_are_refused(server: Running, blob: bytes) -> None:
    inputs = inputs_of(GOOD)
    inputs[0] |= {"data": None, "parameters": {"binary_data_size": len(blob)}}
    text = json.dumps({"inputs": inputs}).encode()
    answer = httpx.post(
        f"{server.url}/v2/models/small/infer", content=text + blob,
        headers={"Inference-Header-Content-Length": str(len(text))},
    )  # fmt: skip
    assert answer.status_code == 400
    assert "KIND: wanted 2 texts in UTF-8" in answer.json()["error"]


def category(*values: Any) -> Category:
    codes = tuple(float(place) for place in range(len(values)))
    return Category("C", Missing(True, "nan"), values, codes)


def test_a_category_is_named_by_its_text() -> None:
    assert codes_of(category(*KINDS)) == {kind: float(i) for i, kind in enumerate(KINDS)}
    assert codes_of(category(2, 5)) == {"2": 0.0, "2.0": 0.0, "5": 1.0, "5.0": 1.0}
    assert codes_of(category(0.5)) == {"0.5": 0.0}
    assert set(codes_of(category(True))) == {"True", "true"}
    assert codes_of(category("2", 2)) == {"2.0": 1.0}, "a text and a number of the same name"


def test_codes_are_taken_only_where_no_category_is_another_number() -> None:
    assert not mistakable(codes_of(category(*KINDS)))
    assert not mistakable(codes_of(category(0, 1)))
    assert not mistakable(codes_of(category(False, True)))
    assert not mistakable(codes_of(category("nan", "inf")))
    assert mistakable(codes_of(category(1, 2)))
    assert mistakable(codes_of(category("1", "2")))
