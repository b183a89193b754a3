"""Policy and reasons of a bundle change twice: every old decision keeps its reasons and words."""

import json
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from convert.__main__ import main as convert_main
from monitoring.__main__ import main
from monitoring.dashboard.waterfall import cutoffs
from monitoring.explain.breakdown import explained_of
from monitoring.log.record import decode
from tests.conftest import Trained, applicants, running
from tests.monitoring.explained import MAPPING

SECOND = MAPPING.replace("OWE,Debt and where you live", "OWE,What you owe")
THIRD = SECOND.replace("OLD,", "YRS,").replace("text_de", "text_fr")


class Changed(NamedTuple):
    """The bundle, the log of all three servers, and the answers of each."""

    bundle: Path
    log: Path
    answers: list[list[dict[str, Any]]]
    versions: list[str]


@pytest.fixture(scope="module")
def changed(reasoned: Path, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Changed:
    folder = tmp_path_factory.mktemp("changed")
    bundle = Path(shutil.copytree(reasoned, folder / "models" / "home" / "1"))
    log, mapping = folder / "log", folder / "reasons.csv"
    log.mkdir()
    people, answers, versions = applicants(trained.held_out.head(80)), [], []
    for texts, threshold in ((None, ""), (SECOND, ""), (THIRD, "0.35")):
        if texts:
            mapping.write_text(texts)
            more = ["--threshold", threshold] if threshold else []
            assert convert_main(["policy", str(bundle), "--reasons", str(mapping), *more]) == 0
        versions.append(json.loads((bundle / "reasons.json").read_bytes())["version"])
        with running(bundle, log) as up:
            url = f"{up.url}/score?reasons=all"
            said = [httpx.post(url, json=each).raise_for_status().json() for each in people]
        answers.append(said)
    return Changed(bundle, log, answers, versions)


def models_of(bundle: Path) -> list[str]:
    return ["--models", str(bundle.parents[1])]


def refused(answers: list[dict[str, Any]], code: str) -> dict[str, Any]:
    """The first refusal with that code among its reasons."""
    return next(
        each
        for each in answers
        if each["decision"] == "refuse" and code in {one["code"] for one in each["reasons"]}
    )


def replay(log: Path, bundle: Path, capsys: pytest.CaptureFixture[str], wanted: int) -> Any:
    assert main(["replay", "--log", str(log), *models_of(bundle), "--json"]) == wanted
    return json.loads(capsys.readouterr().out)


def test_every_decision_of_all_three_is_replayed_with_its_reasons(
    changed: Changed, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len({*changed.versions}) == 3
    report = replay(changed.log, changed.bundle, capsys, wanted=0)
    assert report["identical"] == report["records"] == report["explained"] == 240
    policies = {answer["policy"] for each in changed.answers for answer in each}
    assert policies == {"refer>=0.25 refuse>=0.4", "refuse>=0.35"}


def test_a_notice_has_the_words_of_its_day(
    changed: Changed, capsys: pytest.CaptureFixture[str]
) -> None:
    for answers, text in zip(
        changed.answers, ("Debt and where you live", "What you owe", "What you owe"),
        strict=True,
    ):  # fmt: skip
        asked = refused(answers, "OWE")
        places = ["--log", str(changed.log), *models_of(changed.bundle)]
        assert main(["notice", asked["request_id"], *places]) == 0
        letter = capsys.readouterr().out
        wanted = [f"{one['rank']}. {one['text']}" for one in asked["reasons"]]
        assert re.findall(r"^\d\. .*", letter, re.MULTILINE) == wanted
        assert f". {text}\n" in letter
    for answers, language in ((changed.answers[0], "de"), (changed.answers[2], "fr")):
        asked = refused(answers, "OWE")["request_id"]
        assert main(["notice", asked, *places, "--language", language]) == 0
        assert "Schulden und Wohnort" in capsys.readouterr().out


def test_a_breakdown_has_the_words_and_the_cut_offs_of_its_day(changed: Changed) -> None:
    lines = b"".join(path.read_bytes() for path in changed.log.glob("*.jsonl")).splitlines()
    records = {record.request_id: record for record in map(decode, lines)}
    ends = []
    for version, answers in zip(changed.versions, changed.answers, strict=True):
        answer = refused(answers, "OWE")
        found = explained_of(changed.bundle, version)
        assert found is not None
        broken = found.breakdown(records[answer["request_id"]])
        steps = {step.code.code: (step.code.text["en"], step.amount) for step in broken.steps}
        for reason in answer["reasons"]:
            assert steps[reason["code"]] == (reason["text"], reason["contribution"])
        ends.append({*cutoffs(found)})
    assert ends == [{"refer from", "refuse from"}, {"refer from", "refuse from"}, {"refuse from"}]
    assert explained_of(changed.bundle, "0" * 12) is None


def test_the_counts_name_each_reason_in_the_words_of_its_policy(
    changed: Changed, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--log", str(changed.log), *models_of(changed.bundle), "--json"]
    assert main(["reasons", *places]) == 0
    found = {each["policy"]: each for each in map(json.loads, capsys.readouterr().out.splitlines())}
    assert found["refer>=0.25 refuse>=0.4"]["texts"]["OLD"] == "Age"
    assert found["refuse>=0.35"]["texts"]["YRS"] == "Age"


def test_codes_that_were_lost_or_changed_are_told(
    changed: Changed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(changed.bundle, tmp_path / "models" / "home" / "1"))
    name = f"reasons-{changed.versions[0]}.json"
    places = ["--log", str(changed.log), *models_of(copy)]
    asked = refused(changed.answers[0], "OWE")["request_id"]
    (copy / name).write_bytes((copy / name).read_bytes().replace(b"Debt", b"Wealth"))
    for command in (["replay"], ["notice", asked]):
        assert main([*command, *places]) == 2
        assert f"{name}: not the file listed in its manifest" in capsys.readouterr().err
    manifest = json.loads((copy / "manifest.json").read_bytes())
    del manifest["files"][name]
    (copy / "manifest.json").write_text(json.dumps(manifest))
    report = replay(changed.log, copy, capsys, wanted=1)
    assert (report["identical"], report["other_reasons"], report["different"]) == (160, 80, 0)
    assert report["reasons"] == [changed.versions[0]]
    assert main(["notice", asked, *places]) == 2
    assert "which the bundle does not hold" in capsys.readouterr().err
