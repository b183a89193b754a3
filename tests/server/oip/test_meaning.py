"""Numbers of categories, and categories that training did not know, in one input per feature."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.conftest import Running, Trained, running

URL = "/v2/models/small/infer"
GOOD: dict[str, list[Any]] = {
    "AGE": [40.0, 41.0], "INCOME": [1000.0, None], "DEBT-RATIO": [0.5, 0.1], "KIND": ["car", None],
    "REGION": ["1", "2"],
}  # fmt: skip


def inputs_of(table: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [
        {"name": name, "shape": [len(data)], "data": data,
         "datatype": "BYTES" if any(isinstance(x, str) for x in data) else "FP64"}
        for name, data in table.items()
    ]  # fmt: skip


def infer(server: Running, inputs: list[dict[str, Any]], **more: Any) -> httpx.Response:
    return httpx.post(server.url + URL, content=json.dumps({"inputs": inputs, **more}))


def output(answer: httpx.Response, name: str = "prediction") -> Any:
    assert answer.status_code == 200, answer.text
    return next(each["data"] for each in answer.json()["outputs"] if each["name"] == name)


@pytest.fixture(scope="module")
def lenient(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(bundle, tmp_path_factory.mktemp("log"), "--unseen", "missing") as up:
        yield up


@pytest.mark.parametrize("where", ["request", "input"])
def test_numbers_are_what_the_client_says_they_are(
    server: Running, trained: Trained, where: str
) -> None:
    """REGION is 1 to 4 and its codes are 0 to 3: 1 means two of them."""
    rows = trained.held_out[:80]
    plain = rows.astype(object).where(rows.notna(), None)
    table = {str(name): plain[name].tolist() for name in plain}
    codes = rows["REGION"].cat.codes
    said = {
        "values": [None if x is None else float(x) for x in table["REGION"]],
        "codes": [float(x) if x >= 0 else None for x in codes],
    }
    for meaning, numbers in said.items():
        parameters = {"parameters": {"categories": meaning}}
        inputs = inputs_of(table | {"REGION": numbers})
        if where == "input":
            inputs = [each | parameters if each["name"] == "REGION" else each for each in inputs]
        got = output(infer(server, inputs, **(parameters if where == "request" else {})))
        assert np.array(got).tobytes() == trained.prediction(rows).tobytes()


@pytest.mark.parametrize(
    ("numbers", "parameters", "wanted"),
    [
        ([1, 2], {}, "REGION: wanted datatype BYTES, or the parameter categories"),
        ([1, 9], {"categories": "values"}, "row 1: REGION: not a category: 9"),
        ([1, 0.5], {"categories": "values"}, "row 1: REGION: not a category: 0.5"),
        ([1, 9], {"categories": "codes"}, "row 1: REGION: not a code of this category"),
        ([1, 2], {"categories": "names"}, "parameter categories: wanted values or codes"),
        ([1, 2], {"categories": ["codes"]}, "parameter categories: wanted values or codes"),
    ],
)
def test_other_numbers_are_refused(
    server: Running, numbers: list[float], parameters: dict[str, Any], wanted: str
) -> None:
    answer = infer(server, inputs_of(GOOD | {"REGION": numbers}), parameters=parameters)
    assert answer.status_code == 400
    assert wanted in answer.json()["error"]


def test_numbers_are_no_values_of_a_category_of_texts(server: Running) -> None:
    inputs = inputs_of(GOOD | {"KIND": [0, 1]})
    answer = infer(server, inputs, parameters={"categories": "values"})
    assert answer.status_code == 400
    assert "KIND: wanted datatype BYTES or codes" in answer.json()["error"]


def test_an_unseen_category_is_missing_where_the_server_says_so(
    server: Running, lenient: Running
) -> None:
    """As on /score, in score and record; a code that is none stays refused."""
    table = GOOD | {"KIND": ["boat", "car"], "REGION": [1, 2]}
    asked = {"id": "unseen-1", "parameters": {"categories": "values"}}
    assert infer(server, inputs_of(table), **asked).status_code == 400
    got = output(infer(lenient, inputs_of(table), **asked))
    rows = [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]
    plain = httpx.post(f"{lenient.url}/score", json=rows)
    assert got == [each["probability"] for each in plain.json()]
    wanted = [each.get("warnings", []) for each in plain.json()]
    assert wanted == [["unseen:KIND"], []]
    found = [each["flags"] for each in lenient.records() if each["request_id"] == "unseen-1"]
    assert found == wanted
    coded = inputs_of(table | {"KIND": [17, 0]})
    assert infer(lenient, coded, **asked).status_code == 400


def test_an_unseen_category_is_refused_where_nothing_may_be_missing(lenient: Running) -> None:
    answer = infer(lenient, inputs_of(GOOD | {"REGION": ["1", "7"]}))
    assert answer.status_code == 400
    assert answer.json()["error"] == 'row 1: REGION: not a category: "7"'


def test_an_array_of_mlservers_numpy_codec_has_any_name(server: Running) -> None:
    row = [40.0, 1000.0, 0.5, 0.0, 1.0]
    tensor = {"name": "input-1", "shape": [1, 5], "datatype": "FP64", "data": row}
    wanted = output(infer(server, [tensor | {"name": "X"}]))
    numpy = {"content_type": "np"}
    assert output(infer(server, [tensor], parameters=numpy)) == wanted
    assert output(infer(server, [tensor | {"parameters": numpy}])) == wanted
    for inputs in ([tensor], [tensor | {"name": "AGE", "parameters": numpy}]):
        assert infer(server, inputs).status_code == 400
