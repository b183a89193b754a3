"""POST /score over a real socket, held to LightGBM bit for bit."""

import base64
import http.client
import json
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest

from tests.conftest import Running, Serve, Trained, applicants

BOTH_LANES = True
FIT = {"AGE": 40, "INCOME": 1000.5, "DEBT-RATIO": 0.5, "KIND": "car", "REGION": 2}


def post(server: Running, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = {"content-type": "application/json"} | {
        k.replace("_", "-"): v for k, v in headers.items()
    }
    return httpx.post(f"{server.url}/score", content=content, headers=head)


def test_every_held_out_row_scores_with_lightgbms_bits(server: Running, trained: Trained) -> None:
    """One by one over one connection, with missing values and categories among them."""
    rows = applicants(trained.held_out)
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    answers = []
    for row in rows:
        connection.request(
            "POST", "/score", json.dumps(row), {"Content-Type": "application/json"}
        )  # fmt: skip
        answers.append(json.loads(connection.getresponse().read())["probability"])
    connection.close()
    assert np.array(answers).tobytes() == trained.prediction(trained.held_out).tobytes()


def test_a_batch_answers_in_order(server: Running, trained: Trained) -> None:
    rows = trained.held_out[:100]
    answers = post(server, applicants(rows)).json()
    got = np.array([answer["probability"] for answer in answers])
    assert got.tobytes() == trained.prediction(rows).tobytes()
    assert len({answer["request_id"] for answer in answers}) == 1


def test_message_pack_and_json_get_the_same_answer(server: Running, trained: Trained) -> None:
    for row in applicants(trained.held_out[:50]):
        body = msgspec.msgpack.encode(row)
        packed = post(server, body, content_type="application/msgpack", x_request_id="one")
        assert packed.headers["content-type"] == "application/msgpack"
        plain = post(server, row, x_request_id="one")
        assert msgspec.msgpack.decode(packed.content) == plain.json()


def test_accept_chooses_the_format_of_the_answer(server: Running) -> None:
    answer = post(server, FIT, accept="application/msgpack")
    plain = post(server, FIT, accept="application/json").json()
    assert msgspec.msgpack.decode(answer.content)["decision"] == plain["decision"]
    assert post(server, FIT, accept="text/html").status_code == 406
    assert post(server, FIT, accept="text/html, */*;q=0.1").status_code == 200


def test_an_answer_says_what_was_decided_by_which_model(server: Running, bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    answer = post(server, FIT, x_request_id="abc").json()
    assert answer["request_id"] == "abc"
    assert answer["threshold"] == 0.4
    assert answer["decision"] == ("refuse" if answer["probability"] >= 0.4 else "approve")
    assert answer["model"] == {
        "name": "small", "version": "1", "sha256": manifest["files"]["model.onnx"],
    }  # fmt: skip


def without(name: str) -> dict[str, Any]:
    return {k: v for k, v in FIT.items() if k != name}


def test_every_fault_is_listed_with_wanted_and_got(server: Running) -> None:
    answer = post(
        server, without("REGION") | {"AGE": "40", "KIND": "boat", "EXTRA": 1, "INCOME": True}
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    errors = {
        error["feature"]: (error["wanted"], error["got"]) for error in answer.json()["errors"]
    }
    assert errors["AGE"] == ("a finite number", '"40"')
    assert errors["INCOME"] == ("a finite number, or null", "true")
    assert errors["REGION"][1] == "nothing"
    assert errors["EXTRA"] == ("no such feature", "1")
    assert errors["KIND"][1] == '"boat"'
    assert '"car", "home, shared"' in errors["KIND"][0]


REFUSED = {
    "an absent feature": (without("AGE"), 422, "AGE"),
    "an unknown feature": (FIT | {"X": 1}, 422, "X"),
    "a text for a number": (FIT | {"AGE": "40"}, 422, "AGE"),
    "a boolean for a number": (FIT | {"AGE": True}, 422, "AGE"),
    "null where no split knows missing": (FIT | {"AGE": None}, 422, "AGE"),
    "an unseen category": (FIT | {"KIND": "boat"}, 422, "KIND"),
    "a fraction for a category": (FIT | {"REGION": 2.5}, 422, "REGION"),
    "an object for a number": (FIT | {"AGE": {}}, 422, "AGE"),
    "a bare NaN": (json.dumps(FIT | {"AGE": float("nan")}).encode(), 400, "AGE"),
    "a bare Infinity": (json.dumps(FIT | {"AGE": float("inf")}).encode(), 400, "AGE"),
    "1e400": (json.dumps(FIT).replace("40", "1e400").encode(), 422, "AGE"),
    "an integer float64 cannot hold": (FIT | {"AGE": 2**53 + 1}, 422, "AGE"),
    "an integer of 400 digits": (json.dumps(FIT).replace("40", "4" * 400).encode(), 422, "AGE"),
    "a feature twice": (json.dumps(FIT)[:-1].encode() + b', "AGE": 41}', 422, "AGE"),
    "a number for an object": (b"3", 422, ""),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_model_never_sees(server: Running, case: str) -> None:
    """Each is a clear 4xx that names the feature, and the server answers the next request."""
    body, status, feature = REFUSED[case]
    answer = post(server, body)
    assert answer.status_code == status
    assert feature in [error["feature"] for error in answer.json()["errors"]]
    assert post(server, FIT).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"AGE": 1} x',
        b"\xff",
        b'{"AGE": "\xff"}',
        b"[" * 100_000,
        b'{"AGE": 01}',
        b"[1,",
    ],
)
def test_what_is_not_json_is_a_400(server: Running, body: bytes) -> None:
    answer = post(server, body)
    assert answer.status_code == 400
    assert answer.json()["detail"]
    assert post(server, FIT).status_code == 200


@pytest.mark.parametrize(
    ("value", "got"), [(float("nan"), "NaN"), (float("inf"), "Infinity"), (b"40", "b'40'")]
)
def test_message_pack_holds_to_the_same_rules(server: Running, value: Any, got: str) -> None:
    """MessagePack can carry NaN and infinity; a missing value is nil there too."""
    for name in ("AGE", "INCOME"):
        body = msgspec.msgpack.encode(FIT | {name: value})
        answer = post(server, body, content_type="application/msgpack")
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["feature"] == name
        assert got.strip("b'") in answer.json()["errors"][0]["got"]


def test_a_feature_twice_in_message_pack_is_refused(server: Running) -> None:
    plain = msgspec.msgpack.encode(FIT)
    body = bytes([plain[0] + 1]) + plain[1:] + msgspec.msgpack.encode("AGE") + b"\x01"
    assert post(server, body, content_type="application/msgpack").status_code == 422


def test_a_fault_in_a_batch_names_its_place(server: Running) -> None:
    answer = post(server, [FIT, FIT | {"AGE": None}])
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["index"] == 1


def test_the_other_ways_to_ask_wrongly(server: Running) -> None:
    assert post(server, FIT, content_type="text/csv").status_code == 415
    wrong_method = httpx.get(f"{server.url}/score")
    assert (wrong_method.status_code, wrong_method.headers["allow"]) == (405, "POST")
    assert post(server, FIT, x_request_id="a" * 129).status_code == 400


def test_a_value_outside_the_seen_range_is_a_warning(server: Running) -> None:
    assert post(server, FIT | {"AGE": 1000}).json()["warnings"] == ["range:AGE"]
    assert "warnings" not in post(server, FIT).json()


def test_every_answer_has_a_record_behind_it(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    """The features verbatim on one line, and every bit of the row the model saw."""
    body = json.dumps(FIT | {"INCOME": None}, indent=1).encode()
    with serve(bundle, tmp_path) as up:
        answer = post(up, body, x_request_id="r1").json()
        post(up, [FIT, FIT], x_request_id="r2")
        post(up, FIT | {"AGE": None})
        records = up.records()
    assert [(r["request_id"], r["index"]) for r in records if r["kind"] == "score"] == [
        ("r1", 0), ("r2", 0), ("r2", 1),
    ]  # fmt: skip
    first = records[0]
    assert first["features"] == json.loads(body)
    assert first["prediction"] == answer["probability"]
    row = np.frombuffer(base64.b64decode(first["row"]))
    assert row[0] == 40.0
    assert np.isnan(row[1])
    assert first["sha256"] == answer["model"]["sha256"]
