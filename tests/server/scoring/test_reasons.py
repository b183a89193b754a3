"""Principal reasons: LightGBM's contributions, grouped, ranked, in the client's language."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import pandas as pd
import pytest

from server.bundle import reading
from server.bundle.manifest import BundleError
from server.bundle.reasons import Baseline
from server.scoring import model as models
from server.scoring.codec import JSON
from server.scoring.reasons import Reasons
from tests.conftest import Running, Trained, running
from tests.server.asking import lines
from tests.server.reason_codes import CODES, with_codes

GROUPS = {entry["code"]: entry["features"] for entry in CODES["entries"]}


@pytest.fixture(scope="module")
def explaining(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_codes(bundle, tmp_path_factory.mktemp("explaining") / "small" / "1")


@pytest.fixture(scope="module", params=["on", "off"])
def up(
    explaining: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Running]:
    """A server whose model has reason codes, with the fast path and without."""
    with running(explaining, tmp_path_factory.mktemp("log"), "--fast-lane", request.param) as up:
        yield up


@pytest.fixture(scope="module")
def refused(trained: Trained) -> pd.DataFrame:
    """Applicants the model refuses."""
    rows = trained.held_out
    return rows[trained.prediction(rows) >= 0.4].head(40)


def sent(row: pd.Series) -> dict[str, Any]:
    return {
        str(name): None if pd.isna(value) else value.item() if hasattr(value, "item") else value
        for name, value in row.items()
    }


def ask(up: Running, body: Any, query: str = "", **headers: str) -> Any:
    return (
        httpx.post(f"{up.url}/score{query}", json=body, headers=headers).raise_for_status().json()
    )


def expected(trained: Trained, row: pd.DataFrame) -> list[tuple[str, float]]:
    """Return the codes and totals by LightGBM's own contributions, largest first."""
    found = np.asarray(trained.booster.predict(row, pred_contrib=True))[0]
    by_name = dict(zip(row.columns, found[:-1].tolist(), strict=True))
    totals = {code: sum(by_name[name] for name in names) for code, names in GROUPS.items()}
    ordered = sorted(totals.items(), key=lambda each: -each[1])
    return [(code, total) for code, total in ordered if total > 0][: CODES["most"]]


def test_the_largest_totals_are_the_reasons(
    up: Running, trained: Trained, refused: pd.DataFrame
) -> None:
    for place in range(len(refused)):
        row = refused.iloc[[place]]
        answer = ask(up, sent(row.iloc[0]))
        wanted = expected(trained, row)
        assert [each["rank"] for each in answer["reasons"]] == [*range(1, len(wanted) + 1)]
        for reason, (code, total) in zip(answer["reasons"], wanted, strict=True):
            missing = code == "R02" and bool(row["INCOME"].isna().all())
            assert reason["code"] == ("M02" if missing else code)
            assert reason["features"] == GROUPS[code]
            assert reason["contribution"] == pytest.approx(total, abs=1e-9)


def test_who_is_approved_needs_no_reasons(up: Running, trained: Trained) -> None:
    rows = trained.held_out[trained.prediction(trained.held_out) < 0.4]
    answer = ask(up, sent(rows.iloc[0]))
    assert answer["decision"] == "approve"
    assert "reasons" not in answer


def test_all_contributions_add_up_to_the_raw_score(
    up: Running, trained: Trained, refused: pd.DataFrame
) -> None:
    approved = trained.held_out[trained.prediction(trained.held_out) < 0.4].head(5)
    for rows in (refused.head(5), approved):
        for place in range(len(rows)):
            row = rows.iloc[[place]]
            answer = ask(up, sent(row.iloc[0]), "?reasons=all")
            total = sum(answer["contributions"].values()) + answer["expectation"]
            assert total == pytest.approx(trained.raw(row)[0], abs=1e-9)
            assert bool(answer["reasons"]) == (answer["decision"] == "refuse")


def test_none_are_answered_where_none_are_wanted(up: Running, refused: pd.DataFrame) -> None:
    assert "reasons" not in ask(up, sent(refused.iloc[0]), "?reasons=none")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("de", "de"), ("de-CH, en;q=0.5", "de"), ("fr, de;q=0.2", "de"), ("fr", "en"),
     ("de;q=0", "en"), ("", "en"), (";;q=x", "en")],
)  # fmt: skip
def test_the_text_is_in_the_language_that_is_accepted(
    up: Running, refused: pd.DataFrame, accepted: str, language: str
) -> None:
    answer = ask(up, sent(refused.iloc[0]), **{"Accept-Language": accepted})
    texts = {each["code"]: each["text"] for each in CODES["entries"]}
    texts |= {each["missing"]["code"]: each["missing"]["text"] for each in CODES["entries"][1:2]}
    assert answer["reasons"]
    for reason in answer["reasons"]:
        assert reason["text"] == texts[reason["code"]][language]


def test_what_nobody_sent_has_a_reason_of_its_own(up: Running, trained: Trained) -> None:
    rows = trained.held_out.assign(INCOME=np.nan)
    found = [
        reason
        for answer in ask(up, [sent(rows.iloc[place]) for place in range(60)])
        for reason in answer.get("reasons", ())
        if "INCOME" in reason["features"]
    ]
    assert {each["code"] for each in found} == {"M02"}


def test_messagepack_and_batches_say_the_same(up: Running, refused: pd.DataFrame) -> None:
    rows = [sent(refused.iloc[place]) for place in range(3)]
    singly = [ask(up, row)["reasons"] for row in rows]
    assert [each["reasons"] for each in ask(up, rows)] == singly
    head = {"content-type": "application/msgpack"}
    packed = httpx.post(f"{up.url}/score", content=msgspec.msgpack.encode(rows[0]), headers=head)
    assert msgspec.msgpack.decode(packed.content)["reasons"] == singly[0]


def test_the_record_holds_what_was_answered(up: Running, refused: pd.DataFrame) -> None:
    answer = ask(up, sent(refused.iloc[0]))
    found = [json.loads(line) for line in lines(up)]
    (record,) = [each for each in found if each["request_id"] == answer["request_id"]]
    told = [[each["code"], each["contribution"]] for each in answer["reasons"]]
    assert (record["reasons"], record["reasons_version"]) == (told, CODES["version"])
    without = ask(up, sent(refused.iloc[0]), "?reasons=none")["request_id"]
    (plain,) = [r for r in map(json.loads, lines(up)) if r["request_id"] == without]
    assert "reasons" not in plain


def test_the_document_names_the_codes(up: Running) -> None:
    schema = httpx.get(f"{up.url}/openapi.json").json()["paths"]["/score"]["post"]
    answered = schema["responses"]["200"]["content"]["application/json"]["schema"]["oneOf"][0]
    reason = answered["properties"]["reasons"]["items"]
    assert reason["properties"]["code"]["enum"] == ["R01", "R02", "R03", "R04", "M02"]
    assert "reasons" in {each["name"] for each in schema["parameters"]}


@pytest.mark.parametrize("query", ["?reasons=some", "?reasons", "?reasons=all&reasons=all"])
def test_another_query_is_refused(up: Running, refused: pd.DataFrame, query: str) -> None:
    answer = httpx.post(f"{up.url}/score{query}", json=sent(refused.iloc[0]))
    assert answer.status_code == 400
    assert "reasons=none|principal|all" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"policy": "other"}, "wanted the policy"),
        ({"baseline": {"kind": "all", "contributions": [0.0]}}, "wanted 5 contributions, got 1"),
        ({"entries": [*CODES["entries"], {**CODES["entries"][0], "features": ["X"]}]}, "unknown"),
        ({"entries": [*CODES["entries"], CODES["entries"][0]]}, "feature AGE: wanted it in one"),
        ({"entries": [{**CODES["entries"][0], "text": {}}]}, "at least one"),
        ({"most": "four"}, "Expected `int`"),
    ],
)
def test_codes_that_do_not_fit_the_model_refuse_the_start(
    bundle: Path, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    copy = with_codes(bundle, tmp_path / "copy", CODES | change)
    with pytest.raises(BundleError, match=r"reasons\.json") as caught:
        models.load(copy)
    assert said in str(caught.value)


def test_equal_totals_stand_in_the_order_of_the_file_and_only_positive_ones_count(
    explaining: Path, refused: pd.DataFrame
) -> None:
    """A baseline that leaves every feature at nought, or at one."""
    opened = reading.read(explaining)
    model = models.load(explaining)
    assert opened.codes is not None
    assert model.contributions is not None
    body = json.dumps(sent(refused.iloc[0])).encode()
    outcome = model.score(body, JSON)
    found = model.contributions.of(np.frombuffer(outcome.row))[0][:-1]
    income = "M02" if pd.isna(refused.iloc[0]["INCOME"]) else "R02"
    for above, wanted in ((0.0, []), (1.0, ["R01", income])):
        baseline = Baseline("all", tuple((found - above / np.array([2, 1, 2, 1, 1])).tolist()))
        codes = msgspec.structs.replace(opened.codes, baseline=baseline)
        reasons = Reasons(codes, model.manifest, model.contributions)
        told = reasons.explained(outcome, "principal", lambda: model.sent(body, JSON), "en")
        assert told.explanation is not None
        assert told.explanation.codes() == wanted
