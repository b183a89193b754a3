"""`monitoring reasons` over the log of a real server, counted a second time from its answers."""

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitoring.__main__ import main
from tests.conftest import Trained
from tests.monitoring.explained import REFER, Told
from tests.record_lines import BEGIN, DAY, line, record, segment

POLICY = "refuse>=0.4"


def reasons(log: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[Any]:
    assert main(["reasons", "--log", str(log), "--json", *arguments]) == 0
    return [json.loads(text) for text in capsys.readouterr().out.splitlines()]


def explained(told: Told) -> list[dict[str, Any]]:
    """The answers other than approvals that came with reasons."""
    return [each for each in told.answers if each["decision"] != "approve" and each.get("reasons")]


def test_each_code_is_counted_by_kind_of_decision(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    [found] = reasons(told.log, capsys)
    assert (found["model"], found["version"]) == ("home", "1")
    assert found["policy"] == f"refer>={REFER} refuse>=0.4"
    assert found["decided"] == Counter(each["decision"] for each in told.answers)
    assert found["explained"] == len(explained(told))
    others = sum(each["decision"] != "approve" for each in told.answers)
    assert found["unexplained"] == others - len(explained(told))
    for group in found["decisions"]:
        mine = [each for each in explained(told) if each["decision"] == group["name"]]
        named = Counter(one["code"] for each in mine for one in each["reasons"])
        first = Counter(each["reasons"][0]["code"] for each in mine)
        assert {code: count["named"] for code, count in group["codes"].items()} == named
        assert {code: count["first"] for code, count in group["codes"].items()} == {
            code: first[code] for code in named
        }


def test_from_parquet_and_twice_the_same_is_counted_once(
    told: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [path] = told.log.glob("score-*.jsonl")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / path.name.replace("-vm-", f"-{name}-")).write_bytes(path.read_bytes())
    assert main(["log", "compact", str(tmp_path / "two")]) == 0
    capsys.readouterr()
    assert reasons(tmp_path, capsys) == reasons(told.log, capsys)


def test_segments_say_who_is_refused_and_why(
    told: Told, trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    [found] = reasons(told.log, capsys, "--segment", "AGE:30,45,60")
    groups = {group["name"]: group for group in found["segments"]["groups"]}
    assert [*groups] == ["under 30", "30 to 45", "45 to 60", "60 and over", "(missing)"]
    ages = trained.held_out["AGE"].head(600).copy()
    ages.iloc[::4] = float("nan")
    young = [i for i, age in enumerate(ages.tolist()) if age < 30]
    wanted = Counter(told.answers[i]["decision"] for i in young)
    assert groups["under 30"]["decided"] == wanted
    told_missing = groups["(missing)"]["codes"]["OLD0"]["named"]
    assert told_missing == groups["(missing)"]["explained"]
    assert found["segments"]["p_value"] < 0.01


def test_a_table_with_texts_in_the_language_asked_for(
    told: Told, reasoned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = ["--models", str(reasoned.parents[1])]
    arguments = ["reasons", "--log", str(told.log), *models, "--segment", "KIND"]
    assert main([*arguments, "--language", "de"]) == 0
    said = capsys.readouterr().out
    assert "Schulden und Wohnort" in said
    assert "home, shared" in said
    assert "the largest reason depends on KIND" in said


def test_the_reference_is_explained_with_the_bundle_and_compared(
    told: Told, reasoned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A quarter of the applicants state no age, and nobody in the reference."""
    models = ["--models", str(reasoned.parents[1]), "--baseline", "training"]
    [found] = reasons(told.log, capsys, *models)
    change = found["change"]
    codes = {each["code"]: each for each in change["codes"]}
    assert change["drifted"]
    assert codes["OLD0"]["before"] == 0.0
    assert codes["OLD0"]["now"] > 0.2
    assert codes["OLD0"]["drifted"]
    assert not codes["OWE"]["drifted"]
    assert main(["reasons", "--log", str(told.log), *models]) == 0
    assert "DRIFT  reasons against the reference" in capsys.readouterr().out


def written(log: Path, days: int, codes: list[list[str]]) -> None:
    """Write a refusal for each list of codes, over some days from BEGIN."""
    for day in range(days):
        begin = BEGIN + day * DAY
        lines = [
            line(record(
                number, begin + timedelta(seconds=number), request_id=f"{day}-{number}",
                policy=POLICY, decision="refuse", reasons_version="abc",
                reasons=[[code, 1.0 / (place + 1)] for place, code in enumerate(told)],
            ))
            for number, told in enumerate(codes)
        ]  # fmt: skip
        segment(log, lines, begin)


def test_two_windows_that_are_alike_and_two_that_are_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path / "log", 4, [["A", "B"], ["B"], ["A"]] * 80)
    since = ["--since", str((BEGIN + 2 * DAY).date()), "--until", str((BEGIN + 4 * DAY).date())]
    [found] = reasons(tmp_path / "log", capsys, *since, "--baseline", "previous")
    assert (found["change"]["before"], found["change"]["now"]) == (480, 480)
    assert (found["change"]["drifted"], found["change"]["psi"]) == (False, 0.0)
    for path in (tmp_path / "log").glob(f"score-{BEGIN + 3 * DAY:%Y%m%d}*"):
        path.write_bytes(path.read_bytes().replace(b'["B",', b'["C",'))
    [found] = reasons(tmp_path / "log", capsys, *since, "--baseline", "previous")
    codes = {each["code"]: each for each in found["change"]["codes"]}
    assert found["change"]["drifted"]
    assert (codes["C"]["before"], codes["C"]["drifted"]) == (0.0, True)
    assert [group["name"] for group in found["periods"]] == [
        str((BEGIN + day * DAY).date()) for day in (2, 3)
    ]


def test_too_few_decisions_give_no_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path / "log", 2, [["A"]] * 5)
    arguments = ["--since", str((BEGIN + DAY).date()), "--until", str((BEGIN + 2 * DAY).date())]
    arguments += ["--log", str(tmp_path / "log"), "--baseline", "previous"]
    assert main(["reasons", *arguments]) == 0
    said = capsys.readouterr().out
    assert "CANNOT TELL" in said
    assert "too few for a verdict: --min-rows" in said


def test_codes_that_a_table_of_segments_has_no_room_for_are_named(
    told: Told, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitoring.reasons.text.LAST", 4)
    assert main(["reasons", "--log", str(told.log), "--segment", "KIND"]) == 0
    table, _, rest = capsys.readouterr().out.partition("and 2 more codes with --json: ")
    left = rest.partition("\n")[0].split(", ")
    shown = table.rpartition("\nKIND ")[2].split()[2:6]
    assert {*shown, *left} == {"OLD", "OLD0", "INC", "INC0", "OWE", "HOM"}


def test_hours_and_weeks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path / "log", 10, [["A"]] * 2)
    [found] = reasons(tmp_path / "log", capsys, "--by", "week")
    assert [(g["name"], g["explained"]) for g in found["periods"]] == [
        ("2026-11-23", 14), ("2026-11-30", 6),
    ]  # fmt: skip
    [found] = reasons(tmp_path / "log", capsys, "--by", "hour", "--until", "2026-11-24")
    assert [group["name"] for group in found["periods"]] == ["2026-11-23T21"]


def test_the_plot_works_offline_and_runs_no_markup_of_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path / "log", 2, [["<script>alert(1)</script>"]] * 3)
    plot = tmp_path / "reasons.html"
    assert main(["reasons", "--log", str(tmp_path / "log"), "--plot", str(plot)]) == 0
    page = plot.read_text()
    assert "Reasons for what was not approved" in page
    assert "alert(1)" in page
    assert "<script>alert" not in page
    assert "<script src=" not in page


def test_what_cannot_be_done_is_told_in_one_line(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, wanted in (
        (["--segment", "NOPE"], "no such feature in the log, but AGE, DEBT-RATIO"),
        (["--segment", "AGE:60,30"], "ascending"),
        (["--segment", "AGE:x"], "such as AGE:30,45,60"),
        (["--baseline", "training"], "give --models DIR"),
        (["--baseline", "previous"], "give --since, or --window such as 7d"),
        (["--window", "7d", "--since", "2026-11-01"], "not both"),
    ):
        assert main(["reasons", "--log", str(told.log), *arguments]) == 2
        said = capsys.readouterr().err
        assert wanted in said
        assert len(said.splitlines()) == 1


def test_a_log_without_decisions_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    segment(tmp_path / "log", [line(record(1, decision=None, policy=None))])
    assert main(["reasons", "--log", str(tmp_path / "log")]) == 0
    assert capsys.readouterr().err == "no decisions\n"
