"""Names that are markup, in a real browser: shown as they are, and nothing of them runs.

The script they hold only sets the title of the page. The report is opened by itself and embedded.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from monitoring.__main__ import main
from monitoring.markup import harmless
from monitoring.replay.plot import save
from monitoring.replay.trial import Trial
from tests.chromium import chromium
from tests.drift_files import rows, scores, write_bundle, write_log
from tests.monitoring.browsing import PATIENCE, dashboard, open_page, text_of

pytestmark = pytest.mark.slow

RUN = "document.title='marker'"
NAMES = {
    "AGE": f'<img src=x onerror="{RUN}">',
    "INCOME": f"</script><script>{RUN}</script>",
    "KIND": f"![p](http://127.0.0.1:9/p.png) [l](javascript:{RUN}) https://host.example :red[x]",
}
LABELS = [f"<svg onload={RUN}>", f"';{RUN};//", f"{{{{{RUN}}}}} ${{{RUN}}}"]
MODEL, VERSION = f"m<img src=y onerror={RUN}>", "1 **bold** `code` $x$ :smile:"
DECISION = "![d](http://127.0.0.1:9/d.png)"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, its reference and a log, whose names are all markup, and a drift run over them."""
    folder = tmp_path_factory.mktemp("markup")
    bundle = write_bundle(folder / "tiny" / "1", rows(2000, 0))
    digest = json.loads((bundle / "manifest.json").read_text())["files"]["model.onnx"]
    for file in (bundle / "manifest.json", bundle / "profile.json"):
        rename(file)
    reference = rows(2000, 0)
    outcome = np.random.default_rng(0).random(2000) < scores(reference)
    labels = dict(enumerate(LABELS))
    reference.assign(
        KIND=reference["KIND"].map(labels), __prediction=scores(reference),
        __label=outcome.astype(int),
    ).rename(columns=NAMES).to_parquet(bundle / "reference.parquet")  # fmt: skip
    now = rows(800, 1)
    now["INCOME"] *= 3
    sent = {NAMES["AGE"]: 40, NAMES["KIND"]: LABELS[0]}
    write_log(
        folder / "log", now, version=VERSION, model=MODEL, sha256=digest, features=sent,
        flags=[f"unseen:{NAMES['KIND']}"], decision=DECISION,
    )  # fmt: skip
    ids = [json.loads(line)["request_id"] for line in lines(folder / "log")]
    bad = np.random.default_rng(2).random(800) < scores(now)
    pd.DataFrame({"request_id": ids, "outcome": bad.astype(int)}).to_csv(
        folder / "outcomes.csv", index=False
    )
    given = ["--model", str(bundle), "--log", str(folder / "log"), "--out", str(folder / "out")]
    assert main(["drift", *given, "--labels", str(folder / "outcomes.csv")]) == 1
    return folder


def rename(file: Path) -> None:
    document = json.loads(file.read_text())
    for feature in document["features"]:
        feature["name"] = NAMES[feature["name"]]
        if "categories" in feature:
            feature["categories"] = LABELS
    if "name" in document:
        document |= {"name": MODEL, "version": VERSION}
    file.write_text(json.dumps(document))


def lines(log: Path) -> list[bytes]:
    return [
        line for file in sorted(log.glob("*.jsonl")) for line in file.read_bytes().splitlines(True)
    ]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile"), 1400, 2000) as started:
        yield started


@pytest.fixture(scope="module")
def served(world: Path) -> Iterator[str]:
    with dashboard("--out", str(world / "out"), "--log", str(world / "log")) as url:
        yield url


def nothing_ran(browser: Chrome) -> None:
    assert browser.title != "marker"
    foreign = "img[src=x], img[src=y], img[src*='127.0.0.1:9'], a[href*='host.example']"
    assert not browser.find_elements(By.CSS_SELECTOR, f"{foreign}, svg[onload], code")


def unfold(browser: Chrome) -> None:
    """Click whatever can be clicked: Evidently draws a column's plots when its row is opened."""
    for each in browser.find_elements(By.CSS_SELECTOR, "button, [role=button], [role=tab]"):
        try:
            each.click()
        except WebDriverException:  # behind another, or gone
            continue


@pytest.mark.parametrize(
    ("report", "wanted"), [("report", "Drifted Columns"), ("outcomes-report", "Accuracy")]
)
def test_the_report_shows_names_and_runs_none_of_them(
    browser: Chrome, world: Path, report: str, wanted: str
) -> None:
    """On an earlier version `</script>` in a name ended Evidently's own, and what follows ran."""
    browser.get((world / "out" / f"{report}.html").as_uri())
    WebDriverWait(browser, PATIENCE).until(lambda b: wanted in text_of(b))
    unfold(browser)
    nothing_ran(browser)
    if report == "report":
        shown = text_of(browser)
        for name in NAMES.values():
            assert harmless(name) in shown


def test_the_report_embedded_runs_nothing(browser: Chrome, served: str) -> None:
    open_page(browser, f"{served}/report", "Drift and data summary", "names-report")
    frame = browser.find_element(By.CSS_SELECTOR, "iframe")
    browser.switch_to.frame(frame)
    WebDriverWait(browser, PATIENCE).until(lambda b: "Drifted Columns" in text_of(b))
    unfold(browser)
    assert browser.execute_script("return document.title") != "marker"
    browser.switch_to.default_content()
    assert browser.title != "marker"


@pytest.mark.parametrize(
    ("page", "wanted"),
    [("", MODEL), ("", VERSION), ("", NAMES["INCOME"]), ("", DECISION),
     ("features", NAMES["KIND"]), ("outcomes", DECISION)],
)  # fmt: skip
def test_the_dashboard_shows_names_as_they_are(
    browser: Chrome, served: str, page: str, wanted: str
) -> None:
    open_page(browser, f"{served}/{page}", "Overview", f"names-{page}")
    WebDriverWait(browser, PATIENCE).until(lambda b: plain(wanted) in plain(text_of(b)))
    nothing_ran(browser)


def test_a_decision_shows_names_as_they_are(browser: Chrome, served: str, world: Path) -> None:
    record = json.loads(lines(world / "log")[3])
    shown = open_page(
        browser, f"{served}/decision?request_id={record['request_id']}", "Warnings given", "names"
    )
    for wanted in (DECISION, f"{MODEL} {VERSION}", f"unseen:{NAMES['KIND']}"):
        assert plain(wanted) in plain(shown)
    nothing_ran(browser)


def plain(text: str) -> str:
    return text.replace("\u2060", "")


def test_the_plot_of_a_trial_runs_no_name(browser: Chrome, tmp_path: Path) -> None:
    trial = Trial(f"{NAMES['INCOME']}{MODEL}/<b>1</b>")
    trial.add(np.array([0.1, 0.2]), np.array([0.3, 0.1]), [("approve", "refuse")] * 2)
    save(trial, tmp_path / "trial.html")
    browser.get((tmp_path / "trial.html").as_uri())
    WebDriverWait(browser, PATIENCE).until(lambda b: "would change with" in text_of(b))
    nothing_ran(browser)
    assert harmless(trial.model) in text_of(browser)
