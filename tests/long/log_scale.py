"""What the verbs of the log cost at size, as docs/record.md shows it.

`python -m tests.long.million_log --write` measures; `python -m tests.long.log_scale` renders what
is committed.
"""

from pathlib import Path

from bench import result
from bench.marks import fill
from bench.result import Result
from tests.conftest import ROOT

NAME, FOLDER = "record-scale", ROOT / "docs"
DOCUMENT = FOLDER / "record.md"


def table(found: Result) -> str:
    """Return the result as Markdown, with all it depends on."""
    method, host = found.method, found.host
    head = [
        "| verb | processor time | on the clock | most memory |",
        "|---|---:|---:|---:|",
    ]
    rows = [
        f"| {row['verb']} | {row['cpu_s']:.1f} s | {row['wall_s']:.1f} s "
        f"| {row['peak_mib']:.0f} MiB |"
        for row in found.rows
    ]
    told = (
        f"{method['records']:,} records of 23 features, written over HTTP by 4 workers with the "
        f"hash chain on: {method['log_mb']:,} MB of segments, {method['parquet_mb']:,} MB of "
        f"Parquet. Each verb a process of its own. {found.measured}, commit {found.commit}, "
        f"{host.cores} cores of {host.cpu}, {host.memory_gib:g} GiB, load average "
        f"{host.load_average:g} before, python {found.versions['python']}. Measured with "
        "`make log-scale`."
    )
    return "\n".join([*head, *rows, "", told, ""])


def committed() -> Result:
    """Return the committed result."""
    found = result.read(NAME, FOLDER)
    assert found is not None
    return found


def write(folder: Path, method: dict[str, int], rows: list[dict[str, str | float]]) -> None:
    """Write a result of now into a folder."""
    result.write(result.make(NAME, False, dict(method), rows), folder)


if __name__ == "__main__":
    fill(DOCUMENT, NAME, table(committed()))
