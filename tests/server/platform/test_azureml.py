"""Azure ML's contract over a real socket: tables at /score beside applicants."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from server.cli import chosen
from tests.conftest import Running, Serve, Trained
from tests.server.platform.contract import (
    COUNT,
    detail,
    post,
    probabilities,
    rows_of,
    split_of,
    up,
    wanted,
)

BOTH_LANES = True


@pytest.fixture(scope="module")
def server(
    bundle: Path, serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    with up(serve, bundle, tmp_path_factory.mktemp("log"), "azureml") as running:
        yield running


@pytest.mark.parametrize("form", [split_of, list])
def test_input_data_scores_with_lightgbms_bits(
    server: Running, trained: Trained, form: type
) -> None:
    done = post(server, "/score", {"input_data": form(rows_of(trained))})
    assert probabilities(done.raise_for_status().json()) == wanted(trained)


def test_plain_applicants_are_scored_as_without_a_platform(
    server: Running, trained: Trained
) -> None:
    rows = rows_of(trained)
    assert probabilities(post(server, "/score", rows).json()) == wanted(trained)
    assert post(server, "/score", rows[0]).json()["probability"] == wanted(trained)[0]
    packed = post(
        server, "/score", msgspec.msgpack.encode(rows), content_type="application/msgpack"
    )
    assert probabilities(msgspec.msgpack.decode(packed.content)) == wanted(trained)


def test_faults_have_their_place_in_both_forms(server: Running, trained: Trained) -> None:
    rows = rows_of(trained)
    rows[3]["AGE"] = "old"
    table = post(server, "/score", {"input_data": split_of(rows)})
    assert "first: input_data.data[3].AGE: wanted" in detail(table)
    assert "first, applicant 3: AGE: wanted" in detail(post(server, "/score", rows))
    assert "unknown field `x`" in detail(post(server, "/score", {"input_data": [], "x": 1}))
    lone = {**rows[0], "KIND": "input_data"}
    assert detail(post(server, "/score", lone)).startswith("KIND: wanted")


def test_a_bare_nan_in_a_table_is_a_missing_value(server: Running, trained: Trained) -> None:
    body = json.dumps({"input_data": trained.held_out[:COUNT].to_dict(orient="split")})
    assert "NaN" in body
    done = post(server, "/score", body.encode(), content_type="application/json")
    assert probabilities(done.raise_for_status().json()) == wanted(trained)


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz"])
def test_probes_find_their_routes(server: Running, path: str) -> None:
    assert httpx.get(server.url + path).status_code == 200


def test_the_model_is_in_azures_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CREDIT_MODEL", "models")
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(tmp_path))
    found = chosen({"platform": "azureml"})
    assert (found.model, found.port, found.host) == (tmp_path, 5001, "0.0.0.0")
