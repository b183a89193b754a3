"""`/` and `/docs`: who is there, and a page that is whole in itself under a strict policy."""

import base64
import hashlib
import html
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from server.bundle.manifest import Category, Missing, Number
from server.http.docs_page import feature_row, field, rounded
from tests.conftest import Running, Serve, Trained, convert
from tests.server.command import run

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
INLINE = re.compile(r"<(style|script)>(.*?)</\1>", re.S)
LOADED = re.compile(r"(?:src|href|action|srcset|url)\s*[=(]\s*[\"']?([^\"')> ]*)")


@pytest.fixture(scope="module")
def two(
    trained: Trained, serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A server over two names, of which one has a policy."""
    folder = tmp_path_factory.mktemp("two")
    trained.booster.save_model(folder / "model.txt")
    to = ("--version", "1", "--out", str(folder / "models"))
    convert(folder / "model.txt", "--name", "one", *to)
    convert(folder / "model.txt", "--name", "other", "--threshold", "0.3", *to)
    log = tmp_path_factory.mktemp("log")
    with serve(folder / "models", log, "--default", "one") as up:
        yield up


def test_the_root_says_which_models_answer_and_where_to_go(two: Running) -> None:
    said = httpx.get(two.url).json()
    assert said["name"] == "credit-express"
    assert said["models"] == [
        {"name": "one", "version": "1", "default": True, "policy": None, "score": "/score"},
        {"name": "other", "version": "1", "default": False, "policy": "refuse>=0.3",
         "score": "/models/other/versions/1/score"},
    ]  # fmt: skip
    for name, path in said["links"].items():
        wanted = 405 if name == "score" else 200
        assert httpx.get(two.url + path).status_code == wanted, path
    for model in said["models"]:
        assert httpx.post(two.url + model["score"], content=b"").status_code == 415


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (BROWSER, "text/html; charset=utf-8"), ("text/html", "text/html; charset=utf-8"),
        ("*/*", "application/json"), ("", "application/json"),
        ("application/json, text/html;q=0.9", "application/json"),
        ("text/*;q=0.5, */*;q=0.1", "text/html; charset=utf-8"),
    ],
)  # fmt: skip
def test_the_root_is_a_page_to_a_browser(two: Running, accept: str, media_type: str) -> None:
    said = httpx.get(two.url, headers={"accept": accept})
    assert (said.status_code, said.headers["content-type"]) == (200, media_type)
    assert said.headers["vary"] == "Accept"
    for word in ("one", "other", "refuse&gt;=0.3" if "html" in media_type else "refuse>=0.3"):
        assert word in said.text


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_runs_what_its_policy_names_and_loads_nothing(two: Running, path: str) -> None:
    said = httpx.get(two.url + path, headers={"accept": "text/html"})
    [policy] = said.headers.get_list("content-security-policy")
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "*" not in policy
    for kind, text in INLINE.findall(said.text):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    plain = INLINE.sub("", said.text)
    assert not re.search(r"\son\w+=|\sstyle=|<(?:img|link|iframe|object|base)\b", plain)
    for target in LOADED.findall(plain):
        assert re.match(r"[#.\w]", target), target
        assert ":" not in target


def test_what_is_no_page_may_run_nothing_at_all(two: Running) -> None:
    for path in ("/models", "/openapi.json", "/nowhere"):
        said = httpx.get(two.url + path)
        assert said.headers.get_list("content-security-policy") == [
            "default-src 'none'; frame-ancestors 'none'"
        ]


def test_every_model_has_a_page(two: Running) -> None:
    page = httpx.get(two.url, headers={"accept": "text/html"}).text
    titles = []
    for link in re.findall(r'href="(docs\?[^"]*)"', page):
        text = httpx.get(f"{two.url}/{html.unescape(link)}").text
        titles += re.findall("<h1>(.*?)</h1>", text)
        assert "DEBT-RATIO" in text
    assert titles == ["one 1", "other 1"]
    assert 'data-path="models/other/versions/1/score"' in text
    absent = httpx.get(f"{two.url}/docs?model=none/1")
    assert (absent.status_code, absent.json()["detail"]) == (
        404, "no model none; there is one/1, other/1",
    )  # fmt: skip


def commands(page: str) -> dict[str, str]:
    """Return the commands of a page by the id of their element."""
    found = re.findall(r'<pre id="(\w+)">(.*?)</pre>', page, re.S)
    return {name: html.unescape(text) for name, text in found}


def test_every_command_of_the_page_scores(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    """As it stands, but for the address, which the page itself puts in."""
    with serve(bundle, tmp_path) as up:
        made = commands(httpx.get(f"{up.url}/docs").text)
        assert [*made] == ["curl", "python", "msgpack"]
        for name, text in made.items():
            here = text.replace("http://127.0.0.1:8000", up.url)
            command = ["sh", "-c", here] if name == "curl" else [sys.executable, "-c", here]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            assert re.search("approve|refuse", done.stdout), done.stdout
            assert "warnings" not in done.stdout


def test_the_pages_ask_for_no_key_and_say_where_it_goes(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    key = run("key", "--keys", str(keys), "--id", "me", "--scopes", "score").stdout.strip()
    with serve(bundle, tmp_path, "--keys", str(keys)) as up:
        root, page = httpx.get(up.url), httpx.get(f"{up.url}/docs").text
        assert root.status_code == 200
        assert 'id="key"' in page
        assert str(keys) not in page + root.text
        for name, text in commands(page).items():
            here = text.replace("http://127.0.0.1:8000", up.url).replace("YOUR-KEY", key)
            command = ["sh", "-c", here] if name == "curl" else [sys.executable, "-c", here]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert "approve" in done.stdout, done.stdout + done.stderr


def test_no_name_and_no_value_becomes_markup() -> None:
    bad = "<img src=x onerror=alert(1)>'\""
    missing = Missing(True, "trained")
    number, category = Number(bad, missing), Category(bad, missing, (bad, "it's"), (0.0, 1.0))
    for made in (
        field(number, 1),
        field(category, bad),
        feature_row(number),
        feature_row(category),
    ):
        assert "<img" not in made
        assert "onerror=alert(1)>" not in made


def test_a_range_is_written_as_people_write_numbers() -> None:
    """LightGBM's own zero, which a model's text has for a range that begins above 0, is 0."""
    shown = {1e-35: "0", float(np.float32(1e-35)): "0", -1e6: "-1000000", 906766.6844: "906767",
             0.1 + 0.2: "0.3", 1e300: "1e+300", 1e-9: "1e-09"}  # fmt: skip
    assert {value: rounded(value) for value in shown} == shown
