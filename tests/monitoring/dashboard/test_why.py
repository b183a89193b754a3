"""Why one decision fell, in a real browser: the log of a real server, the waterfall, the notice."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from convert.__main__ import main as convert_main
from tests.chromium import chromium
from tests.conftest import Trained
from tests.monitoring.browsing import PATIENCE, dashboard, keep, no_error_box, open_page, text_of
from tests.monitoring.explained import MAPPING, Told

pytestmark = pytest.mark.slow
CHART = "[data-testid=stVegaLiteChart][aria-label]"


@pytest.fixture(scope="module", params=[(1400, 2400), (390, 3400)], ids=["wide", "phone"])
def browser(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile"), *request.param) as started:
        yield started


@pytest.fixture(scope="module")
def served(told: Told, reasoned: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    places = ["--log", str(told.log), "--models", str(reasoned.parents[1])]
    with dashboard("--out", str(tmp_path_factory.mktemp("out")), *places) as url:
        yield url


def decided(told: Told, decision: str, *codes: str) -> dict[str, Any]:
    """The first answer of that decision, in a request of its own, with these codes."""
    return next(
        each
        for each in told.answers[:200]
        if each["decision"] == decision
        and each.get("reasons") is not None
        and {*codes} <= {reason["code"] for reason in each["reasons"]}
    )


def drawn(browser: Chrome) -> str:
    """The words of the waterfall, for those who do not see it."""

    def told(_: Chrome) -> str:
        charts = browser.find_elements(By.CSS_SELECTOR, CHART)
        labels = [str(chart.get_attribute("aria-label")) for chart in charts]
        return next((label for label in labels if label.startswith("Raw score")), "")

    return str(WebDriverWait(browser, PATIENCE).until(told))


def raw_of(told: Told, answer: dict[str, Any]) -> float:
    """The raw score that was recorded with an answer."""
    [path] = told.log.glob("score-*.jsonl")
    records = [json.loads(line) for line in path.read_bytes().splitlines()]
    return float(next(r["raw"] for r in records if r["request_id"] == answer["request_id"]))


def test_a_refusal_is_broken_down_and_its_notice_can_be_copied(
    browser: Chrome, served: str, told: Told, trained: Trained
) -> None:
    refused = decided(told, "refuse", "OLD0", "OWE")
    url = f"{served}/decision?request_id={refused['request_id']}"
    shown = open_page(browser, url, "Notice to the applicant", "why-refused")
    for reason in refused["reasons"]:
        assert f"{reason['rank']}. {reason['code']}: " in shown.replace("\u2060", "")
        assert f"{reason['code']} {reason['contribution']:+.3f}" in drawn(browser)
    assert f"Raw score {raw_of(told, refused):.3f}" in drawn(browser)
    assert "those just approved" in shown
    assert "No age stated" in shown
    assert "DRAFT" in shown
    assert refused["request_id"] in shown
    wide = browser.execute_script("return document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0


def test_the_language_of_the_applicant_can_be_chosen(
    browser: Chrome, served: str, told: Told
) -> None:
    refused = decided(told, "refuse", "OWE")
    url = f"{served}/decision?request_id={refused['request_id']}"
    open_page(browser, url, "Notice to the applicant")
    box = browser.find_elements(By.CSS_SELECTOR, "[data-testid=stSelectbox] input")[1]
    box.send_keys("de", Keys.ENTER)
    wait = WebDriverWait(browser, PATIENCE)
    wait.until(lambda b: "Schulden und Wohnort" in text_of(b))
    keep(browser, "why-german")
    no_error_box(browser)


def test_an_approval_is_broken_down_and_needs_no_notice(
    browser: Chrome, served: str, told: Told
) -> None:
    approved = decided(told, "approve")
    url = f"{served}/decision?request_id={approved['request_id']}"
    shown = open_page(browser, url, "From the score of those just approved", "why-approved")
    assert "the answer held no reason" in shown
    assert "Notice to the applicant" not in shown
    assert f"Raw score {raw_of(told, approved):.3f}" in drawn(browser)


def test_without_the_bundle_it_says_what_is_missing(
    browser: Chrome, told: Told, reasoned: Path, tmp_path: Path
) -> None:
    refused = decided(told, "refuse", "OWE")
    ask = f"decision?request_id={refused['request_id']}"
    out = ["--out", str(tmp_path / "out"), "--log", str(told.log)]
    with dashboard(*out) as url:
        shown = open_page(browser, f"{url}/{ask}", "Start the dashboard with --models")
        assert f"1. {refused['reasons'][0]['code']}" in shown
    models = tmp_path / "models"
    shutil.copytree(reasoned.parents[1], models)
    with dashboard(*out, "--models", str(models)) as url:
        codes = models / "home" / "1" / "reasons.json"
        codes.write_text(json.dumps({"changed": True}))
        open_page(browser, f"{url}/{ask}", "The model cannot be read", "why-damaged")
        shutil.rmtree(models / "home")
        open_page(browser, f"{url}/{ask}", "is not below")


def test_after_new_reasons_an_older_decision_keeps_its_words(
    browser: Chrome, told: Told, reasoned: Path, tmp_path: Path
) -> None:
    refused = decided(told, "refuse", "OWE")
    bundle = Path(shutil.copytree(reasoned, tmp_path / "models" / "home" / "1"))
    mapping = tmp_path / "reasons.csv"
    mapping.write_text(MAPPING.replace("Debt and where you live", "What you owe"))
    change = ["--reasons", str(mapping), "--threshold", "0.9"]
    assert convert_main(["policy", str(bundle), *change]) == 0
    places = ["--log", str(told.log), "--models", str(tmp_path / "models")]
    with dashboard("--out", str(tmp_path / "out"), *places) as url:
        ask = f"decision?request_id={refused['request_id']}"
        shown = open_page(browser, f"{url}/{ask}", "Notice to the applicant", "why-replaced")
        label = drawn(browser)
        no_error_box(browser)
    assert "Debt and where you live" in shown
    assert "What you owe" not in shown
    for reason in refused["reasons"]:
        assert f"{reason['code']} {reason['contribution']:+.3f}" in label
