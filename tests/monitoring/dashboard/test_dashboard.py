"""The dashboard in a real browser: every page, a feature chosen, a decision found, no error box."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from monitoring.__main__ import main
from monitoring.nightly import output
from tests.chromium import chromium
from tests.drift_files import refused, rows, scores, write_bundle, write_log
from tests.monitoring.browsing import (
    PATIENCE,
    dashboard,
    keep,
    no_error_box,
    open_page,
    settled,
    text_of,
)
from tests.record_lines import BEGIN, segment

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven days of decisions, one without any, shifted from the fourth on; outcomes of three."""
    folder = tmp_path_factory.mktemp("world")
    model = write_bundle(folder / "tiny" / "1", rows(3000, 0))
    reference = rows(3000, 0)
    labels = dict(enumerate(["car", "home", "study"]))
    reference.assign(
        KIND=reference["KIND"].map(labels),
        __prediction=scores(reference),
        __label=np.random.default_rng(0).random(3000) < scores(reference),
    ).astype({"__label": int}).to_parquet(model / "reference.parquet")
    known = []
    for day in range(7):
        frame = rows(400, 10 + day)
        frame["INCOME"] *= 5 if day >= 3 else 1
        if day == 4:
            continue  # nothing came in
        begin = BEGIN.replace(hour=9, minute=0) + timedelta(days=day)
        write_log(folder / "log", frame, begin)
        bad = np.random.default_rng(day).random(400) < scores(frame)
        known += [(f"request-{begin:%d%H%M}-{i}", int(b)) for i, b in enumerate(bad) if day < 3]
    pd.DataFrame(known, columns=["request_id", "outcome"]).to_csv(
        folder / "outcomes.csv", index=False
    )
    given = ["--model", str(model), "--log", str(folder / "log"), "--out", str(folder / "out")]
    assert main(["drift", *given, "--labels", str(folder / "outcomes.csv")]) == 1
    return folder


@pytest.fixture(scope="module")
def served(world: Path) -> Iterator[str]:
    with dashboard("--out", str(world / "out"), "--log", str(world / "log")) as url:
        yield url


@dataclass(frozen=True)
class Changing:
    """A dashboard over a folder of verdicts and one of the log, which each test fills anew."""

    url: str
    out: Path
    log: Path


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Changing]:
    folder = tmp_path_factory.mktemp("changing")
    out, log = folder / "out", folder / "log"
    with dashboard("--out", str(out), "--log", str(log)) as url:
        yield Changing(url, out, log)


@pytest.fixture
def changing(started: Changing) -> Changing:
    """It has nothing to show yet."""
    for folder in (started.out, started.log):
        shutil.rmtree(folder, ignore_errors=True)
    return started


@pytest.fixture(scope="module", params=[(1400, 1500), (390, 1500)], ids=["wide", "phone"])
def browser(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile"), *request.param) as started:
        yield started


CHARTS = "[data-testid=stVegaLiteChart] [aria-label]"


def charts(browser: Chrome) -> int:
    return len(browser.find_elements(By.CSS_SELECTOR, "[data-testid=stVegaLiteChart] canvas, "
                                     "[data-testid=stVegaLiteChart] svg"))  # fmt: skip


def alerts(browser: Chrome, kind: str) -> list[str]:
    boxes = f"[data-testid=stAlertContent{kind}]"
    return [box.text for box in browser.find_elements(By.CSS_SELECTOR, boxes)]


def no_sideways_scrolling(browser: Chrome) -> None:
    wide = browser.execute_script("return document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0


def test_the_overview_tells_the_verdict(browser: Chrome, served: str) -> None:
    shown = open_page(browser, served, "Score PSI over time", "overview")
    assert "tiny 1" in shown
    assert "INCOME: " in shown
    assert "Drift, ▲▲▲ large" in alerts(browser, "Error")[0]
    WebDriverWait(browser, PATIENCE).until(lambda b: charts(b) >= 4)
    drawn = browser.find_elements(By.CSS_SELECTOR, CHARTS)
    assert any("refuse from 0.4" in str(each.get_attribute("aria-label")) for each in drawn)
    no_sideways_scrolling(browser)


def test_the_head_tells_how_many_were_refused(
    browser: Chrome, world: Path, changing: Changing
) -> None:
    """Before, a third of the applicants refused was one grey line at the end, under a green box."""
    write_log(changing.log, rows(400, 1))
    unread = [*refused(200, {"feature": "KIND", "wanted": "car"}), *refused(5, status=400)]
    segment(changing.log, unread, host="second")
    given = ["--model", str(world / "tiny" / "1"), "--log", str(changing.log)]
    assert main(["drift", *given, "--out", str(changing.out), "--no-report"]) == 1
    shown = open_page(browser, changing.url, "Why requests were refused", "refused")
    assert "Drift, ▲▲▲ large" in shown
    assert "Refused requests: 33.3%" in alerts(browser, "Error")[1]
    assert "200 of 600 requests refused (33.3%): KIND 200" in shown
    assert "95 % interval 29.7% to 37.2%: DRIFTED" in shown
    assert "Not among them, since their bodies could not be read: 5 with 400" in shown
    no_sideways_scrolling(browser)


def test_a_feature_can_be_chosen(browser: Chrome, served: str) -> None:
    """The first is the one of most concern; another is typed in."""
    shown = open_page(browser, f"{served}/features", "in the order of concern", "features")
    assert shown.index("INCOME") < len(shown)
    heading = (By.CSS_SELECTOR, "h3")
    assert browser.find_elements(*heading)[0].text == "INCOME"
    box = browser.find_element(By.CSS_SELECTOR, "[data-testid=stSelectbox] input")
    box.send_keys("KIND", Keys.ENTER)
    WebDriverWait(browser, PATIENCE).until(
        lambda b: b.find_elements(*heading)[0].text == "KIND" and settled(b)
    )
    keep(browser, "feature-chosen")
    no_error_box(browser)
    no_sideways_scrolling(browser)


def test_a_decision_is_found_by_its_request_id(browser: Chrome, served: str, world: Path) -> None:
    line = sorted((world / "log").glob("*.jsonl"))[2].read_bytes().splitlines()[7]
    record = json.loads(line)
    open_page(browser, f"{served}/decision", "Request id")
    field = browser.find_element(By.CSS_SELECTOR, "[data-testid=stSelectbox] input")
    field.send_keys(record["request_id"], Keys.ENTER)
    wait = WebDriverWait(browser, PATIENCE)
    when = record["time"][:19].replace("T", " ")
    wait.until(lambda b: f"score at {when}" in text_of(b) and settled(b))
    assert f"{record['prediction']:.4f}" in text_of(browser)
    assert record["decision"] in text_of(browser)
    keep(browser, "decision")
    no_error_box(browser)
    shown = open_page(browser, f"{served}/decision?request_id=nobody", "no such request")
    assert "score at" not in shown


def test_the_latest_decision_is_shown_with_what_it_rests_on(
    browser: Chrome, world: Path, changing: Changing
) -> None:
    """Score, thresholds, policy, warnings and reasons of the newest record, without being asked."""
    shutil.copytree(world / "out", changing.out)
    write_log(changing.log, rows(5, 1))
    given = {"policy": "refer>=0.25 refuse>=0.4", "decision": "refer", "reasons": [["R1", 0.4]]}
    later = BEGIN + timedelta(hours=1)
    write_log(changing.log, rows(3, 2), later, flags=["above:INCOME"], **given)
    shown = open_page(browser, f"{changing.url}/decision", "score at", "latest-decision")
    assert f"score at {later + timedelta(seconds=2):%Y-%m-%d %H:%M:%S} UTC" in shown
    for said in ("Refer from\n0.25", "Refuse from\n0.4", "by policy refer>=0.25 refuse>=0.4",
                 "Warnings given: above:INCOME", "1. R1 (+0.40)"):  # fmt: skip
        assert said in shown.replace("\u2060", "")
    no_sideways_scrolling(browser)


def test_a_model_and_version_can_be_chosen(
    browser: Chrome, world: Path, changing: Changing
) -> None:
    """Each run has a folder of its own; all pages show the chosen one."""
    for version in ("1", "2"):
        shutil.copytree(world / "out", changing.out / "tiny" / version)
    second = output.read(changing.out / "tiny" / "2")
    second.model.version, second.status, second.reasons = "2", "stable", []
    (changing.out / "tiny" / "2" / "drift.json").write_bytes(output.document(second))
    assert "tiny 1" in open_page(browser, changing.url, "Drift, ▲▲▲ large", "choice")
    box = browser.find_element(By.CSS_SELECTOR, "[data-testid=stSelectbox] input")
    box.send_keys("tiny 2", Keys.ENTER)
    heading = (By.CSS_SELECTOR, "h1")
    WebDriverWait(browser, PATIENCE).until(
        lambda b: b.find_element(*heading).text == "tiny 2" and settled(b)
    )
    assert "Stable" in text_of(browser)
    for version in ("1", "2"):
        page = f"{changing.url}/features?model=tiny+{version}"
        open_page(browser, page, f"tiny {version}, in the")


def test_one_day_is_shown_by_the_hour(browser: Chrome, world: Path, changing: Changing) -> None:
    for hour in (9, 10, 12):
        write_log(changing.log, rows(300, hour), BEGIN.replace(hour=hour, minute=0))
    given = ["--model", str(world / "tiny" / "1"), "--log", str(changing.log)]
    main(["drift", *given, "--out", str(changing.out), "--no-report"])
    open_page(browser, changing.url, "Rows per hour (UTC)", "hours")


def test_outcomes_are_shown_with_their_doubt(browser: Chrome, served: str) -> None:
    shown = open_page(browser, f"{served}/outcomes", "Cost at the threshold", "outcomes")
    assert "approve " in shown
    for said in (
        "AUC",
        "Gini",
        "KS",
        "Brier",
        "refused have an outcome",
        "not refused have no outcome yet",
    ):
        assert said in shown


def test_the_evidently_report_is_embedded(browser: Chrome, served: str) -> None:
    open_page(browser, f"{served}/report", "Drift and data summary")
    wait = WebDriverWait(browser, PATIENCE)
    frame = wait.until(lambda b: b.find_element(By.CSS_SELECTOR, "iframe"))
    browser.switch_to.frame(frame)
    wait.until(lambda b: "Drifted Columns" in text_of(b))
    assert "tiny 1, 2026-11-23 to 2026-11-29, looked at " in text_of(browser)
    browser.switch_to.default_content()
    keep(browser, "report")
    no_error_box(browser)


def test_without_a_verdict_it_says_what_to_do(browser: Chrome, tmp_path: Path) -> None:
    with dashboard("--out", str(tmp_path / "nothing")) as url:
        shown = open_page(browser, url, "no verdict yet", "empty")
        assert "python -m monitoring drift" in shown
        assert "No outcomes have come in yet" in open_page(browser, f"{url}/outcomes", "Outcomes")
        assert "No log was named" in open_page(browser, f"{url}/decision", "No log")


def test_too_few_rows_and_a_damaged_file_are_said_plainly(
    browser: Chrome, world: Path, changing: Changing
) -> None:
    """The page is read anew when the file changes."""
    out, url = changing.out, changing.url
    given = ["--model", str(world / "tiny" / "1"), "--out", str(out)]
    write_log(changing.log, rows(3, 1))
    assert main(["drift", *given, "--log", str(changing.log)]) == 2
    open_page(browser, url, "Too few rows to tell", "too-few")
    (out / "drift.json").write_text('{"schema_version": 1, "sta')
    open_page(browser, url, "cannot be read", "damaged")
    shutil.copy(world / "out" / "drift.json", out / "drift.json")
    open_page(browser, url, "INCOME: ")


def test_what_is_of_an_earlier_run_is_marked(
    browser: Chrome, world: Path, changing: Changing
) -> None:
    """A run without outcomes or report leaves those of the last one; a job may have stopped."""
    out, url = shutil.copytree(world / "out", changing.out), changing.url
    verdict = output.read(out)
    verdict.time = "2026-01-02T03:04:05+00:00"
    verdict.rows.passed_over = {"shadow": 7}
    for file in out.iterdir():
        os.utime(file, (0, 0))
    (out / "drift.json").write_bytes(output.document(verdict))
    shown = open_page(browser, url, "days old: has the nightly run stopped?", "old")
    assert "looked at 2026-01-02 03:04 UTC" in shown
    assert "7 records passed over: shadow" in shown
    open_page(browser, f"{url}/outcomes", "These are of an earlier run", "old-outcomes")
    open_page(browser, f"{url}/report", "This report is of an earlier run")


def test_a_log_that_cannot_be_read_is_said_plainly(browser: Chrome, changing: Changing) -> None:
    changing.log.mkdir()
    page = f"{changing.url}/decision?request_id=any"
    open_page(browser, page, "no such request")
    segment(changing.log, [b"no record\n", b"at all\n", b"of any\n"])
    open_page(browser, page, "The log cannot be read", "bad-log")
