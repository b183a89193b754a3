"""The client's answers are LightGBM's bits, and its errors say what the server said."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from credit_express_client import (
    AccessError,
    Answer,
    AsyncClient,
    Client,
    CreditExpressError,
    Fault,
    InvalidError,
    Probabilities,
    Problem,
    ProblemError,
    UnreachableError,
    Value,
)

from tests.clients.other_tasks import trained_for
from tests.conftest import Running, Serve, Trained, applicants
from tests.ports import free_ports
from tests.server.command import run
from tests.server.reason_codes import with_codes
from tests.server.wire import FIT

from .conftest import Ask

FAULTY = FIT | {"AGE": "forty"}


def test_one_applicant_gets_lightgbms_bits(server: Running, trained: Trained, ask: Ask) -> None:
    rows = trained.held_out.head(20)
    for applicant, wanted in zip(applicants(rows), trained.prediction(rows), strict=True):
        answer = ask(server.url, "score", applicant)
        assert answer.probability == wanted
        assert answer.decision == ("refuse" if wanted >= 0.4 else "approve")


def test_a_crowd_of_calls_is_answered_sixteen_at_once(server: Running, trained: Trained) -> None:
    """httpx's own queue would let them time out."""
    rows = trained.held_out.head(300)
    under_way: list[int] = [0]

    async def sent(_: httpx.Request) -> None:
        under_way.append(under_way[-1] + 1)

    async def came(_: httpx.Response) -> None:
        under_way.append(under_way[-1] - 1)

    async def crowd() -> list[float]:
        http = httpx.AsyncClient(event_hooks={"request": [sent], "response": [came]})
        async with AsyncClient(server.url, http=http) as client:
            answers = await asyncio.gather(*map(client.score, applicants(rows)))
        return [answer.probability for answer in answers]

    assert asyncio.run(crowd()) == trained.prediction(rows).tolist()
    assert max(under_way) == 16


def test_a_batch_is_answered_in_order(server: Running, trained: Trained, ask: Ask) -> None:
    answers = ask(server.url, "score_batch", applicants(trained.held_out))
    wanted = trained.prediction(trained.held_out).tolist()
    assert [answer.probability for answer in answers] == wanted


def test_numpy_scalars_are_sent_as_what_they_hold(server: Running, ask: Ask) -> None:
    sent = FIT | {"AGE": np.int64(40), "INCOME": np.float64(1000.5), "REGION": np.int8(2)}
    answer = ask(server.url, "score", sent)
    assert answer.probability == ask(server.url, "score", FIT).probability


def test_what_is_no_value_is_refused_before_it_is_sent(server: Running, ask: Ask) -> None:
    for value, said in [
        (object(), "'AGE': wanted a number, a text, True, False or None, got object"),
        (2**70, "'AGE': can't serialize ints"), ("\ud800", "'AGE': 'utf-8' codec"),
    ]:  # fmt: skip
        with pytest.raises(TypeError, match=said):
            ask(server.url, "score", FIT | {"AGE": value})
    with pytest.raises(TypeError, match=r"wanted one applicant, a mapping .*, got list"):
        ask(server.url, "score", [FIT])
    with pytest.raises(TypeError, match=r"wanted one applicant, a mapping .*, got str"):
        ask(server.url, "score_batch", pd.DataFrame([FIT]))
    with pytest.raises(ValueError, match=r"^request_id: wanted ASCII characters, and no line ends"):
        ask(server.url, "score", FIT, request_id="one\r\nX-API-Key: two")
    with pytest.raises(TypeError, match=r"got one mapping: use score\(\)"):
        ask(server.url, "score_batch", FIT)
    with pytest.raises(TypeError, match="unknown option idempotencykey; known: reasons, request"):
        ask(server.url, "score", FIT, idempotencykey="1")


def test_every_fault_is_told(server: Running, ask: Ask) -> None:
    """NaN and infinity too, which JSON would have turned into a missing value."""
    with pytest.raises(InvalidError, match=r'^422 .*: AGE: wanted a finite .*, got "fo') as refused:
        ask(server.url, "score", FAULTY | {"INCOME": np.inf, "DEBT-RATIO": np.nan})
    assert refused.value.status == 422
    assert [(fault.feature, fault.got) for fault in refused.value.faults] == [
        ("AGE", '"forty"'), ("INCOME", "Infinity"), ("DEBT-RATIO", "NaN"),
    ]  # fmt: skip


def test_one_faulty_applicant_refuses_a_batch(server: Running, ask: Ask) -> None:
    with pytest.raises(InvalidError) as refused:
        ask(server.url, "score_batch", [FIT, FAULTY])
    assert refused.value.faults == [Fault("AGE", "a finite number", '"forty"', 1)]


def test_of_each_applicant_a_faulty_one_is_a_problem(server: Running, ask: Ask) -> None:
    first, second, third = ask(server.url, "score_each", [FIT, FAULTY, FIT])
    assert isinstance(first, Answer)
    assert first.probability == third.probability
    assert isinstance(second, Problem)
    assert (second.status, second.errors[0].feature) == (422, "AGE")


def test_options_reach_the_server(server: Running, ask: Ask, request: Any) -> None:
    name = f"loan/{request.node.name}"
    answer = ask(server.url, "score", FIT, request_id=name)
    assert answer.request_id == name
    assert name in {record["request_id"] for record in server.records()}
    with pytest.raises(ProblemError) as late:
        ask(server.url, "score", FIT, deadline_ms=0)
    assert late.value.status == 504


def test_an_option_that_is_none_is_not_sent(server: Running, ask: Ask) -> None:
    """As a key, the word None would be that of everybody."""
    none = dict.fromkeys(("request_id", "idempotency_key", "reasons", "language", "deadline_ms"))
    for age in (40, 41):
        assert ask(server.url, "score", FIT | {"AGE": age}, **none).request_id != "None"


def test_reasons_come_in_the_language_asked_for(
    bundle: Path, serve: Serve, tmp_path: Path, ask: Ask, trained: Trained
) -> None:
    worst = int(trained.prediction(trained.held_out).argmax())
    (applicant,) = applicants(trained.held_out.iloc[[worst]])
    with serve(with_codes(bundle, tmp_path / "bundle"), tmp_path) as up:
        answer = ask(up.url, "score", applicant, reasons="all", language="de")
        plain = ask(up.url, "score", applicant, reasons="none")
    assert {"Alter oder Schulden", "Kein Einkommen"} & {each.text for each in answer.reasons}
    total = answer.expectation + sum(answer.contributions.values())
    assert abs(total - np.log(answer.probability / (1 - answer.probability))) < 1e-12
    assert (plain.reasons, plain.contributions, plain.expectation) == (None, None, None)


def test_the_models_are_told_and_asked_by_name(server: Running, ask: Ask) -> None:
    (model,) = ask(server.url, "models")
    assert (model.name, model.version, model.task, model.threshold) == ("small", "1", "binary", 0.4)
    exactly = ask(server.url, "score", FIT, settings={"model": "small", "version": "1"})
    assert exactly.model.sha256 == model.sha256
    with pytest.raises(ProblemError, match="404 Not Found: no model large; there is small/1"):
        ask(server.url, "score", FIT, settings={"model": "large"})
    with pytest.raises(ValueError, match="version='1' wants a model too"):
        Client(server.url, version="1")


def test_a_key_opens_and_its_absence_is_told(
    bundle: Path, serve: Serve, tmp_path: Path, ask: Ask
) -> None:
    keys = str(tmp_path / "keys")
    key = run("key", "--keys", keys, "--id", "one", "--scopes", "score").stdout.strip()
    with serve(bundle, tmp_path, "--keys", keys) as up:
        assert ask(up.url, "score", FIT, settings={"api_key": key}).decision
        with pytest.raises(AccessError, match="401"):
            ask(up.url, "score", FIT)


@pytest.mark.parametrize(("task", "form"), [("multiclass", Probabilities), ("regression", Value)])
def test_models_of_other_tasks_answer_in_their_form(
    task: str, form: type[Probabilities] | type[Value], serve: Serve, tmp_path: Path, ask: Ask
) -> None:
    booster, rows, bundle = trained_for(task, tmp_path)
    (wanted,) = np.asarray(booster.predict(rows.head(1))).tolist()
    with serve(bundle, tmp_path) as up:
        answer = ask(up.url, "score", rows.iloc[0].to_dict(), settings={"answer": form})
        with pytest.raises(CreditExpressError, match="answer=Probabilities is for a multiclass"):
            ask(up.url, "score", rows.iloc[0].to_dict())
    told = answer.probabilities if isinstance(answer, Probabilities) else answer.value
    assert (list(told.values()) if isinstance(told, dict) else told) == wanted


def test_no_server_is_an_error_of_ours_with_httpxs_as_its_cause(ask: Ask) -> None:
    url = f"http://127.0.0.1:{free_ports()}"
    with pytest.raises(UnreachableError, match=f"^{url}/score: ") as unreachable:
        ask(url, "score", FIT)
    assert isinstance(unreachable.value.__cause__, httpx.ConnectError)
