"""SageMaker's contract over a real socket: four formats, health, batch transform."""

import json
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pandas as pd
import pytest

from server.cli import chosen
from server.platform import sagemaker
from tests.conftest import Running, Serve, Trained, running
from tests.server.platform.contract import (
    COUNT,
    csv_of,
    detail,
    post,
    probabilities,
    rows_of,
    up,
    wanted,
)

BOTH_LANES = True
COMMITTED = Path(__file__).parents[3] / "models" / "credit-express"
PATH = "/invocations"
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
LINES, CSV = "application/jsonlines", "text/csv"


@pytest.fixture(scope="module")
def server(
    bundle: Path, serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    with up(serve, bundle, tmp_path_factory.mktemp("log"), "sagemaker") as running:
        yield running


def as_lines(rows: list[dict[str, object]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def test_json_and_messagepack_are_those_of_score(server: Running, trained: Trained) -> None:
    rows = rows_of(trained)
    assert probabilities(post(server, PATH, rows).json()) == wanted(trained)
    assert post(server, PATH, rows[0]).json()["probability"] == wanted(trained)[0]
    packed = msgspec.msgpack.encode(rows)
    done = post(server, PATH, packed, content_type="application/x-msgpack")
    assert probabilities(msgspec.msgpack.decode(done.content)) == wanted(trained)


def test_json_lines_are_answered_line_by_line(server: Running, trained: Trained) -> None:
    done = post(server, PATH, as_lines(rows_of(trained)), content_type=LINES)
    assert done.headers["content-type"] == LINES
    answers = [json.loads(line) for line in done.text.splitlines()]
    assert probabilities(answers) == wanted(trained)


def test_a_bare_nan_is_a_missing_value(server: Running, trained: Trained) -> None:
    """SageMaker's JSONSerializer and JSONLinesSerializer write it."""
    rows: Any = trained.held_out[:COUNT].to_dict("records")
    assert b"NaN" in as_lines(rows)
    body = json.dumps(rows).encode()
    done = post(server, PATH, body, content_type="application/json")
    assert probabilities(done.raise_for_status().json()) == wanted(trained)
    done = post(server, PATH, as_lines(rows), content_type=LINES)
    assert probabilities([*map(json.loads, done.text.splitlines())]) == wanted(trained)


@pytest.mark.parametrize("header", [True, False])
def test_csv_is_answered_in_csv(server: Running, trained: Trained, header: bool) -> None:
    """Without a header the cells are in the model's order."""
    done = post(server, PATH, csv_of(trained, header), content_type=CSV, accept=CSV)
    assert done.headers["content-type"] == CSV
    cells = [line.split(",") for line in done.text.splitlines()]
    assert [float(each[0]) for each in cells] == wanted(trained)


def test_csv_has_the_decision_and_the_codes_of_the_reasons(serve: Serve, tmp_path: Path) -> None:
    rows = pd.read_parquet(COMMITTED / "held-out.parquet").drop(columns="default").head(50)
    with up(serve, COMMITTED / "1", tmp_path, "sagemaker") as one:
        body = rows.to_csv(index=False).encode()
        answers = post(one, PATH, body, content_type=CSV, accept="application/json").json()
        lines = post(one, PATH, body, content_type=CSV).text.splitlines()
    told = [
        [str(each["probability"]), each["decision"],
         " ".join(reason["code"] for reason in each.get("reasons", ()))]
        for each in answers
    ]  # fmt: skip
    assert [line.split(",") for line in lines] == told
    assert {"refuse", "approve"} <= {each[1] for each in told}
    assert all(bool(each[2]) == (each[1] != "approve") for each in told)


def test_accept_chooses_among_all_formats(server: Running, trained: Trained) -> None:
    body = as_lines(rows_of(trained))
    choices: list[tuple[str, Callable[[bytes], Any]]] = [
        ("application/json", json.loads), ("application/msgpack", msgspec.msgpack.decode),
        ("text/html;q=0.1, application/json", json.loads),
        (f"{LINES};q=0, */*;q=0.5", json.loads),
    ]  # fmt: skip
    for accept, read in choices:
        done = post(server, PATH, body, content_type=LINES, accept=accept)
        assert probabilities(read(done.content)) == wanted(trained)
    for accept in (f"{LINES};q=0.9, */*;q=0.1", "text/*;q=0.2, application/jsonlines"):
        lines = post(server, PATH, rows_of(trained), accept=accept).text
        assert probabilities([*map(json.loads, lines.splitlines())]) == wanted(trained)
    for accept in ("application/json, text/csv", "text/*", "*/*", "application/json;q=.2, */*"):
        done = post(server, PATH, csv_of(trained), content_type=CSV, accept=accept)
        assert done.headers["content-type"] == CSV
    assert "wanted text/csv" in detail(
        post(server, PATH, body, content_type=LINES, accept="a/b"), 406
    )
    assert "wanted text/csv" in detail(post(server, PATH, body, content_type="image/png"), 415)


def test_a_fault_is_named_by_its_line(server: Running, trained: Trained) -> None:
    rows = rows_of(trained)
    rows[3]["AGE"] = "old"
    said = detail(post(server, PATH, b"\n" + as_lines(rows), content_type=LINES))
    assert "1 of 20 applicants refused, none scored; first: line 5: AGE: wanted" in said
    broken = csv_of(trained).replace(b"\n", b"\nold", 1)
    assert "first: line 2: AGE: wanted a finite number, got" in detail(
        post(server, PATH, broken, content_type=CSV)
    )


@pytest.mark.parametrize(
    ("kind", "body", "said", "status"),
    [
        (LINES, b'{"AGE": 1}\n{"AGE": 1}, {"AGE": 1}\n', "line 2: not JSON", 400),
        (LINES, b"{\n", "line 1: not JSON: it ends in the middle", 400),
        (LINES, b"", "body: wanted at least one applicant", 422),
        (LINES, b"{}\n" * 20_001, "wanted at most 20000 lines", 413),
        (LINES, b"\n" * 20_001 + b"{}", "wanted at most 20000 lines", 413),
        (LINES, b"\x0b\n{}", "line 1: not JSON", 400),
        (CSV, b"\n" * 20_001, "wanted at most 20000 blank lines", 413),
        (CSV, b"", "body: empty", 422),
        (
            CSV,
            b"1,2\n",
            "line 1: wanted 5 cells, AGE, INCOME, DEBT-RATIO, KIND, REGION, got 2",
            422,
        ),
        (CSV, b"7,1,2,3,car,1\n", "got 6: leave out an index, an id or a label", 422),
        (CSV, b"1;2;3;car;1\n", "separate them by commas, not by semicolons", 422),
        (CSV, b",AGE,INCOME,DEBT-RATIO,KIND,REGION\n", "none for column 1: leave it out if", 422),
        (CSV, b"age,income,debt ratio,kind,region\n1,2,3,car,1\n", "did you mean AGE?", 422),
        (CSV, b"1,2,3,car,1\n" * 20_001, "wanted at most 20000 rows", 413),
        (CSV, b'1,2,3,"car,1\n', "not CSV: line 1", 400),
        (CSV, b"\xff\n", "wanted UTF-8", 400),
        (CSV, b"AGE,INCOME,AGE\n", "line 1: wanted each name once", 422),
        (CSV, b"AGE," * 1_000_000 + b"AGE\n", "line 1: wanted each name once", 422),
        (CSV, b"AGE,INCOME,DEBT-RATIO,KIND,REGIO\n1,2,3,car,1\n", "did you mean REGION?", 422),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    server: Running, kind: str, body: bytes, said: str, status: int
) -> None:
    assert said in detail(post(server, PATH, body, content_type=kind), status)


def test_ping_and_execution_parameters_answer(server: Running) -> None:
    assert httpx.get(server.url + "/ping").status_code == 200
    found = httpx.get(server.url + "/execution-parameters").json()
    assert found == {
        "MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 1,
    }  # fmt: skip


def test_custom_attributes_name_the_record_both_ways(server: Running, trained: Trained) -> None:
    given = {ATTRIBUTES: "loan-4711"}
    named = post(server, PATH, rows_of(trained)[0], **given)
    odd = post(server, PATH, rows_of(trained)[0], **{ATTRIBUTES: "not an id"})
    told = [answer.headers[ATTRIBUTES] for answer in (named, odd)]
    assert told == [answer.headers["x-request-id"] for answer in (named, odd)]
    assert told[0] == "loan-4711"
    assert {*told} <= {each["request_id"] for each in server.records()}


def test_an_answer_without_its_record_is_refused_and_has_its_id_too(
    bundle: Path, serve: Serve, trained: Trained, tmp_path: Path
) -> None:
    with up(serve, bundle, tmp_path, "sagemaker", "--workers", "1") as one:
        (worker,) = one.workers()
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (0, 0))
        done = post(one, PATH, rows_of(trained), **{ATTRIBUTES: "loan-4712"})
        assert "the prediction log cannot be written" in detail(done, 503)
        assert done.headers[ATTRIBUTES] == "loan-4712"
        assert httpx.get(one.url + "/ping").status_code == 503


def test_names_in_another_order_are_refused_in_batch_transform(
    bundle: Path, serve: Serve, trained: Trained, tmp_path: Path
) -> None:
    """Only the first part of a file has them, so the others would be read in the wrong order."""
    turned = trained.held_out[:3].iloc[:, ::-1].to_csv(index=False).encode()
    with up(serve, bundle, tmp_path, "sagemaker", SAGEMAKER_BATCH="true") as one:
        assert post(one, PATH, csv_of(trained), content_type=CSV).status_code == 200
        said = detail(post(one, PATH, turned, content_type=CSV))
    assert "line 1: wanted the model's order" in said
    assert "AGE, INCOME, DEBT-RATIO, KIND, REGION" in said


def test_a_key_is_asked_for_where_keys_are(
    bundle: Path, serve: Serve, trained: Trained, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.jsonl"
    keys.touch()
    with up(serve, bundle, tmp_path, "sagemaker", "--keys", str(keys)) as closed:
        assert post(closed, PATH, rows_of(trained)).status_code == 401
        assert httpx.get(closed.url + "/ping").status_code == 200
    assert not closed.records()


def test_serve_is_a_word_for_serving(bundle: Path, trained: Trained, tmp_path: Path) -> None:
    with running(bundle, tmp_path, program=("-m", "server", "serve")) as up:
        assert httpx.post(up.url + "/score", json=rows_of(trained)[0]).status_code == 200


def test_port_and_model_are_sagemakers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CREDIT_PORT", "8000")
    monkeypatch.setenv("CREDIT_MODEL", "models")
    flags = {"platform": "sagemaker"}
    assert (chosen(flags).port, chosen(flags).model) == (8080, Path("models"))
    monkeypatch.delenv("CREDIT_MODEL")
    assert chosen(flags).model == sagemaker.MODEL  # not there: the error names it
    monkeypatch.setattr(sagemaker, "MODEL", tmp_path)
    monkeypatch.setenv("SAGEMAKER_BIND_TO_PORT", "8081")
    assert (chosen(flags).port, chosen(flags).model) == (8081, tmp_path)
