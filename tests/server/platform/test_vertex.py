"""Vertex AI's contract over a real socket: its variables, its routes, its bodies."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from server.cli import chosen
from server.settings import SettingsError
from tests.conftest import Running, Serve, Trained
from tests.server.command import refused, run
from tests.server.platform.contract import detail, post, probabilities, rows_of, up, wanted

BOTH_LANES = True
HEALTH = "/v1/endpoints/7/deployedModels/9"
PREDICT = f"{HEALTH}:predict"


@pytest.fixture(scope="module")
def server(
    bundle: Path, serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    log = tmp_path_factory.mktemp("log")
    routes = {"AIP_HEALTH_ROUTE": HEALTH, "AIP_PREDICT_ROUTE": PREDICT}
    with up(serve, bundle, log, "vertex", **routes) as running:
        yield running


def test_instances_come_back_as_predictions_with_lightgbms_bits(
    server: Running, trained: Trained
) -> None:
    done = post(server, PREDICT, {"instances": rows_of(trained)}, x_request_id="vertex-1")
    assert [*done.json()] == ["predictions"]
    assert probabilities(done.json()["predictions"]) == wanted(trained)
    records = [each for each in server.records() if each["request_id"] == "vertex-1"]
    assert [each["index"] for each in records] == [*range(len(wanted(trained)))]


def test_health_is_at_the_route_that_vertex_names(server: Running) -> None:
    assert httpx.get(server.url + HEALTH).status_code == 200
    assert httpx.get(server.url + "/health").status_code == 404


def test_a_fault_is_named_by_its_place(server: Running, trained: Trained) -> None:
    rows = rows_of(trained)
    rows[3]["AGE"] = "old"
    said = detail(post(server, PREDICT, {"instances": rows}))
    assert said.startswith(
        "1 of 20 applicants refused, none scored; first: instances[3].AGE: wanted"
    )
    rows[3] = 7  # type: ignore[call-overload]
    assert "first: instances[3]: wanted an object" in detail(
        post(server, PREDICT, {"instances": rows})
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "missing required field `instances`"),
        ({"instances": {}}, "instances: wanted an array of applicants, got an object"),
        ({"instances": []}, "instances: wanted at least one applicant"),
        ({"instances": [{}], "signature": 1}, "unknown field `signature`"),
        ({"instances": [{}], "parameters": {"reason": "all"}}, "parameters: wanted partial"),
        ([1], "body: wanted an object {"),
    ],
)
def test_another_form_is_refused_in_words(server: Running, body: object, said: str) -> None:
    assert said in detail(post(server, PREDICT, body))


def test_no_json_is_a_400(server: Running) -> None:
    done = post(server, PREDICT, b'{"instances": [{"AGE": NaN}]}', content_type="application/json")
    assert "send null where a value is missing" in detail(done, 400)


def test_instances_given_twice_are_refused(server: Running) -> None:
    body = b'{"instances": [{"AGE": 1}], "instances": [{"AGE": 2}]}'
    said = detail(post(server, PREDICT, body, content_type="application/json"))
    assert said == 'body: wanted "instances" once, got it more than once'
    odd = b'{"instances": [{"\xff": "instances", "AGE": "\\"instances\\""}], "instances": []}'
    assert post(server, PREDICT, odd, content_type="application/json").status_code == 422


def test_an_idempotency_key_gets_the_stored_answer_in_the_same_form(
    server: Running, trained: Trained
) -> None:
    body = {"instances": rows_of(trained)}
    first, again = (post(server, PREDICT, body, Idempotency_Key="one") for _ in range(2))
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status_code, again.content) == (200, first.content)


def test_parameters_stand_for_the_query_that_vertex_does_not_pass_on(
    server: Running, trained: Trained
) -> None:
    rows = rows_of(trained)
    rows[1]["AGE"] = None
    body = {"instances": rows, "parameters": {"partial": True, "reasons": "none"}}
    found = post(server, PREDICT, body).json()["predictions"]
    assert found[1]["status"] == 422
    assert found[0]["probability"] == wanted(trained)[0]
    assert post(server, f"{PREDICT}?partial=true", {"instances": rows}).status_code == 200
    both = post(server, f"{PREDICT}?partial=true", body | {"parameters": {"partial": False}})
    assert detail(both, 400) == "query: wanted none beside the wishes in the body"


def test_the_port_is_vertexs_and_a_flag_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIP_HTTP_PORT", "9090")
    monkeypatch.setenv("CREDIT_PORT", "8000")
    monkeypatch.setenv("CREDIT_PLATFORM", "vertex")
    assert chosen({"model": "models"}).port == 9090
    assert chosen({"model": "models", "port": "1"}).port == 1


def test_a_folder_as_storage_is_served_and_a_bucket_is_refused_plainly(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = {"platform": "vertex"}
    monkeypatch.setenv("AIP_STORAGE_URI", f"file://{bundle}")
    assert chosen(flags).model == bundle
    monkeypatch.setenv("AIP_STORAGE_URI", "gs://bucket/model")
    assert chosen({**flags, "model": str(bundle)}).model == bundle
    with pytest.raises(SettingsError, match="not on this machine"):
        chosen(flags)
    said = refused(run("--platform", "vertex", AIP_STORAGE_URI="gs://bucket/model"))
    assert said.startswith("server: settings: model: AIP_STORAGE_URI is gs://bucket/model, which")


@pytest.mark.parametrize("route", ["predict", "", "/a?b", "/a/{b}", "/a b", "/é", "/a#b", "/a%41"])
@pytest.mark.parametrize("variable", ["AIP_PREDICT_ROUTE", "AIP_HEALTH_ROUTE"])
def test_a_route_that_is_no_path_refuses_the_start(
    monkeypatch: pytest.MonkeyPatch, variable: str, route: str
) -> None:
    monkeypatch.setenv(variable, route)
    with pytest.raises(SettingsError, match="wanted a route that begins with /, of") as refused:
        chosen({"platform": "vertex", "model": "models"})
    assert str(refused.value).endswith(repr(route))


@pytest.mark.parametrize("route", ["/one", "/score"])
def test_a_route_of_health_that_scores_refuses_the_start(
    monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    monkeypatch.setenv("AIP_HEALTH_ROUTE", route)
    monkeypatch.setenv("AIP_PREDICT_ROUTE", "/one")
    with pytest.raises(SettingsError, match=f"than for scores, got {route} for both"):
        chosen({"platform": "vertex", "model": "models"})


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AIP_HTTP_PORT", "", "port: Expected `int`, got `str` (from AIP_HTTP_PORT)"),
        ("AIP_HTTP_PORT", "65536", "port: Expected `int` <= 65535 (from AIP_HTTP_PORT)"),
        ("AIP_STORAGE_URI", "file://", "model: wanted a path, got '' (from AIP_STORAGE_URI)"),
    ],
)
def test_what_is_wrong_is_told_with_the_variable_of_the_platform(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv("CREDIT_PORT", "8000")
    monkeypatch.setenv("CREDIT_MODEL", "models")
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as refused:
        chosen({"platform": "vertex"})
    assert str(refused.value) == f"settings: {said}"
