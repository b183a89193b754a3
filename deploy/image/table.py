"""Render bench/results/image.json as the tables of docs/image.md: python deploy/image/table.py."""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "bench" / "results" / "image.json"
PAGE = ROOT / "docs" / "image.md"
BEGIN, END = "<!-- measured -->\n", "<!-- /measured -->\n"


def main() -> int:
    """Write the tables into the page."""
    PAGE.write_text(fill(PAGE.read_text(), json.loads(RESULT.read_bytes())))
    return 0


def fill(page: str, result: dict[str, Any]) -> str:
    """Replace what stands between the two marks; raises ValueError where a mark is missing."""
    head, rest = page.split(BEGIN)
    _, tail = rest.split(END)
    return head + BEGIN + tables(result) + END + tail


def tables(result: dict[str, Any]) -> str:
    """Return one table per kind of measurement, and what they were measured on."""
    host, rows = result["host"], result["rows"]
    lines = [
        f"{host['cpu']}, {host['cores']} cores, {host['memory_gib']} GiB, {host['system']}, "
        f"docker {result['versions']['docker']}, commit {result['commit']}, {result['measured']}; "
        f"load average at the end {host['load_average']}.",
        "", "| size | MB |", "|---|---|",
        *(f"| {row['part']} | {row['size_mb']} |" for row in rows if row["measure"] == "size"),
        "", "| from `docker run` until | median ms | least | most |", "|---|---|---|---|",
        *(timed(row) for row in rows if row["measure"] == "start"),
        "", "| part of a start, CPU | median ms | least | most |", "|---|---|---|---|",
        *(timed(row) for row in rows if row["measure"] == "part"),
        "", "| memory, all processes | MiB PSS |", "|---|---|",
        *(f"| {row['part']} | {row['pss_mib']} |" for row in rows if row["measure"] == "memory"),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def timed(row: dict[str, Any]) -> str:
    """Return one line of a table of times."""
    return f"| {row['part']} | {row['median_ms']} | {row['min_ms']} | {row['max_ms']} |"


if __name__ == "__main__":
    sys.exit(main())
