"""The part of a page that is rendered from a result: what stands between two marks."""

from pathlib import Path

from .result import ResultError


def filled(page: str, name: str, content: str) -> str:
    """Return a page with `content` between the two marks of a name; raises ResultError."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        raise ResultError(f"wanted one {begin.strip()} and one {end} in the page")
    head, rest = page.split(begin)
    return head + begin + content.rstrip("\n") + "\n" + end + rest.split(end)[1]


def fill(path: Path, name: str, content: str) -> None:
    """Write `content` between the two marks of a name in a file; raises ResultError."""
    path.write_text(filled(path.read_text(), name, content))
