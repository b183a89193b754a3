"""What a person reads who asked wrongly: one sentence that says what to do, with its status."""

import json
from typing import Any

import httpx
import msgspec
import pytest

from tests.conftest import Running
from tests.server.wire import FIT

BOTH_LANES = True
JSON = {"content-type": "application/json"}
PACKED = {"content-type": "application/msgpack"}
FORM = '{"AGE": …, "INCOME": …, …}'


def renamed(**names: str) -> dict[str, Any]:
    return {names.get(name.replace("-", "_"), name): value for name, value in FIT.items()}


UNFIT: dict[str, tuple[Any, str]] = {
    "a letter too few": (renamed(INCOME="INCME"), "unknown feature INCME; did you mean INCOME?"),
    "a letter too many": (renamed(KIND="KINDS"), "unknown feature KINDS; did you mean KIND?"),
    "another letter": (renamed(REGION="REGIOM"), "unknown feature REGIOM; did you mean REGION?"),
    "two letters changed": (renamed(INCOME="INCMOE"),
                            "unknown feature INCMOE; did you mean INCOME?"),
    "written in another way": (renamed(DEBT_RATIO="debtRatio"),
                               "unknown feature debtRatio; did you mean DEBT-RATIO?"),
    "all in lower case": ({name.lower(): value for name, value in FIT.items()},
                          "unknown feature age; did you mean AGE? (and 4 more)"),
    "a name that is near none": (FIT | {"SALARY": 1}, "unknown feature SALARY"),
    "no name": (FIT | {"": 1}, 'unknown feature ""'),
    "a name near one that is there": (FIT | {"INCOMES": 1}, "unknown feature INCOMES"),
    "an absent feature": ({name: FIT[name] for name in FIT if name != "AGE"},
                          "AGE: wanted a finite number, got nothing"),
    "data": ({"data": FIT}, f'body: the applicant is wrapped in "data": send {FORM} alone, '
             "or an array of such objects"),
    "a name of one's own": ({"loan": FIT}, f'body: the applicant is wrapped in "loan": send {FORM} '
                            "alone, or an array of such objects"),
    "instances": ({"instances": [[40, 1, 1, "car", 2]], "signature_name": "x"},
                  'body: the applicant is wrapped in "instances" (TensorFlow Serving\'s form): '
                  f"send {FORM} alone, or an array of such objects"),
    "dataframe_split": ({"dataframe_split": {"columns": [*FIT], "data": [[*FIT.values()]]}},
                        'body: the applicant is wrapped in "dataframe_split" (MLflow\'s form): '
                        f"send {FORM} alone, or an array of such objects"),
    "inputs": ({"inputs": [{"name": "X"}]},
               'body: the applicant is wrapped in "inputs" (the Open Inference Protocol\'s form, '
               f"taken at /v2/models/NAME/infer): send {FORM} alone, or an array of such objects"),
    "a number": (3, "body: wanted an object of feature names and values, "
                    f"{FORM}, got 3"),
    "encoded twice": (json.dumps(FIT), "body: wanted an object of feature names and values, "
                      "got a text that holds JSON: encode it once, not twice"),
    "a text number": (FIT | {"AGE": "12"},
                      'AGE: wanted a finite number, got "12": send 12 without the quotes'),
    "a text": (FIT | {"AGE": "old"}, 'AGE: wanted a finite number, got "old"'),
    "a text where null is allowed": (FIT | {"INCOME": "0,31"},
                                     'INCOME: wanted a finite number, or null, got "0,31"'),
    "a text number for a category": (
        FIT | {"REGION": "2"},
        'REGION: wanted one of 1, 2, 3, 4, got "2": send 2 without the quotes'),
    "an empty text": (FIT | {"INCOME": ""}, "INCOME: wanted a finite number, or null, "
                      'got "": send null where a value is missing'),
    "true": (FIT | {"AGE": True}, "AGE: wanted a finite number, got true: send 1 or 0"),
    "null": (FIT | {"AGE": None},
             "AGE: wanted a finite number, got null: the model has seen no missing value of it"),
    "an object": (FIT | {"AGE": {"value": 40}},
                  "AGE: wanted a finite number, got an object: send the value itself"),
    "an array": (FIT | {"AGE": [40]},
                 "AGE: wanted a finite number, got an array: send the value itself"),
    "2**53 + 1": (FIT | {"AGE": 2**53 + 1}, "AGE: wanted a finite number, got 9007199254740993: "
                  "float64 would make 9007199254740992 of it"),
    "one of a batch": ([FIT, FIT, FIT | {"AGE": True}], "1 of 3 applicants refused, none scored; "
                       "first, applicant 2: AGE: wanted a finite number, got true: send 1 or 0"),
    "no applicant": ([], "batch: wanted at least one applicant, got none"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNFIT)
def test_a_body_that_does_not_fit_is_told_in_one_sentence(server: Running, case: str) -> None:
    """The same in JSON and in MessagePack, and a typo is one fault."""
    body, detail = UNFIT[case]
    for head, encode in ((JSON, msgspec.json.encode), (PACKED, msgspec.msgpack.encode)):
        said = httpx.post(f"{server.url}/score", content=encode(body), headers=head)
        assert (said.status_code, said.json()["detail"]) == (422, detail)
        if body != []:
            more = 5 if case == "all in lower case" else 1
            assert len(said.json()["errors"]) == more


def test_a_missing_value_of_message_pack_is_told_to_be_null_too(server: Running) -> None:
    body = msgspec.msgpack.encode(FIT | {"INCOME": float("nan")})
    said = httpx.post(f"{server.url}/score", content=body, headers=PACKED)
    assert (said.status_code, said.json()["detail"]) == (
        422, "INCOME: wanted a finite number, or null, got NaN: "
        "send null where a value is missing",
    )  # fmt: skip


def test_a_typo_is_one_fault_that_names_both(server: Running) -> None:
    said = httpx.post(f"{server.url}/score", json=renamed(INCOME="incme")).json()
    assert said["errors"] == [
        {"feature": "incme", "wanted": "no such feature; did you mean INCOME?", "got": "1000.5"}
    ]


BODY = json.dumps(FIT).encode()
UNREADABLE: dict[str, tuple[bytes, dict[str, str], str]] = {
    "NaN": (BODY.replace(b"1000.5", b"NaN"), JSON,
            "not JSON: INCOME: got NaN: send null where a value is missing"),
    "NaN where none may be missing": (
        BODY.replace(b"40", b"NaN"), JSON, "not JSON: AGE: got NaN: wanted a finite number; "
        "the model has seen no missing value of it"),
    "Infinity": (BODY.replace(b"1000.5", b"-Infinity"), JSON,
                 "not JSON: INCOME: got -Infinity: wanted a finite number, or null"),
    "NaN in a batch": (b'[{"AGE": NaN}]', JSON, "not JSON: invalid character (byte 9): "
                       "NaN is no JSON: send null where a value is missing"),
    "nothing": (b"", JSON, "body: empty; wanted an object of feature names and values"),
    "nothing, packed": (b"", PACKED, "body: empty; wanted an object of feature names and values"),
    "space": (b" \r\n", JSON, "body: empty; wanted an object of feature names and values"),
    "a byte order mark": (b"\xef\xbb\xbf" + BODY, JSON, "not JSON: it begins with a byte order "
                          "mark (BOM): save it as UTF-8 without one"),
    "UTF-16": (BODY.decode().encode("utf-16"), JSON, "not JSON: it is UTF-16: send UTF-8"),
    "Python's quotes": (repr(FIT).encode(), JSON,
                        "not JSON: object keys must be strings (byte 1): JSON has double quotes"),
    "Python's None": (b'{"AGE": None}', JSON, "not JSON: invalid character (byte 8): "
                      "None is Python's: JSON has null"),
    "two lines": (BODY + b"\n" + BODY, JSON, "not JSON: trailing characters (byte "
                  f"{len(BODY) + 2}): send several applicants as one array"),
    "CSV": (b"40,1000.5\n41,900\n", JSON,
            "not JSON: trailing characters (byte 3): it looks like CSV"),
    "the first half": (BODY[:20], JSON, "not JSON: it ends in the middle, after 20 bytes"),
    "MessagePack": (msgspec.msgpack.encode(FIT), JSON, "not JSON: it looks like MessagePack: "
                    "send Content-Type: application/msgpack"),
    "JSON for MessagePack": (BODY, PACKED, "not MessagePack: it looks like JSON: "
                             "send Content-Type: application/json"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_body_that_cannot_be_read_is_a_400_that_says_why(server: Running, case: str) -> None:
    body, head, detail = UNREADABLE[case]
    said = httpx.post(f"{server.url}/score", content=body, headers=head)
    assert (said.status_code, said.json()["detail"]) == (400, detail)


SCORES = "POST /score scores, and GET / tells what else there is"
ABSENT = {
    "/score/": "/score/: no such path; did you mean /score?",
    "/Score": "/Score: no such path; did you mean /score?",
    "/models/small/score/": "/models/small/score/: no such path; did you mean /models/small/score?",
    "/models/reload": "/models/reload: no such path; it is on the admin port (--admin-port)",
    "/predict": f"/predict: no such path; {SCORES}",
    "/v1/models/small:predict": "/v1/models/small:predict: no such path; of this protocol "
    "the server speaks version 2: /v2/models/NAME/infer",
    "/models/large/score": "no model large; there is small/1",
    "/models/small/versions/2/score": "no version 2 of small; there is 1",
    "/models/small/versions/1/predict": f"/models/small/versions/1/predict: no such path; {SCORES}",
}


@pytest.mark.parametrize("path", ABSENT)
def test_a_path_that_is_none_names_the_one_that_was_meant(server: Running, path: str) -> None:
    said = httpx.post(server.url + path, json=FIT)
    assert (said.status_code, said.json()["detail"]) == (404, ABSENT[path])


def test_a_model_that_is_not_there_is_told_alike_under_v2(server: Running) -> None:
    said = httpx.post(f"{server.url}/v2/models/large/infer", json={})
    assert (said.status_code, said.json()) == (404, {"error": "no model large; there is small/1"})
    said = httpx.get(f"{server.url}/models/small/versions/2")
    assert said.json()["detail"] == "no version 2 of small; there is 1"


def test_the_wrong_method_or_content_type_says_what_to_send(server: Running) -> None:
    said = httpx.get(f"{server.url}/score")
    assert (said.status_code, said.json()["detail"]) == (
        405, "wanted POST, got GET; /docs shows how to ask",
    )  # fmt: skip
    said = httpx.delete(f"{server.url}/livez")
    assert (said.status_code, said.json()["detail"]) == (
        405,
        "/livez: wanted GET or HEAD, got DELETE",
    )
    said = httpx.post(f"{server.url}/score", data={"AGE": "40"})
    assert (said.status_code, said.json()["detail"]) == (
        415, "Content-Type: wanted application/json or application/msgpack, got "
        "application/x-www-form-urlencoded; with curl: -H 'Content-Type: application/json'",
    )  # fmt: skip
    said = httpx.post(f"{server.url}/score", json=FIT, headers={"accept": "text/html"})
    assert (said.status_code, said.json()["detail"]) == (
        406, "Accept: wanted application/json or application/msgpack, got text/html",
    )  # fmt: skip
