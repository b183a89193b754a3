"""Tails: a burst of new connections to a busy worker, rising numbers of open ones, and a crowd.

  python -m bench.burst measure [--before OTHER_CHECKOUT]
  python -m bench.burst render

Every server has one worker on a core of its own, and each round measures all of them in turn. A
patience is how long a group of answers may grow, see server/http/group_commit.py; the server has
no such setting. The goodput is the good answers for a second of processor time to a crowd of four
times the queue, over those to 128 connections. No reasons are asked for: they would take more of
the queue.
"""

import argparse
import selectors
import socket
import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import msgspec

from server import run, settings
from server.http import group_commit

from . import marks, result
from .distribution import median
from .host import ROOT
from .load import servers
from .load.body import json_of
from .load.saturation import saturate, saturate_measured
from .load.servers import Running, running
from .load.subjects import BY_NAME, Subject, ours
from .progress import say
from .result import Result, Row
from .workload.demo import BUNDLE, HELD_OUT
from .workload.models import DEMO, Workload

NAME, DOCUMENT = "burst", ROOT / "docs" / "performance.md"
BURST, BUSY = 64, 128  # new connections, beside those of the load
CONNECTIONS = (1, 8, 32, 128, 512)
CROWD = 1024  # four times the queue
PATIENCES_MS = (1, 2, 3)
LAST_S = 30.0
PROBE = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


def of_patience(milliseconds: int) -> Subject:
    """Return this server with a patience."""

    def command(workload: Workload, port: int, folder: Path) -> list[str]:
        place = [str(workload.bundle), str(port), str(folder)]
        return [sys.executable, "-m", "bench.burst", "serve", str(milliseconds), *place]

    name = f"this server, {milliseconds} ms"
    return Subject(name, name, "ours", command, BY_NAME["json"].encode)


def subjects(before: Path | None) -> list[Subject]:
    """Return what is compared: the empty endpoint, each patience, and another checkout."""
    found = [BY_NAME["starlette"], *map(of_patience, PATIENCES_MS)]
    if before is not None:
        command, encode = ours("--reasons", "none"), BY_NAME["json"].encode
        found.append(Subject("before", "before", "ours", command, encode, folder=before.resolve()))
    return found


def serve(patience_ms: int, bundle: str, port: int, folder: str) -> None:
    """Run a server with one worker in this process."""
    group_commit.PATIENCE = patience_ms / 1e3
    given = {"model": bundle, "port": str(port), "log_dir": folder, "access_log": "0"}
    run.run(settings.read({}, {**given, "reasons": "none", "log_level": "error"}))


def burst(port: int, request: bytes, count: int = BURST) -> list[float]:
    """Connect `count` times at once; return the milliseconds until each had its answer.

    Raises SystemExit where one is not a 200.
    """
    took: list[float] = []
    began = perf_counter()
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for _ in range(count):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            selector.register(client, selectors.EVENT_WRITE)
        while len(took) < count:
            if not (ready := selector.select(LAST_S)):
                raise SystemExit(f"{count - len(took)} of {count} had no answer")
            took += [(perf_counter() - began) * 1e3 for key, events in ready
                     if answered(selector, key.fileobj, events, request)]  # fmt: skip
    return took


def answered(selector: selectors.BaseSelector, client: Any, events: int, request: bytes) -> bool:
    """Send the request of a connection that is made, or take its answer: whether it came."""
    if events & selectors.EVENT_WRITE:
        client.sendall(request)
        selector.modify(client, selectors.EVENT_READ)
        return False
    selector.unregister(client)
    if not (said := client.recv(65536)).startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"wanted 200, got {said[:60]!r}")
    return True


def beside_load(server: Running, seconds: int) -> Row:
    """Return the milliseconds of bursts, their last answers, and of probes beside a load."""
    work = partial(saturate, server.port, server.requests, BUSY, seconds)
    load = threading.Thread(target=work)
    request = server.requests[0]
    probe = request if server.subject.kind == "limit" else PROBE
    last: list[float] = []
    probes: list[float] = []
    load.start()
    sleep(0.5)  # its own connections are a burst too
    with servers.on_core(servers.GENERATOR_CORE):
        for _ in range(5 * (seconds - 1)):
            last.append(max(burst(server.port, request)))
            for _ in range(5):
                sleep(0.02)
                probes += burst(server.port, probe, 1)
    load.join()
    return {"last_ms": last, "probe_ms": probes}


def measure(before: Path | None, rounds: int, seconds: int) -> list[Row]:
    """Return a row for each server and round."""
    requests, rows = json_of(HELD_OUT), []
    workload = Workload(DEMO, BUNDLE / "model.txt", BUNDLE, BUNDLE)
    with ExitStack() as stack:
        started = [stack.enter_context(running(each, workload, requests))
                   for each in subjects(before)]  # fmt: skip
        for number in range(rounds):
            for server in started[:: -1 if number % 2 else 1]:
                rows.append(row(server, seconds))
            say(f"round {number + 1} of {rounds}")
    return rows


def row(server: Running, seconds: int) -> Row:
    """Return one server's figures of one round."""
    found: Row = {"label": server.subject.label, **beside_load(server, seconds + 1)}
    for count in (*CONNECTIONS, CROWD):
        cell = saturate_measured(server, count, seconds + (count == CROWD))
        found |= {f"p99_us_{count}": cell["p99_us"], f"per_second_{count}": cell["per_second"],
                  f"failed_{count}": cell["failed"], f"cpu_us_{count}": cell["cpu_us"]}  # fmt: skip
    return found


def table(measured: Result) -> str:
    """Return the result as Markdown: medians over the rounds."""
    heads = [f"last of {BURST} new", "health check", *(f"p99 at {count}" for count in CONNECTIONS),
             "goodput", "answers a second at 128"]  # fmt: skip
    lines = [f"| | {' | '.join(heads)} |", "|---|" + "---:|" * len(heads)]
    for label in dict.fromkeys(row["label"] for row in measured.rows):
        rows = [row for row in measured.rows if row["label"] == label]
        lines.append(f"| {label} | {' | '.join(cells(rows))} |")
    host = measured.host
    about = (f"Milliseconds; rounds: {measured.method['rounds']}; {measured.measured}, "
             f"commit {measured.commit}, {host.cpu}, {host.cores} cores, "
             f"load average {host.load_average} before.")  # fmt: skip
    return "\n".join([*lines, "", about]) + "\n"


def cells(rows: Sequence[Row]) -> list[str]:
    """Return one server's line."""
    beside = [median(each for row in rows for each in row[name]) or 0.0
              for name in ("last_ms", "probe_ms")]  # fmt: skip
    tails = [of(rows, f"p99_us_{count}") / 1e3 for count in CONNECTIONS]
    goodput = of(rows, f"cpu_us_{BUSY}") / of(rows, f"cpu_us_{CROWD}")
    times = [f"{each:.3g}" for each in (*beside, *tails)]
    return [*times, f"{goodput:.2f}", f"{of(rows, f'per_second_{BUSY}'):,.0f}"]


def of(rows: Iterable[Row], column: str) -> float:
    """Return the median of a column."""
    found = median(row[column] for row in rows)
    return 0.0 if found is None else found


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, or write the committed result into the document."""
    parser = argparse.ArgumentParser(
        "python -m bench.burst", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("render")
    serving = verbs.add_parser("serve", help="one server, as `measure` starts it")
    serving.add_argument("patience_ms", type=int)
    serving.add_argument("place", nargs=3, metavar=("BUNDLE", "PORT", "FOLDER"))
    run_it = verbs.add_parser("measure")
    run_it.add_argument("--before", type=Path, help="another checkout, whose server is measured")
    run_it.add_argument("--rounds", type=int, default=5)
    run_it.add_argument("--seconds", type=int, default=1)
    run_it.add_argument("--out", type=Path, default=result.FOLDER, help="folder of the result")
    args = parser.parse_args(arguments)
    if args.verb == "serve":
        serve(args.patience_ms, args.place[0], int(args.place[1]), args.place[2])
    elif args.verb == "measure":
        made = result.make(NAME, False, {"rounds": args.rounds, "seconds": args.seconds}, [])
        rows = measure(args.before, args.rounds, args.seconds)
        say(f"written: {result.write(msgspec.structs.replace(made, rows=rows), args.out)}")
    elif found := result.read(NAME):
        marks.fill(DOCUMENT, NAME, table(found))


if __name__ == "__main__":
    main()
