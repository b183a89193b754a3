"""What reasons cost over HTTP: the same model, applicants and record, without reasons and with.

The cut-off is so low that everybody is refused, so every answer holds principal reasons. Servers
take turns: each round measures every way at every number of connections. Memory and start compare
the bundle with the same one without its covers, which nothing can be explained with.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec
import psutil

from ..distribution import median
from ..host import ROOT
from ..progress import say
from ..result import Row
from ..workload.models import Workload
from . import body, saturation, servers
from .generator import Plan
from .servers import Running
from .subjects import Subject, ours

CUT_OFF = "1e-9"
CONNECTIONS = (1, 32)
ROWS, MEMORY_SECONDS = 500, 1.0
WAYS = {"no reasons": "none", "principal reasons": "principal", "all contributions": "all"}


def measure(workload: Workload, rounds: int, seconds: int, starts: int) -> list[Row]:
    """Return rates and latencies, a row per way and number of connections, then costs of covers."""
    refusing = made(workload, workload.text.parent / "refusing")
    requests = body.json_documents("/score", refusing.documents(refusing.rows(ROWS)))
    loaded = under_load(refusing, requests, rounds, seconds)
    return [{"model": workload.size.name, **row}
            for row in (*loaded, *of_covers(refusing, requests, starts))]  # fmt: skip


def made(workload: Workload, folder: Path) -> Workload:
    """Return the workload with a bundle that refuses everybody, and reasons of every feature."""
    command = [sys.executable, "-m", "convert", str(workload.text), "--name", workload.size.name]
    command += ["--version", "1", "--out", str(folder), "--threshold", CUT_OFF, "--force"]
    command += ["--reasons-baseline", "expectation"]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return msgspec.structs.replace(workload, bundle=folder / workload.size.name / "1")


def under_load(
    workload: Workload, requests: list[bytes], rounds: int, seconds: int
) -> list[Row]:  # fmt: skip
    """Return medians over rounds, and the medians of each round's ratio to no reasons."""
    with ExitStack() as stack:
        started = [
            stack.enter_context(servers.running(subject(name), workload, requests)) for name in WAYS
        ]
        return [
            row for count in CONNECTIONS for row in at(count, started, rounds, seconds)
        ]  # fmt: skip


def subject(name: str) -> Subject:
    """Return this server with one default of `--reasons`."""
    return Subject(name, name, "ours", ours("--reasons", WAYS[name]), lambda _: body.json)


def at(count: int, started: Sequence[Running], rounds: int, seconds: int) -> list[Row]:
    """Measure all ways at one number of connections, in an order that turns."""
    found: dict[str, list[Row]] = {each.subject.name: [] for each in started}
    for number in range(rounds):
        say(f"reasons x{count}: round {number + 1} of {rounds}")
        for server in started[:: -1 if number % 2 else 1]:
            row = saturation.saturate_measured(server, count, seconds)
            found[server.subject.name].append(row)
    plain, *_ = found.values()
    return [
        {"label": name, "connections": count, **saturation.merge(rows),
         "of_rate": ratio(rows, plain, "per_second"), "of_p50": ratio(rows, plain, "p50_us"),
         "rounds": rounds}
        for name, rows in found.items()
    ]  # fmt: skip


def ratio(rows: Sequence[Row], plain: Sequence[Row], key: str) -> float | None:
    """Return the median over rounds of a figure as a multiple of that without reasons."""
    return median(a[key] / b[key] for a, b in zip(rows, plain, strict=True))


def of_covers(workload: Workload, requests: list[bytes], starts: int) -> list[Row]:
    """Return a worker's memory and the time to a first answer, with covers and without."""
    ways = {"without covers": without_covers(workload), "with covers": workload}
    splits = splits_of(workload)
    found: dict[str, list[Row]] = {name: [] for name in ways}
    for number in range(starts):
        say(f"reasons, starts: round {number + 1} of {starts}")
        for name in (*ways,)[:: -1 if number % 2 else 1]:
            with servers.running(subject("principal reasons"), ways[name], requests) as server:
                servers.load(server, Plan(server.port, 1, MEMORY_SECONDS))
                [worker] = psutil.Process(server.process.pid).children()
                pss = worker.memory_full_info().pss
                found[name].append({"start_s": server.start_s, "pss": pss})
    plain = found["without covers"]
    return [
        {"label": name, "start_ms": 1e3 * (median(row["start_s"] for row in rows) or 0),
         "of_start": ratio(rows, plain, "start_s"),
         "pss_mib": (median(row["pss"] for row in rows) or 0) / 2**20,
         "bytes_a_split": median(
             (a["pss"] - b["pss"]) / splits for a, b in zip(rows, plain, strict=True)),
         "rounds": starts}
        for name, rows in found.items()
    ]  # fmt: skip


def splits_of(workload: Workload) -> int:
    """Return the number of splits in LightGBM's text."""
    lines = workload.text.read_text().splitlines()
    return sum(int(line[11:]) - 1 for line in lines if line.startswith("num_leaves="))


def without_covers(workload: Workload) -> Workload:
    """Return the workload with a copy of its bundle that has neither covers nor reasons."""
    copy = workload.bundle.parents[2] / "unexplained" / workload.bundle.parent.name / "1"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(workload.bundle, copy)
    manifest = json.loads((copy / "manifest.json").read_bytes())
    del manifest["contributions"]
    for name in ("covers.bin", "reasons.json"):
        (copy / name).unlink()
        del manifest["files"][name]
    content = json.dumps(manifest).encode()
    (copy / "manifest.json").write_bytes(content)
    sums = {**manifest["files"], "manifest.json": hashlib.sha256(content).hexdigest()}
    (copy / "SHA256SUMS").write_text("".join(f"{v}  {k}\n" for k, v in sorted(sums.items())))
    return msgspec.structs.replace(workload, bundle=copy)
