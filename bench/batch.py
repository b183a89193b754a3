"""Measure an applicant in a batch on `POST /score`, beside an older commit, into batch.json.

example: python -m bench.batch --before ../before    with a built checkout of an older commit

Processor time of the server's processes, the record on, each server with one worker. Both stand at
once and take turns, batch size by batch size.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from . import result
from .host import ROOT
from .progress import say
from .result import Row
from .workload import models
from .workload.demo import BUNDLE, Demo
from .workload.models import THRESHOLD, Workload
from .worst_case import Worker, serving

BATCHES = (1, 10, 100, 1000)
APPLICANTS = 4000  # in a round; half as many are distinct
FORMATS: dict[str, Callable[[Any], bytes]] = {
    "json": msgspec.json.encode, "msgpack": msgspec.msgpack.encode,
}  # fmt: skip
# The older commit gives no reasons.
WITHOUT = ("--reasons", "none")


def measure(workload: Workload, before: Path | None, rounds: int) -> list[Row]:
    """Return a row for each format and batch size, in microseconds an applicant."""
    documents = workload.documents(workload.rows(APPLICANTS // 2))
    with ExitStack() as stack:
        workers = {"now": stack.enter_context(serving(workload.bundle, ROOT, *WITHOUT))}
        if before is not None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            bundle = bundle_of(workload, before, folder)
            workers["before"] = stack.enter_context(serving(bundle, before))
        return [
            {"model": workload.size.name, "label": label, "batch": batch,
             **compared(workers, documents, label, batch, rounds)}
            for label in FORMATS for batch in BATCHES
        ]  # fmt: skip


def bundle_of(workload: Workload, tree: Path, folder: Path) -> Path:
    """Return the model as an older commit converts it; the committed one as it stands there."""
    if isinstance(workload.size, Demo):
        return tree / BUNDLE.relative_to(ROOT)
    command = [sys.executable, "-m", "convert", str(workload.text), "--name", "m", "--version", "1",
               "--out", str(folder), "--threshold", str(THRESHOLD)]  # fmt: skip
    subprocess.run(command, cwd=tree, check=True, capture_output=True)
    return folder / "m" / "1"


def compared(
    workers: dict[str, Worker], documents: Sequence[Any], label: str, batch: int, rounds: int
) -> Row:  # fmt: skip
    """Return each side's median over rounds, and the median of the rounds' ratios."""
    say(f"batches of {batch}, {label}")
    sent = requests(documents, label, batch)
    for worker in workers.values():
        worker.ask(sent[: len(sent) // 10 + 1])
    took = [{name: spent(worker, sent) / batch for name, worker in workers.items()}
            for _ in range(rounds)]  # fmt: skip
    row: Row = {"cpu_us": median(each["now"] for each in took), "rounds": rounds}
    if "before" in workers:
        row["before_us"] = median(each["before"] for each in took)
        row["times_before"] = median(each["now"] / each["before"] for each in took)
    return row


def requests(documents: Sequence[Any], label: str, batch: int) -> list[bytes]:
    """Return APPLICANTS in requests of `batch` each, an array where there are several."""
    found = []
    for begin in range(0, len(documents) - batch + 1, batch):
        some = documents[begin : begin + batch]
        body = FORMATS[label](some if batch > 1 else some[0])
        head = (f"POST /score HTTP/1.1\r\nhost: localhost\r\ncontent-type: "
                f"application/{label}\r\ncontent-length: {len(body)}\r\n\r\n")  # fmt: skip
        found.append(head.encode() + body)
    return found * (APPLICANTS // len(documents))


def spent(worker: Worker, sent: Sequence[bytes]) -> float:
    """Return the microseconds of processor time that a request took."""
    began = worker.cpu()
    worker.ask(sent)
    return (worker.cpu() - began) / len(sent) * 1e6


def main(arguments: Sequence[str]) -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        "python -m bench.batch", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--before", type=Path, metavar="CHECKOUT", help="its server, too")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, default=result.FOLDER, metavar="FOLDER")
    chosen = parser.parse_args(arguments)
    before = chosen.before and chosen.before.resolve()
    rows = [row for size in (models.MIDDLE, models.DEMO)
            for row in measure(models.build(size), before, chosen.rounds)]  # fmt: skip
    method = {"rounds": chosen.rounds, "applicants a round": APPLICANTS}
    say(f"written: {result.write(result.make('batch', False, method, rows), chosen.out)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
