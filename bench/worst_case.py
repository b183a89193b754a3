"""The highest cost of a megabyte of input: every codec, with shapes made to be expensive.

  python -m bench.worst_case measure --model models/credit-express/1 \\
      --applicant models/credit-express/applicant.json
  python -m bench.worst_case measure … --before OTHER_CHECKOUT
  python -m bench.worst_case render

Each shape is sent to a server of its own, one request after the other: first 1/16 of a megabyte,
then 1/4, then a whole one. If a size takes longer than five seconds, larger ones are skipped.
Memory is the server's peak minus its memory before.
"""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import psutil

from server.bundle.applicant import RowWriter
from server.bundle.reading import read_manifest

from . import marks, result
from .host import ROOT, cpu_seconds, git
from .progress import say
from .result import Result, Row
from .workload.adversarial import Shape, Target, shapes

DOCUMENT = ROOT / "docs" / "worst-case.md"
NAME, BEFORE = "worst_case", "worst_case_before"
MEGABYTE = 1_000_000
SIZES = (MEGABYTE // 16, MEGABYTE // 4, MEGABYTE)
PATIENCE = 5.0  # seconds; above it no larger size is tried
HEAD = (
    "| shape | ms a MB, before | now | MB of memory a MB, before | now | MB answered a MB, before "
    "| now | MB recorded a MB, before | now |"
)
FLAGS = ("--access-log", "0", "--log-refused", "body")


class Worker:
    """A server with one worker, and the resources it has used."""

    def __init__(self, port: int, pid: int, log: Path) -> None:
        self._port, self._pid, self._log = port, pid, log

    def ask(self, requests: Sequence[bytes]) -> int:
        """Send requests one after the other; return the size of all answers in bytes."""
        with socket.create_connection(("127.0.0.1", self._port)) as connection:
            return sum(answered(connection, request) for request in requests)

    def cpu(self) -> float:
        """Return the seconds of processor time used.

        The kernel adds them up when a thread goes to sleep, which may be after its answer came.
        """
        stat = Path(f"/proc/{self._pid}/stat")
        while stat.read_text().rpartition(")")[2].split()[0] == "R":
            time.sleep(0.001)
        return cpu_seconds([self._pid])

    def resident(self) -> int:
        """Return the memory in use, in bytes, and reset the peak."""
        Path(f"/proc/{self._pid}/clear_refs").write_text("5")
        return self._status("VmRSS")

    def peak(self) -> int:
        """Return the peak memory in bytes."""
        return self._status("VmHWM")

    def recorded(self) -> int:
        """Return the size of the record in bytes."""
        return sum(file.stat().st_size for file in self._log.glob("*.jsonl"))

    def _status(self, name: str) -> int:
        status = Path(f"/proc/{self._pid}/status").read_text()
        return int(status.partition(f"{name}:")[2].split()[0]) * 1024


def answered(connection: socket.socket, request: bytes) -> int:
    """Send a request and read its answer; return the size of its body in bytes."""
    connection.sendall(request)
    head = b""
    while b"\r\n\r\n" not in head:
        if not (more := connection.recv(65536)):
            raise SystemExit(f"the server closed the connection after {request[:200]!r}")
        head += more
    head, _, body = head.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 5"):
        raise SystemExit(f"the server answered {head[9:12].decode()} to {request[:200]!r}")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
    left = length - len(body)
    while left > 0:
        left -= len(connection.recv(1 << 20))
    return length


@contextmanager
def serving(model: Path, tree: Path, *more: str) -> Iterator[Worker]:
    """Run a source tree's server with one worker, and `more` flags, until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "server", "--model", str(model.resolve()), "--port", "0",
                   "--log-dir", f"{folder}/log", *FLAGS, *more]  # fmt: skip
        with subprocess.Popen(command, cwd=tree, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None  # noqa: S101 - as asked for
            ready = json.loads(process.stdout.readline())
            [worker] = psutil.Process(process.pid).children()
            try:
                yield Worker(ready["port"], worker.pid, Path(folder) / "log")
            finally:
                process.terminate()


def target_of(model: Path, applicant: Path) -> Target:
    """Return the requests' target for a bundle, from a valid applicant."""
    manifest, sent = read_manifest(model / "manifest.json"), json.loads(applicant.read_text())
    row = np.zeros(len(manifest.features))
    RowWriter(manifest, row, False).write([sent[feature.name] for feature in manifest.features])
    return Target("/score", f"/v2/models/{manifest.name}/infer", sent, row.tolist())


def worst(worker: Worker, shape: Shape, sizes: Sequence[int]) -> Row:
    """Return a shape's cost per megabyte sent, in the largest size that was sent."""
    found: Row = {}
    for size in sizes:
        requests = shape(size)
        memory, cpu, recorded = worker.resident(), worker.cpu(), worker.recorded()
        answers = worker.ask(requests)
        sent, used = sum(map(len, requests)), worker.cpu() - cpu
        found = {
            "sent_mb": sent / MEGABYTE, "requests": len(requests),
            "cpu_ms": used / sent * MEGABYTE * 1e3, "longest_ms": used / len(requests) * 1e3,
            "memory_mb": max(0, worker.peak() - memory) / sent,
            "answer_mb": answers / sent, "record_mb": (worker.recorded() - recorded) / sent,
        }  # fmt: skip
        if used > PATIENCE:
            break
    return found


def measure(
    model: Path, applicant: Path, tree: Path, sizes: Sequence[int] = SIZES, only: str = ""
) -> list[Row]:
    """Return a row for every shape whose codec and name contain `only`."""
    rows, target = [], target_of(model, applicant)
    for (codec, name), shape in shapes(target).items():
        if only not in f"{codec}: {name}":
            continue
        with serving(model, tree) as worker:
            worker.ask(shape(1))  # what is made once
            rows.append({"codec": codec, "shape": name, **worst(worker, shape, sizes)})
        say(f"{codec}: {name}: {rows[-1]['cpu_ms']:.0f} ms/MB of {rows[-1]['sent_mb']:.2f} MB")
    return rows


def figure(x: float) -> str:
    """Return a number with two digits."""
    return f"{x:,.0f}" if x >= 10 else f"{x:.1f}"


def cells(row: Row | None) -> list[str]:
    """Return the table cells of a shape."""
    if row is None:
        return ["–"] * 4
    return [figure(row[name]) for name in ("cpu_ms", "memory_mb", "answer_mb", "record_mb")]


def table(now: Result, before: Result | None) -> str:
    """Return the results as Markdown: a table for each codec, the most expensive shape first."""
    old = {(row["codec"], row["shape"]): row for row in before.rows} if before else {}
    lines = []
    for codec in dict.fromkeys(row["codec"] for row in now.rows):
        rows = [row for row in now.rows if row["codec"] == codec]
        lines += ["", f"### {codec}", "", HEAD, "|---|" + "---:|" * 8]
        for row in sorted(rows, key=lambda row: -float(row["cpu_ms"])):
            columns = zip(cells(old.get((codec, row["shape"]))), cells(row), strict=True)
            each = [cell for pair in columns for cell in pair]
            lines.append(f"| {row['shape']} | {' | '.join(each)} |")
    host = now.host
    about = f"Now: {now.measured}, commit {now.commit}"
    if before:
        about += f"; before: {before.measured}, commit {before.commit}"
    about += (f"; {host.cpu}, {host.cores} cores, load average {host.load_average} before; python "
              f"{now.versions['python']}, msgspec {now.versions['msgspec']}.")  # fmt: skip
    return "\n".join([*lines[1:], "", about]) + "\n"


def main() -> None:
    """Measure, or write the committed results into the document."""
    parser = argparse.ArgumentParser(
        "python -m bench.worst_case",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("render")
    run_it = verbs.add_parser("measure")
    run_it.add_argument("--model", type=Path, required=True, help="a bundle")
    run_it.add_argument("--applicant", type=Path, required=True, help="JSON that fits it")
    run_it.add_argument("--before", type=Path, help="another checkout, whose server is measured")
    run_it.add_argument("--only", default="", help="shapes whose codec and name hold this")
    run_it.add_argument("--out", type=Path, default=result.FOLDER, help="folder of the result")
    args = parser.parse_args()
    if args.verb == "measure":
        for path in filter(None, (args.model, args.applicant, args.before)):
            if not path.exists():
                parser.error(f"{path}: no such file or folder")
        tree = args.before or ROOT
        made = result.make(BEFORE if args.before else NAME, False, {"patience_s": PATIENCE}, [])
        head = args.before and git("-C", str(tree), "rev-parse", "--short=12", "HEAD")
        rows = measure(args.model, args.applicant, tree, only=args.only)
        made = msgspec.structs.replace(made, rows=rows, commit=head or made.commit)
        say(f"written: {result.write(made, args.out)}")
    elif now := result.read(NAME):
        marks.fill(DOCUMENT, NAME, table(now, result.read(BEFORE)))


if __name__ == "__main__":
    main()
