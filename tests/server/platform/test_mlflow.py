"""MLflow's routes over a real socket: every form that its clients send."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from server import __version__
from server.platform import forms
from tests.conftest import Running, Serve, Trained
from tests.server.platform.contract import (
    COUNT,
    Rows,
    columns_of,
    csv_of,
    detail,
    post,
    probabilities,
    rows_of,
    split_of,
    up,
    wanted,
)

BOTH_LANES = True
PATH = "/invocations"
FORMS: dict[str, Callable[[Rows], Any]] = {
    "dataframe_split": split_of, "dataframe_records": list, "instances": list,
    "inputs": columns_of,
}  # fmt: skip


@pytest.fixture(scope="module")
def server(
    bundle: Path, serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    with up(serve, bundle, tmp_path_factory.mktemp("log"), "mlflow") as running:
        yield running


@pytest.mark.parametrize("form", FORMS)
def test_every_form_scores_with_lightgbms_bits(
    server: Running, trained: Trained, form: str
) -> None:
    done = post(server, PATH, {form: FORMS[form](rows_of(trained))})
    assert probabilities(done.raise_for_status().json()["predictions"]) == wanted(trained)


@pytest.mark.parametrize("orient", ["split", "records"])
def test_a_bare_nan_is_a_missing_value(server: Running, trained: Trained, orient: Any) -> None:
    """MLflow's client writes a frame with json.dumps, which writes NaN."""
    body = json.dumps({f"dataframe_{orient}": trained.held_out[:COUNT].to_dict(orient=orient)})
    assert "NaN" in body
    done = post(server, PATH, body.encode(), content_type="application/json")
    assert probabilities(done.raise_for_status().json()["predictions"]) == wanted(trained)


def test_nan_becomes_null_outside_of_texts_only() -> None:
    value = {"NaN": [np.nan, "NaN", 'a "NaN', "\\"], "b": np.nan}
    found = json.loads(forms.nan_as_null(json.dumps(value).encode()))
    assert found == {"NaN": [None, "NaN", 'a "NaN', "\\"], "b": None}


def test_csv_with_a_header_scores_with_lightgbms_bits(server: Running, trained: Trained) -> None:
    done = post(server, PATH, csv_of(trained), content_type="text/csv; charset=utf-8")
    assert probabilities(done.raise_for_status().json()["predictions"]) == wanted(trained)
    bare = post(server, PATH, csv_of(trained, header=False), content_type="text/csv")
    assert "line 1: wanted the features' names" in detail(bare)


@pytest.mark.parametrize("path", ["/ping", "/health"])
def test_health_is_there(server: Running, path: str) -> None:
    assert httpx.get(server.url + path).status_code == 200


def test_version_is_ours(server: Running) -> None:
    assert httpx.get(server.url + "/version").json() == __version__


def faulty(trained: Trained) -> list[dict[str, Any]]:
    rows = rows_of(trained)
    rows[3]["AGE"] = None
    return rows


@pytest.mark.parametrize(
    ("form", "place"),
    [
        ("dataframe_split", "dataframe_split.data[3].AGE: wanted"),
        ("dataframe_records", "dataframe_records[3].AGE: wanted"),
        ("inputs", "inputs.AGE[3]: wanted"),
    ],
)
def test_a_fault_is_named_by_its_place(
    server: Running, trained: Trained, form: str, place: str
) -> None:
    said = detail(post(server, PATH, {form: FORMS[form](faulty(trained))}))
    assert f"; first: {place}" in said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "with params if you like, got nothing"),
        ({"AGE": 1}, "wanted an object with one of dataframe_split"),
        ({"params": {}}, "got none of them"),
        ({"inputs": [], "instances": []}, "got instances and inputs"),
        ({"dataframe_split": {"columns": ["AGE"], "data": [[1, 2]]}}, "data[0]: wanted 1 values"),
        ({"dataframe_split": {"data": []}}, "dataframe_split: wanted columns and data"),
        ({"dataframe_split": {"columns": [], "data": [], "dat": []}}, "unknown field `dat`"),
        ({"inputs": {"AGE": [1, 2], "INCOME": [1]}}, '1 of "INCOME" and 2 of "AGE"'),
        ({"inputs": {}}, "inputs: wanted at least one applicant"),
        ({"inputs": 3}, "inputs: wanted an array of applicants, got a single value"),
        ({"dataframe_split": {"columns": ["AGE", "AGE"], "data": [[1, 2]]}}, "more than once"),
    ],
)
def test_another_form_is_refused_in_words(server: Running, body: Any, said: str) -> None:
    done = post(server, PATH, body, content_type="application/json")
    assert said in detail(done, 422 if body else 400) + str(done.json().get("errors", ""))


@pytest.mark.parametrize(
    ("body", "twice"),
    [
        (b'{"inputs": {"AGE": [1], "INCOME": [1], "AGE": [2]}}', 'inputs: wanted "AGE"'),
        (b'{"inputs": {"AGE": 1, "A\\u0047E": 1}}', 'inputs: wanted "AGE"'),
        (b'{"dataframe_split": {"columns": [], "data": [], "data": []}}', 'split: wanted "data"'),
        (b'{"inputs": [{}], "params": {}, "params": {}}', 'body: wanted "params"'),
        (b'{"inputs": [{}], "in\\u0070uts": [{}]}', 'body: wanted "inputs"'),
        (b'{"inputs": [], "params": {"partial": true, "partial": true}}', 'ams: wanted "partial"'),
    ],
)
def test_what_is_given_twice_is_refused_not_chosen(
    server: Running, body: bytes, twice: str
) -> None:
    """Decoders take the last of them, in silence."""
    said = detail(post(server, PATH, body, content_type="application/json"))
    assert said.endswith(f"{twice} once, got it more than once")


@pytest.mark.parametrize("form", ["dataframe_split", "inputs"])
def test_more_values_than_a_batch_has_are_not_even_read(server: Running, form: str) -> None:
    many = {"columns": [], "data": [[]] * 500_000, "AGE": [1] * 500_000}
    done = post(server, PATH, {form: many}, content_type="application/json")
    assert f"{form}: wanted at most 1000 applicants, got more values" in detail(done, 413)


@pytest.mark.parametrize("form", ["dataframe_split", "inputs"])
def test_a_long_name_is_not_copied_into_every_row(server: Running, form: str) -> None:
    """Of a batch that would be gigabytes."""
    name = "a" * 2_000_000
    table: dict[str, Any] = {name: [1] * 1000}
    if form == "dataframe_split":
        table = {"columns": [name], "data": [[1]] * 1000}
    done = post(server, PATH, {form: table})
    assert done.status_code == 422
    named = {fault["feature"] for fault in done.json()["errors"]}
    assert f"{'a' * 59}…" in named


def test_a_whole_batch_is_taken_in_every_form(server: Running, trained: Trained) -> None:
    rows = rows_of(trained) * 50
    for form, made in FORMS.items():
        found = post(server, PATH, {form: made(rows)}).raise_for_status().json()["predictions"]
        assert probabilities(found) == wanted(trained) * 50
        more = post(server, PATH, {form: made([*rows, rows[0]])})
        assert f"{form}: wanted at most 1000, got" in detail(more, 413)


def test_a_single_applicant_may_be_given_as_values(server: Running, trained: Trained) -> None:
    done = post(server, PATH, {"inputs": rows_of(trained)[0], "params": {"reasons": "none"}})
    assert probabilities(done.json()["predictions"]) == wanted(trained)[:1]


def test_another_content_type_is_a_415(server: Running) -> None:
    done = post(server, PATH, b"x", content_type="application/vnd.apache.parquet")
    assert "wanted application/json or text/csv" in detail(done, 415)
