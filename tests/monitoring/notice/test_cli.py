"""A notice states what was answered, in the applicant's words; else one line says why not."""

import json
import shutil
import stat
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from monitoring.__main__ import main
from tests.monitoring.explained import Told
from tests.record_lines import line, record, segment


@pytest.fixture
def places(told: Told, reasoned: Path) -> list[str]:
    return ["--log", str(told.log), "--models", str(reasoned.parents[1])]


def answer(told: Told, decision: str, *codes: str, explained: bool = True) -> dict[str, Any]:
    """The first answer of its own request of that decision, with reasons of these codes."""
    return next(
        each
        for each in told.answers[:200]
        if each["decision"] == decision
        and (bool(each.get("reasons")) == explained)
        and {*codes} <= {reason["code"] for reason in each.get("reasons", ())}
    )


def notice(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["notice", *arguments]) == 0
    return capsys.readouterr().out


def test_the_reasons_are_those_that_were_answered_in_their_order(
    told: Told, places: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    refused = answer(told, "refuse", "OWE")
    english = notice(refused["request_id"], *places, "--language", "en", capsys=capsys)
    texts = {"OLD": "Age", "OLD0": "No age stated", "INC": "Income <after> tax & rent",
             "INC0": "No income stated", "OWE": "Debt and where you live",
             "HOM": "Kind of home"}  # fmt: skip
    wanted = [f"{r['rank']}. {texts[r['code']]}" for r in refused["reasons"]]
    assert "\n".join(wanted) in english
    assert refused["request_id"] in english
    assert english.startswith("DRAFT")
    german = notice(refused["request_id"], *places, "--language", "de-AT", capsys=capsys)
    assert "Schulden und Wohnort" in german


class Items(HTMLParser):
    """The texts of the list items of a page, as a browser reads them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        self.found += [""] if tag == "li" else []

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "li":
            self.found[-1] += data.rstrip("\n")


def test_html_shows_texts_as_they_are(
    told: Told, places: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "letter.html"
    refused = answer(told, "refuse", "INC")
    notice(refused["request_id"], *places, "--language", "en", "--out", str(out), capsys=capsys)
    page = Items(out.read_text())
    assert "Income <after> tax & rent" in page.found
    assert "after" not in page.tags
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert main(["notice", refused["request_id"], *places, "--out", str(out)]) == 2
    assert "already exists" in capsys.readouterr().err


def test_a_template_of_ones_own(
    told: Told, places: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("$bank, $date: $model/$version costs $$5\n${reasons}\n")
    refused = answer(told, "refuse")
    said = notice(
        refused["request_id"], *places, "--template", str(letter), "--set", "bank=A & <B> $x",
        capsys=capsys,
    )  # fmt: skip
    assert said.startswith("A & <B> $x, 20")
    assert "home/1 costs $5\n1. " in said
    page = notice(
        refused["request_id"], *places, "--template", str(letter), "--set", "bank=A & <B>",
        "--format", "html", capsys=capsys,
    )  # fmt: skip
    assert page.startswith("A &amp; &lt;B&gt;, 20")


def test_the_default_template_can_be_printed_and_used(
    told: Told, places: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = answer(told, "refuse")["request_id"]
    for form in ("text", "html"):
        file = tmp_path / f"letter.{form}"
        file.write_text(notice("--print-template", "--format", form, capsys=capsys))
        mine = notice(refused, *places, "--template", str(file), "--format", form, capsys=capsys)
        assert mine == notice(refused, *places, "--format", form, capsys=capsys)


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("no list", "wanted $reasons somewhere"),
        ("$reasons $nobody", "$nobody is not known; there are $decision, $date"),
        ("$reasons for 5 $", "write $$ for a dollar sign"),
        ("$reasons {{ 7 * 7 }} {% raise %}", None),
    ],
)
def test_odd_templates(
    told: Told, places: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    template: str, wanted: str | None,
) -> None:  # fmt: skip
    file = tmp_path / "letter.txt"
    file.write_text(template)
    refused = answer(told, "refuse")["request_id"]
    code = main(["notice", refused, *places, "--template", str(file)])
    said = capsys.readouterr()
    if wanted is None:
        assert code == 0
        assert said.out.endswith(" {{ 7 * 7 }} {% raise %}")
        return
    assert code == 2
    assert wanted in said.err
    assert len(said.err.splitlines()) == 1


def test_files_that_are_no_template(
    told: Told, places: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = answer(told, "refuse")["request_id"]
    (tmp_path / "latin").write_bytes(b"$reasons \xe9")
    (tmp_path / "long").write_bytes(b"$reasons" * 200_000)
    for name, wanted in (("latin", "UTF-8"), ("long", "at most"), ("none", "wanted a file")):
        arguments = ["notice", refused, *places, "--template", str(tmp_path / name)]
        assert main(arguments) == 2
        said = capsys.readouterr().err
        assert wanted in said
        assert len(said.splitlines()) == 1


def test_what_needs_no_notice_or_can_have_none_says_so_in_one_line(
    told: Told, places: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    batch = told.answers[300]["request_id"]
    for arguments, wanted in (
        ([answer(told, "approve", explained=False)["request_id"]], "was approved"),
        ([answer(told, "refuse", explained=False)["request_id"]], "answered without reasons"),
        (["nobody"], "the log holds no decision"),
        ([batch], "is a batch of 200: give --index, 0 to 199"),
        ([batch, "--index", "200"], "no applicant 200"),
        ([answer(told, "refuse")["request_id"], "--language", "fr"], "the texts are in en, de"),
        ([answer(told, "refuse")["request_id"], "--set", "date=x"], "that name stands for"),
        ([answer(told, "refuse")["request_id"], "--set", "x"], "wanted NAME=VALUE"),
        ([], "wanted a request id"),
    ):
        assert main(["notice", *arguments, *places]) == 2
        said = capsys.readouterr()
        assert wanted in said.err
        assert len(said.err.splitlines()) == 1
        assert not said.out


def test_one_applicant_of_a_batch_and_one_who_was_referred(
    told: Told, places: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    place = next(i for i in range(200, 400) if told.answers[i]["decision"] == "refer")
    batch = told.answers[place]
    assert main(["notice", batch["request_id"], "--index", str(place - 200), *places]) == 0
    said = capsys.readouterr()
    assert batch["reasons"][0]["text"] in said.out
    assert "referred this applicant to a person" in said.err


def test_only_the_codes_that_decided_are_put_into_words(
    told: Told, reasoned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = answer(told, "refuse")["request_id"]
    log = tmp_path / "log"
    shutil.copytree(told.log, log, ignore=shutil.ignore_patterns("stdout"))
    models = ["--models", str(reasoned.parents[1])]
    [path] = log.glob("score-*.jsonl")
    version = json.loads((reasoned / "reasons.json").read_text())["version"]
    path.write_bytes(path.read_bytes().replace(version.encode(), b"0" * 12))
    assert main(["notice", refused, "--log", str(log), *models]) == 2
    said = capsys.readouterr().err
    assert f"rests on reason codes {'0' * 12}, which the bundle does not hold" in said
    (tmp_path / "none").mkdir()
    arguments = ["--log", str(told.log), "--models", str(tmp_path / "none")]
    assert main(["notice", refused, *arguments]) == 2
    assert "home/1, which decided, is not below" in capsys.readouterr().err


def test_a_record_that_names_a_code_of_its_own(
    reasoned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version = json.loads((reasoned / "reasons.json").read_text())["version"]
    made = {"model": "home", "version": "1", "decision": "refuse", "reasons_version": version}
    lines = [
        line(record(1, reasons=[["NEW", 0.5]], **made)),
        line(record(2, reasons=[], **made)),
        line(record(3, reasons=[["OWE", 0.5]], **made)),
        line(record(4, request_id="request-3", reasons=[["OWE", 0.5]], **made)),
    ]
    segment(tmp_path, lines)
    places = ["--log", str(tmp_path), "--models", str(reasoned.parents[1])]
    for request, wanted in (
        ("request-1", "the record names NEW, which is no code of the bundle"),
        ("request-2", "no reason pushed towards refusal"),
        ("request-3", "was decided 2 times"),
    ):
        assert main(["notice", request, *places]) == 2
        assert wanted in capsys.readouterr().err
