"""The dashboard, started and looked at in a real browser."""

import base64
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.conftest import ROOT

PICTURES = Path(os.environ.get("CREDIT_ARTIFACTS", ROOT / "artifacts")) / "dashboard"
PATIENCE = 60.0


@contextmanager
def dashboard(*arguments: str) -> Iterator[str]:
    """Run the dashboard and yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "monitoring", "dashboard", "--port", str(port), *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=20)


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the dashboard does not answer")


def text_of(browser: Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "body").text


def settled(browser: Chrome) -> bool:
    """Whether Streamlit has run the page to its end."""
    app = browser.find_elements(By.CSS_SELECTOR, "[data-testid=stApp]")
    waiting = browser.find_elements(By.CSS_SELECTOR, "[data-testid=stSkeleton], [data-stale=true]")
    return bool(app) and not waiting and app[0].get_attribute("data-test-script-state") != "running"


def open_page(browser: Chrome, url: str, wanted: str, picture: str = "") -> str:
    """Open a page, wait until it shows `wanted`, keep a picture, and return its text."""
    browser.get(url)
    wait = WebDriverWait(browser, PATIENCE)
    wait.until(lambda b: wanted in text_of(b) and settled(b))
    if picture:
        keep(browser, picture)
    no_error_box(browser)
    return text_of(browser)


def no_error_box(browser: Chrome) -> None:
    boxes = browser.find_elements(By.CSS_SELECTOR, "[data-testid=stException]")
    assert not [box.text for box in boxes]
    assert "Traceback" not in text_of(browser)


def keep(browser: Chrome, name: str) -> None:
    """Keep a picture for people to look at."""
    time.sleep(0.7)  # charts draw after the page says it is done
    PICTURES.mkdir(parents=True, exist_ok=True)
    width = browser.get_window_size()["width"]
    picture = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
    path = PICTURES / f"{'wide' if width > 700 else 'phone'}-{name}.png"
    path.write_bytes(base64.b64decode(picture["data"]))
