"""Kill a loaded server at random moments: python -m tests.long.crash_log --rounds 100.

Every answer a client received must be in the log, with the same probability, and every segment
must be whole but for one torn last line.
"""

import argparse
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from monitoring.log.segment import Segment
from monitoring.log.sources import find, read
from tests.conftest import ROOT, environment, first_line

CLIENTS = 4
DEMO = ROOT / "models" / "credit-express"
BATCH = 1000


@dataclass
class Load:
    """Clients that post until the server is gone; `answered` holds (request id, index) -> p."""

    port: int
    round: int
    applicants: list[dict[str, Any]]
    answered: dict[tuple[str, int], float] = field(default_factory=dict)

    def start(self) -> list[threading.Thread]:
        threads = [threading.Thread(target=self._client, args=(i,)) for i in range(CLIENTS)]
        for thread in threads:
            thread.start()
        return threads

    def _client(self, number: int) -> None:
        """Post applicants; the last client posts batches, whose long writes may be torn."""
        draw = random.Random(f"{self.round} {number}")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        for count in range(1_000_000):
            request_id = f"{self.round}-{number}-{count}"
            several = number == CLIENTS - 1
            chosen = draw.choices(self.applicants, k=BATCH if several else 1)
            body = json.dumps(chosen if several else chosen[0])
            try:
                connection.request("POST", "/score", body, {
                    "Content-Type": "application/json", "X-Request-Id": request_id,
                })  # fmt: skip
                answer = json.loads(connection.getresponse().read())
            except (OSError, http.client.HTTPException, json.JSONDecodeError):
                return
            for index, one in enumerate(answer if several else [answer]):
                self.answered[request_id, index] = one["probability"]


@dataclass
class Tally:
    """What the rounds came to."""

    rounds: int = 0
    answered: int = 0
    recorded: int = 0
    torn: int = 0

    def __str__(self) -> str:
        return (
            f"{self.rounds} kills: {self.answered:,} answers received, 0 missing from the log; "
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


def crash(bundle: Path, log: Path, load: Load, seconds: float, *arguments: str) -> None:
    """Run a server under load, and kill all of its processes after some time."""
    process = start(bundle, log, *arguments)
    try:
        load.port = port_of(process, log)
        threads = load.start()
        time.sleep(seconds)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for thread in threads:
        thread.join()


def rounds(
    bundle: Path, applicants: list[dict[str, Any]], log: Path, count: int, draw: random.Random
) -> Tally:
    """Crash `count` times over one folder; after each, check it all. Raises AssertionError."""
    tally = Tally()
    for number in range(count):
        load = Load(0, number, applicants)
        before = set(log.glob("*.jsonl"))
        chain = ("--log-chain", "true") if number % 2 else ()
        crash(bundle, log, load, draw.uniform(0.05, 0.6), *chain)
        new = [source for source in find([log]) if source.path not in before]
        recorded = {key: p for source in new for key, p in records(source, log)}
        missing = {key for key, p in load.answered.items() if recorded.get(key) != p}
        assert not missing, f"round {number}: {len(missing)} answers not in the log: {missing}"
        tally.rounds += 1
        tally.answered += len(load.answered)
        tally.recorded += len(recorded)
        tally.torn += sum(isinstance(source, Segment) and source.torn > 0 for source in new)
    return tally


def records(source: Any, log: Path) -> list[tuple[tuple[str, int], float]]:
    """Return (request id, index) and probability of every record; raises on any damage."""
    found: list[tuple[tuple[str, int], float]] = []
    for batch in read(source, [log]):
        table: pa.RecordBatch = batch
        columns = [table[name].to_pylist() for name in ("request_id", "index", "prediction")]
        found += [((i, n), p) for i, n, p in zip(*columns, strict=True)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.long.crash_log", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=time.time_ns())
    parser.add_argument("--model", type=Path, default=DEMO / "1", help="a bundle")
    parser.add_argument(
        "--applicants", type=Path, default=DEMO / "applicant.json", help="JSON: one or an array"
    )
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    (folder / "log").mkdir()
    found = json.loads(args.applicants.read_bytes())
    applicants = found if isinstance(found, list) else [found]
    print(f"seed {args.seed}", file=sys.stderr)
    draw = random.Random(args.seed)
    print(rounds(args.model, applicants, folder / "log", args.rounds, draw))
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
