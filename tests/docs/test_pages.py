"""The pages lead to places that exist, and name metrics that exist."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), ROOT / "models" / "README.md", *sorted(DOCS.glob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
METRIC = re.compile(r"\bcredit_[a-z_]+\b")
SUFFIX = re.compile(r"_(bucket|sum|count)$")


def anchor(heading: str) -> str:
    """Name a heading as a link does: lower case, no punctuation, dashes for blanks."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {anchor(each) for each in re.findall(r"^#+ (.*)$", page.read_text(), re.M)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for path, place in LINK.findall(page.read_text()):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        if place and target.suffix == ".md":
            assert place in anchors(target), f"{path}#{place}"


def test_the_index_names_every_page() -> None:
    listed = {path for path, _ in LINK.findall((DOCS / "index.md").read_text())}
    assert {page.name for page in DOCS.glob("*.md")} - {"index.md"} <= listed


def written_metrics() -> set[str]:
    """Return the names that the server and the drift job write into their Prometheus text."""
    code = [*(ROOT / "server").rglob("*.py"), *(ROOT / "monitoring").rglob("*.py")]
    return {name for path in code for name in METRIC.findall(path.read_text())}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_metric_that_is_named_exists(page: Path) -> None:
    named = {SUFFIX.sub("", name) for name in METRIC.findall(page.read_text())}
    columns = {"credit_express"}  # the recipe's module, no metric
    assert named - columns <= written_metrics()


@pytest.mark.parametrize("name", ["serve", "convert", "log", "drift", "operate"])
def test_a_page_that_says_python_says_which_one(name: str) -> None:
    assert "`python` here is `.venv/bin/python`" in (DOCS / f"{name}.md").read_text()


def test_every_file_that_the_page_on_contributing_names_is_there() -> None:
    named = re.findall(r"`([a-z]+/[\w/.]*)`", (ROOT / "CONTRIBUTING.md").read_text())
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []
