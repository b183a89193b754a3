"""Take out of an image's file tree what trims.toml names, and say how much each line saved.

Run by Dockerfile.distroless: python3 trim.py TRIMS.toml ROOT
"""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path


class TrimError(Exception):
    """A pattern that matches nothing: one line that names it."""


def main(trims: Path, root: Path) -> int:
    """Apply every trim; print what was saved in MB."""
    try:
        for trim in tomllib.loads(trims.read_text())["trim"]:
            found = list(matches(root, trim["paths"], trim.get("of") == "base"))
            saved = apply(found, trim.get("strip", False))
            print(f"{saved / 1e6:6.1f} MB  {trim['why']}")
    except TrimError as error:
        print(f"trim: {error}", file=sys.stderr)
        return 1
    return 0


def matches(root: Path, patterns: list[str], may_be_absent: bool) -> Iterator[Path]:
    """Yield the outermost matches of each pattern; raises TrimError where one has none."""
    for pattern in patterns:
        found = sorted(root.glob(pattern))
        if not (found or may_be_absent):
            raise TrimError(f"{pattern}: wanted at least one match, got none")
        inside = set(found)
        yield from (path for path in found if not inside & set(path.parents))


def apply(found: list[Path], strip: bool) -> int:
    """Remove, or strip, every path; returns the bytes saved."""
    before = sum(map(size, found))
    for path in found:
        if strip:
            subprocess.run(["/usr/bin/strip", "--strip-unneeded", path], check=True)  # noqa: S603
        elif path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return before - sum(map(size, found))


def size(path: Path) -> int:
    """Return the bytes of a file or of all files below a folder; 0 where it is gone."""
    if path.is_symlink() or not path.exists():
        return 0
    if path.is_dir():
        return sum(size(each) for each in path.iterdir())
    return path.stat().st_size


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), Path(sys.argv[2])))
