"""Every verb of the log on a large log: python -m tests.long.million_log --records 1000000.

A server of four workers writes it, over HTTP; then each verb runs as a process of its own, and its
time and peak memory are printed.
"""

import argparse
import json
import os
import re
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import ROOT
from tests.long import log_scale
from tests.long.crash_log import DEMO, port_of, start

BATCH = 1000
CLIENTS = 4
# Whatever the log's size; DuckDB is given 400 MB.
MOST_MB = 600


@dataclass(frozen=True)
class Ran:
    """What a verb took, printed and returned."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    code: int
    out: str


def write(bundle: Path, applicants: Sequence[dict[str, Any]], log: Path, records: int) -> float:
    """Have four workers answer, and so record, this many; return the seconds it took."""
    process = start(bundle, log, "--workers", "4", "--log-chain", "true", "--log-segment-mb", "128")
    try:
        url = f"http://127.0.0.1:{port_of(process, log)}/score"
        begun = time.perf_counter()
        threads = [
            threading.Thread(target=post, args=(url, applicants, records // CLIENTS))
            for _ in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - begun
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def post(url: str, applicants: Sequence[dict[str, Any]], count: int) -> None:
    """Post batches; a worker takes connections, so each batch makes a new one."""
    some = [applicants[i % len(applicants)] for i in range(min(BATCH, count))]
    for begin in range(0, count, BATCH):
        batch = some[: count - begin]
        httpx.post(url, json=batch, timeout=60).raise_for_status()


def run(*arguments: str | Path) -> Ran:
    """Run `python -m monitoring …` and measure it."""
    with tempfile.TemporaryFile() as out:
        begun = time.perf_counter()
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "monitoring", *map(str, arguments)],
            os.environ | {"PYTHONPATH": str(ROOT)},
            file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)],
        )
        peak = 0.0
        while not (ended := os.wait4(pid, os.WNOHANG))[0]:
            peak = max(peak, peak_mb(pid))
            time.sleep(0.02)
        seconds, status = time.perf_counter() - begun, ended[1]
        out.seek(0)
        text = out.read().decode()
    cpu = ended[2].ru_utime + ended[2].ru_stime
    return Ran(seconds, cpu, peak, os.waitstatus_to_exitcode(status), text)


def peak_mb(pid: int) -> float:
    """Return the most memory a process has held since it was begun, MB of RSS."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found.group(1)) / 1000 if found else 0.0


def check(bundle: Path, log: Path, records: int) -> dict[str, Ran]:
    """Run every verb over the log, segments first, then Parquet. Raises AssertionError."""
    out, models = log.parent, bundle.parents[1]
    ran = {"ls": run("log", "ls", log), "verify": run("log", "verify", log)}
    assert sum(json.loads(line)["records"] for line in lines(ran["verify"])) == records
    ran["stats"] = run("log", "stats", log, "--json")
    assert json.loads(ran["stats"].out)["records"] == records
    ran["replay"] = run("replay", "--log", log, "--models", models, "--json")
    assert json.loads(ran["replay"].out)["identical"] == records
    ran["export to CSV"] = run("log", "export", log, "--to", "csv", "--out", out / "out.csv")
    ran["compact"] = run("log", "compact", log)
    for name, verb in (("stats", ("log", "stats", log)), ("verify", ("log", "verify", log)),
                       ("replay", ("replay", "--log", log, "--models", models))):  # fmt: skip
        ran[f"{name}, Parquet"] = run(*verb)
    ran["export to Parquet, Parquet"] = run(
        "log", "export", log, "--to", "parquet", "--out", out / "out.parquet"
    )
    assert f"{records:,} of {records:,} bit-identical" in ran["replay, Parquet"].out
    assert {name: r.code for name, r in ran.items() if r.code} == {}
    assert {name: r.peak_mb for name, r in ran.items() if r.peak_mb > MOST_MB} == {}
    return ran


def alter_one_digit(log: Path) -> int:
    """Change one digit of a raw score halfway; return the byte where its line begins."""
    path = max(log.glob("*.jsonl"), key=lambda found: found.stat().st_size)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.readline()
        begin = file.tell()
        found = re.search(rb'"raw":-?[0-9]+[.]([0-9])', file.readline())
        assert found
        position = begin + found.start(1)
        file.seek(position)
        file.write(b"%d" % ((int(found.group(1)) + 1) % 10))
    return begin


def altered(bundle: Path, log: Path, records: int) -> None:
    """Change one digit; verify and replay must name it. Raises AssertionError."""
    begin = alter_one_digit(log)
    verified = run("log", "verify", log)
    assert verified.code == 1
    assert f"byte {begin}:" in verified.out
    replayed = run("replay", "--log", log, "--models", bundle.parents[1], "--json")
    assert replayed.code == 1
    assert json.loads(replayed.out)["different"] == 1
    assert json.loads(replayed.out)["identical"] == records - 1


def rows_of(verbs: dict[str, Ran]) -> list[dict[str, str | float]]:
    """Return what each verb took as the rows of a result."""
    return [
        {
            "verb": name,
            "cpu_s": round(ran.cpu_seconds, 2),
            "wall_s": round(ran.seconds, 2),
            "peak_mib": round(ran.peak_mb * 1e6 / 2**20, 1),
        }
        for name, ran in verbs.items()
    ]


def lines(ran: Ran) -> list[str]:
    return ran.out.splitlines()


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.long.million_log", description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--model", type=Path, default=DEMO / "1", help="a bundle")
    parser.add_argument("--write", action="store_true", help="write docs/record-scale.json")
    parser.add_argument("--applicants", type=Path, default=DEMO / "applicant.json")
    args = parser.parse_args()
    found = json.loads(args.applicants.read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        log.mkdir()
        applicants = found if isinstance(found, list) else [found]
        seconds = write(args.model, applicants, log, args.records)
        size = sum(path.stat().st_size for path in log.glob("*.jsonl"))
        print(f"written by 4 workers, batches of {BATCH}: {seconds:.1f} s, {size / 1e6:,.0f} MB")
        some = log.parent / "some"
        some.mkdir()
        smallest = min(log.glob("*.jsonl"), key=lambda path: path.stat().st_size)
        (some / smallest.name).write_bytes(smallest.read_bytes())
        verbs = check(args.model, log, args.records)
        for name, ran in verbs.items():
            print(
                f"{name:<28} {ran.seconds:7.1f} s, {ran.cpu_seconds:6.1f} s of processor, "
                f"{ran.peak_mb:7.0f} MB peak"
            )
        parquet = sum(path.stat().st_size for path in log.rglob("*.parquet"))
        print(f"Parquet: {parquet / 1e6:,.0f} MB")
        altered(args.model, some, len((some / smallest.name).read_bytes().splitlines()))
        print("one altered digit: found by verify, at its line, and by replay")
        if args.write:
            sizes = {"log_mb": round(size / 1e6), "parquet_mb": round(parquet / 1e6)}
            log_scale.write(log_scale.FOLDER, {"records": args.records, **sizes}, rows_of(verbs))


if __name__ == "__main__":
    main()
