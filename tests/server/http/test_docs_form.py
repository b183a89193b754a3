"""The form of `/docs` in a real browser, wide and on a phone; pictures of both pages are kept."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from tests.chromium import chromium
from tests.conftest import ROOT, Running, Serve
from tests.server.command import run

PICTURES = Path(os.environ.get("CREDIT_ARTIFACTS", ROOT / "artifacts")) / "docs"
PATIENCE = 60.0
WIDTHS = {"wide": 1400, "phone": 390}


@pytest.fixture(scope="module", params=WIDTHS)
def browser(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chrome]:
    """A browser as wide as a desk's, and one as narrow as a phone's."""
    width = WIDTHS[request.param]
    with chromium(tmp_path_factory.mktemp("profile"), width, 900) as opened:
        as_wide_as(opened, width, 900)
        yield opened


def as_wide_as(browser: Chrome, width: int, height: int) -> None:
    """Make the window so large, also below the least that Chromium gives a window."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def keep(browser: Chrome, name: str) -> None:
    """Keep a picture of the whole page, which is nowhere wider than the window."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    width, height = browser.execute_script(
        "const page = document.documentElement; return [innerWidth, page.scrollHeight]"
    )
    assert browser.execute_script("return document.documentElement.scrollWidth") == width
    as_wide_as(browser, width, height)
    browser.save_screenshot(str(PICTURES / f"{'wide' if width > 700 else 'phone'}-{name}.png"))
    as_wide_as(browser, width, 900)


def fill(browser: Chrome, name: str, text: str) -> None:
    field = browser.find_element(By.CSS_SELECTOR, f'[data-feature="{name}"]')
    field.clear()
    field.send_keys(text)


def score(browser: Chrome) -> str:
    """Press the button and return what the page then says."""
    browser.execute_script("delete document.getElementById('result').dataset.status")
    browser.find_element(By.CSS_SELECTOR, "[type=submit]").click()
    result = browser.find_element(By.ID, "result")
    WebDriverWait(browser, PATIENCE).until(lambda _: result.get_attribute("data-status"))
    return result.text


def no_complaints(browser: Chrome) -> None:
    """The policy of the page has kept nothing of it from running; a 422 is told as an error too."""
    said = [each["message"] for each in browser.get_log("browser")]  # type: ignore[no-untyped-call]
    assert not [each for each in said if "/score" not in each]


def test_an_applicant_is_scored_and_the_answer_explained(server: Running, browser: Chrome) -> None:
    browser.get(server.url)
    keep(browser, "root")
    browser.find_element(By.LINK_TEXT, "/docs").click()
    keep(browser, "docs")
    fill(browser, "AGE", "85")
    fill(browser, "INCOME", "")
    Select(browser.find_element(By.CSS_SELECTOR, '[data-feature="KIND"]')).select_by_visible_text(
        "home, shared"
    )
    said = score(browser)
    keep(browser, "scored")
    [record] = [each for each in server.records() if each["request_id"].startswith("docs-")][-1:]
    assert record["features"]["AGE"] == 85
    assert record["features"]["INCOME"] is None
    assert record["features"]["KIND"] == "home, shared"
    assert f"{100 * record['prediction']:.1f} %" in said
    assert record["decision"] in said
    assert f"{record['prediction']:.4g} is " in said
    assert "refuse>=0.4" in said
    assert record["request_id"] in said
    no_complaints(browser)


def test_a_value_outside_the_range_is_warned_of(server: Running, browser: Chrome) -> None:
    browser.get(f"{server.url}/docs")
    fill(browser, "AGE", "200")
    assert "AGE lies outside the range that was seen in training." in score(browser)


def test_a_refusal_marks_the_field_and_says_what_came(server: Running, browser: Chrome) -> None:
    """A number goes as it was typed: JavaScript would have rounded it."""
    browser.get(f"{server.url}/docs")
    fill(browser, "AGE", "9007199254740993")
    fill(browser, "DEBT-RATIO", "low")
    said = score(browser)
    keep(browser, "refused")
    assert "float64 would make 9007199254740992 of it" in said
    assert 'DEBT-RATIO: wanted a finite number, got "low"' in said
    marked = browser.find_elements(By.CSS_SELECTOR, "[aria-invalid]")
    assert [each.get_attribute("data-feature") for each in marked] == ["AGE", "DEBT-RATIO"]
    fill(browser, "AGE", "40")
    fill(browser, "DEBT-RATIO", "0.5")
    assert "approve" in score(browser)
    assert not browser.find_elements(By.CSS_SELECTOR, "[aria-invalid]")
    no_complaints(browser)


def test_the_commands_name_the_host_of_the_page(server: Running, browser: Chrome) -> None:
    browser.get(f"{server.url}/docs")
    for name in ("curl", "python", "msgpack"):
        text = browser.find_element(By.ID, name).text
        assert f"{server.url}/score" in text
        assert ":8000" not in text


def test_a_key_is_sent_where_keys_are_asked_for(
    bundle: Path, serve: Serve, browser: Chrome, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    key = run("key", "--keys", str(keys), "--id", "me", "--scopes", "score").stdout.strip()
    with serve(bundle, tmp_path, "--keys", str(keys)) as up:
        browser.get(f"{up.url}/docs")
        assert "401: API key: wanted X-API-Key" in score(browser)
        browser.find_element(By.ID, "key").send_keys(key)
        assert "approve" in score(browser)
        assert json.dumps(key) not in httpx.get(f"{up.url}/docs").text


def test_the_page_works_without_a_network(server: Running, browser: Chrome) -> None:
    """It asks for nothing but the score."""
    browser.get(f"{server.url}/docs")
    asked = "return performance.getEntriesByType('resource').map((each) => each.name)"
    assert browser.execute_script(asked) == []
    score(browser)
    assert browser.execute_script(asked) == [f"{server.url}/score"]
