"""The OpenAPI document is true: schemathesis asks what it allows, and what it does not."""

import json
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import jsonschema
import msgspec
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.conftest import Running, Serve, Trained, applicants

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@schemathesis.serializer("application/msgpack")
def message_pack(_: Any, value: Any) -> bytes:
    return msgspec.msgpack.encode(value)


@schemathesis.deserializer("application/msgpack")
def unpack(_: Any, response: Any) -> Any:
    return msgspec.msgpack.decode(response.content)


def test_no_5xx_and_no_answer_the_document_does_not_allow(server: Running) -> None:
    """Forty cases for every operation of the document."""
    document = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    asked = 0
    for found in document.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]

        @hypothesis.given(case=operation.as_strategy())
        @hypothesis.settings(
            max_examples=40, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )  # fmt: skip
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            case.headers.pop("X-Request-Timeout-Ms", None)  # a 504 on demand is no fault
            case.call_and_validate(checks=CHECKS)

        ask()
    assert asked > 80


def test_the_document_allows_every_real_applicant_and_no_faulty_one(
    server: Running, trained: Trained
) -> None:
    """Its schema and the server agree, feature by feature."""
    found = httpx.get(f"{server.url}/openapi.json").json()
    assert found["openapi"] == "3.1.0"
    body = found["paths"]["/score"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    validator = jsonschema.Draft202012Validator(body)
    rows = applicants(trained.held_out[:100])
    validator.validate(rows)
    for fault in ({"AGE": None}, {"AGE": "40"}, {"AGE": True}, {"KIND": "boat"}, {"X": 1}):
        faulty = rows[0] | fault
        answer = httpx.post(f"{server.url}/score", content=json.dumps(faulty), headers={
            "content-type": "application/json",
        })  # fmt: skip
        assert not validator.is_valid(faulty)
        assert answer.status_code == 422


def test_the_document_says_which_operations_ask_for_a_key(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """Every one it says so of does, and no other."""
    (tmp_path / "keys").write_text("")
    with serve(bundle, tmp_path, "--keys", str(tmp_path / "keys")) as up:
        paths = httpx.get(f"{up.url}/openapi.json").json()["paths"]
        assert "/models/small/score" in paths
        for path, operations in paths.items():
            for method, operation in operations.items():
                status = httpx.request(method, up.url + path).status_code
                assert (status == 401) == ("security" in operation), path
