"""Kill a loaded server at random moments: python -m tests.long.crash_log --rounds 100.

Every answer a client received must be in the log, with the same probability, the same reasons and,
where all were asked for, the same contributions; and every segment must be whole but for one torn
last line.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from bench.load.generator import Plan, Report, run_in
from bench.load.pool import Pool
from monitoring.log.segment import Segment
from monitoring.log.sources import find, read
from tests.conftest import ROOT, environment, first_line
from tests.posting import answers, posts

CLIENTS, GRACE_SECONDS = 4, 20.0
DEMO = ROOT / "models" / "credit-express"
BATCH, BATCHES = 1000, 20


def bodies(applicants: list[dict[str, Any]], draw: random.Random) -> list[bytes]:
    """Return applicants by themselves, and batches, whose long writes may be torn."""
    batches = [draw.choices(applicants, k=BATCH) for _ in range(BATCHES)]
    several = [*draw.choices(applicants, k=10 * BATCHES), *batches]
    draw.shuffle(several)
    return [json.dumps(each).encode() for each in several]


class Told(NamedTuple):
    """What was answered, or recorded, of one applicant."""

    probability: float
    reasons: list[tuple[str, float]] | None
    contributions: list[float] | None


def told(answer: dict[str, Any]) -> Told:
    """Return what an answer says; the expectation stands last among the contributions."""
    reasons, each = answer.get("reasons"), answer.get("contributions")
    codes = None if reasons is None else [(r["code"], r["contribution"]) for r in reasons]
    numbers = None if each is None else [*each.values(), answer["expectation"]]
    return Told(answer["probability"], codes, numbers)


def told_by(report: Report) -> dict[tuple[str, int], Told]:
    """Return what was answered by (request id, index)."""
    return {
        (one["request_id"], index): told(one)
        for answer in answers(report)
        for index, one in enumerate(answer if isinstance(answer, list) else [answer])
    }


@dataclass
class Tally:
    """What the rounds came to."""

    rounds: int = 0
    answered: int = 0
    recorded: int = 0
    torn: int = 0
    explained: int = 0
    whole: int = 0

    def __str__(self) -> str:
        return (
            f"{self.rounds} kills: {self.answered:,} answers received, {self.explained:,} with "
            f"reasons and {self.whole:,} with all contributions, 0 missing from the log; "
            f"{self.recorded:,} records, {self.torn} torn last lines"
        )


def start(bundle: Path, log: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    """Start a server of two workers in a process group of its own."""
    command = [sys.executable, "-m", "server", "--model", str(bundle), "--port", "0"]
    command += ["--workers", "2", "--log-dir", str(log), *arguments]
    with (log.parent / "stdout").open("wb") as out:
        return subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdout=out, start_new_session=True
        )


def port_of(process: "subprocess.Popen[bytes]", log: Path) -> int:
    """Return the port, from the first of the lines that the workers print when they are ready."""
    ready, _ = json.JSONDecoder().raw_decode(first_line(log.parent / "stdout", process))
    return int(ready["port"])


def crash(
    bundle: Path, log: Path, requests: list[bytes], seconds: float, *arguments: str
) -> Report:
    """Run a server under load, kill all of its processes after some time; return what came."""
    process = start(bundle, log, *arguments)
    try:
        return asyncio.run(killed(process, port_of(process, log), requests, seconds))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


async def killed(
    process: "subprocess.Popen[bytes]", port: int, requests: list[bytes], seconds: float
) -> Report:
    """Post until the server is gone, which is killed after some time."""
    async with Pool(port, requests, frozenset({200})) as pool:
        await pool.connect(CLIENTS)
        load = asyncio.create_task(run_in(pool, Plan(port, CLIENTS, inf, grace=GRACE_SECONDS)))
        await asyncio.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)
        return await load


def rounds(
    bundle: Path, applicants: list[dict[str, Any]], log: Path, count: int, draw: random.Random
) -> Tally:
    """Crash `count` times over one folder; after each, check it all. Raises AssertionError."""
    tally = Tally()
    for number in range(count):
        before = set(log.glob("*.jsonl"))
        chain = ("--log-chain", "true") if number % 2 else ()
        asked = bodies(applicants, draw)
        half = len(asked) // 2
        posted = posts(asked[:half]) + posts(asked[half:], "/score?reasons=all")
        draw.shuffle(posted)
        answered = told_by(crash(bundle, log, posted, draw.uniform(0.05, 0.6), *chain))
        new = [source for source in find([log]) if source.path not in before]
        recorded = {key: said for source in new for key, said in records(source, log)}
        missing = {key for key, said in answered.items() if recorded.get(key) != said}
        assert not missing, f"round {number}: {len(missing)} answers not in the log: {missing}"
        tally.rounds += 1
        tally.answered += len(answered)
        tally.explained += sum(bool(said.reasons) for said in answered.values())
        tally.whole += sum(said.contributions is not None for said in answered.values())
        tally.recorded += len(recorded)
        tally.torn += sum(isinstance(source, Segment) and source.torn > 0 for source in new)
    return tally


def records(source: Any, log: Path) -> list[tuple[tuple[str, int], Told]]:
    """Return what every record holds, by (request id, index); raises on any damage."""
    names = ("request_id", "index", "prediction", "reasons", "contributions")
    found: list[tuple[tuple[str, int], Told]] = []
    for batch in read(source, [log]):
        table: pa.RecordBatch = batch
        columns = [table[name].to_pylist() for name in names]
        for request_id, index, p, reasons, contributions in zip(*columns, strict=True):
            codes = None if reasons is None else [(r["code"], r["contribution"]) for r in reasons]
            found.append(((request_id, index), Told(p, codes, contributions)))
    return found


def read_applicants(file: Path) -> list[dict[str, Any]]:
    """Return what a client sends, of a table its first rows without the label."""
    if file.suffix == ".parquet":
        rows = pq.read_table(file).slice(0, BATCH)
        names = [name for name in rows.column_names if name != "default"]
        applicants: list[dict[str, Any]] = rows.select(names).to_pylist()
        return applicants
    found = json.loads(file.read_bytes())
    return found if isinstance(found, list) else [found]


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.long.crash_log", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=time.time_ns())
    parser.add_argument("--model", type=Path, default=DEMO / "1", help="a bundle")
    parser.add_argument(
        "--applicants", type=Path, default=DEMO / "held-out.parquet",
        help="JSON, one or an array, or Parquet, a column per feature",
    )  # fmt: skip
    parser.add_argument("--keep", action="store_true", help="leave the log and say where it is")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    (folder / "log").mkdir()
    applicants = read_applicants(args.applicants)
    print(f"seed {args.seed}", file=sys.stderr)
    draw = random.Random(args.seed)
    print(rounds(args.model, applicants, folder / "log", args.rounds, draw))
    if args.keep:
        print(folder / "log")
    else:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
