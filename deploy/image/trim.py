"""Take out of an image's file tree what trims.toml names, and say how much each line saved.

Run by Dockerfile.distroless: python3 trim.py TRIMS.toml ROOT
"""

import shutil
import struct
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
            saved = apply(found, trim.get("how", "remove"))
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


def apply(found: list[Path], how: str) -> int:
    """Remove, strip or blank every path; returns the bytes saved."""
    before = sum(map(size, found))
    for path in found:
        if how != "remove":
            path.write_bytes(stripped(path.read_bytes()) if how == "strip" else b"")
        elif path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return before - sum(map(size, found))


def stripped(library: bytes) -> bytes:
    """Return a 64-bit little-endian ELF file cut behind what is loaded, without its section table.

    Symbols and debug information lie behind; the dynamic linker reads program headers alone. So
    the build needs no binutils. Raises TrimError for any other file.
    """
    if library[:6] != b"\x7fELF\x02\x01":
        raise TrimError(f"wanted a 64-bit little-endian ELF file, got {library[:6]!r}")
    (at,) = struct.unpack_from("<Q", library, 32)
    width, count = struct.unpack_from("<HH", library, 54)
    spans = [struct.unpack_from("<8xQ16xQ", library, at + i * width) for i in range(count)]
    end = max(at + count * width, *(offset + length for offset, length in spans))
    no_sections = struct.pack("<Q", 0)
    head = library[:40] + no_sections + library[48:58] + bytes(6)
    return head + library[64:end]


def size(path: Path) -> int:
    """Return the bytes of a file or of all files below a folder; 0 where it is gone."""
    if path.is_symlink() or not path.exists():
        return 0
    if path.is_dir():
        return sum(size(each) for each in path.iterdir())
    return path.stat().st_size


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), Path(sys.argv[2])))
