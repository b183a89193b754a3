"""The long forms of the tests over a running server.

`python -m tests.long.server_long swaps terms --models A B --applicants ROWS.jsonl`.

`swaps`: 50 hot swaps and 10 rolling restarts under load. `terms`: 20 SIGTERMs under load.
`offered`: four times the requests a second one worker can answer, whether or not answers come.
`overload`: four times the connections the capacity was measured with, by wrk. `mixed`: 300,000
requests of every right kind. `unfinished`: 120 bodies that lack a byte. `loris`: 1,000 slow
connections. Each ends in an AssertionError where its bound does not hold.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles

import httpx

from tests.conftest import Running, running
from tests.long import server_open_loop as open_loop
from tests.long.server_crowd import loris, mixed, unfinished
from tests.long.server_load import Load, Tally, log_of, metric

SWAPS, RESTARTS, TERMS = 50, 10, 20
CONNECTIONS = 32
WRK_ROUNDS, SECONDS = 16, 1.5
ROUNDS, ROUND_SECONDS = 200, 0.25
# A round tells the goodput where the capacity right before and right after it is about the same.
STEADY, LEAST_STEADY = 0.1, 40
BATCH, QUEUE = 50, 8
GOODPUT = 0.9
# Of what a full queue costs: the generator and the machine's other users have a part in it.
BOUND = 2.0
WRK = """
local bodies, i = {}, 0
for line in io.lines(os.getenv("BODIES")) do bodies[#bodies + 1] = line end
request = function()
  i = i % #bodies + 1
  return wrk.format("POST", "/score", {["Content-Type"] = "application/json"}, bodies[i])
end
"""


def swaps(options: argparse.Namespace, folder: Path) -> None:
    """Swap and restart under load; print what failed and that answers were one version's wholly."""
    models, (first, second) = folder / "models" / "m", options.models
    models.mkdir(parents=True)
    (models / "1").symlink_to(first.resolve())
    port = free_ports()
    flags = ("--workers", "2", "--port", str(port), "--admin-port", str(port + 1))
    with running(models.parent, log_of(folder), *flags) as up:
        tally = asyncio.run(swap_under_load(up, models, second, options.applicants))
    known = {b"1": set(), b"2": set()}  # type: ignore[var-annotated]
    for answer in tally.answers:
        known[answer["model"]["version"].encode()].add(
            (answer["model"]["sha256"], answer["threshold"])
        )
    print(f"swaps: {SWAPS} swaps and {RESTARTS} rolling restarts, {dict(tally.statuses)}, "
          f"failed {len(tally.failed)}, refused connections {tally.refused_connections}, "
          f"(hash, threshold) by version {[len(each) for each in known.values()]}")  # fmt: skip
    assert not tally.failed
    assert set(tally.statuses) == {200}
    assert all(len(each) == 1 for each in known.values())


async def swap_under_load(
    up: Running, models: Path, second: Path, applicants: list[bytes]
) -> Tally:
    """Post without pause while the second version comes and goes and workers are replaced."""
    done = asyncio.Event()
    load = Load(up.port, applicants, clients=8, keep_answers=True, stop=done.is_set)
    posting = asyncio.create_task(load.run())
    admin = f"http://127.0.0.1:{up.port + 1}"
    async with httpx.AsyncClient(timeout=60) as client:
        for i in range(SWAPS):
            (models / "2").unlink() if i % 2 else (models / "2").symlink_to(second.resolve())
            (await client.post(f"{admin}/models/reload")).raise_for_status()
        for _ in range(RESTARTS):
            (await client.post(f"{admin}/workers/restart")).raise_for_status()
    done.set()
    return await posting


def terms(options: argparse.Namespace, folder: Path) -> None:
    """Terminate under load, again and again; every answer must be in the log, no request lost."""
    answered = failed = 0
    for i in range(TERMS):
        log = folder / f"log{i}"
        log.mkdir()
        with running(options.models[0], log, "--workers", "2") as up:
            load = Load(up.port, options.applicants, clients=8, keep_answers=True)
            tally = asyncio.run(terminated(up, load, 0.5 + i / TERMS))
            up.process.wait(timeout=30)
            recorded = {record["request_id"] for record in up.records()}
        answered += len(tally.answers)
        failed += len(tally.failed)
        assert {answer["request_id"] for answer in tally.answers} == recorded
    print(f"terms: {TERMS} SIGTERMs, {answered} answers, all recorded, failed {failed}")
    assert failed == 0


async def terminated(up: Running, load: Load, after: float) -> Tally:
    """Post, and terminate the server meanwhile."""
    posting = asyncio.create_task(load.run())
    await asyncio.sleep(after)
    up.process.terminate()
    return await posting


def offered(options: argparse.Namespace, folder: Path) -> None:
    """Offer batches at four times the rate one worker can answer them, round by round.

    Batches, so that this generator can; small enough to be read at once. Their latency is held to
    that of as many clients as the queue takes, which is what a full queue costs.
    """
    batches = [b"[" + b",".join(options.applicants[i : i + BATCH]) + b"]" for i in range(50)]
    with running(options.models[0], log_of(folder), "--max-in-flight", str(QUEUE)) as up:
        full, loaded = open_loop.run(up.port, batches, QUEUE, 4, ROUNDS, ROUND_SECONDS)
    shares = goodput([each.rate for each in full], [each.rate for each in loaded])
    statuses, told = Counter[int](), Counter[str]()
    for each in loaded:
        statuses, told = statuses + each.statuses, told + each.retry_after
    bound = BOUND * p99([seconds for each in full for seconds in each.seconds])
    worst = p99([seconds for each in loaded for seconds in each.seconds])
    late = p99([seconds for each in loaded for seconds in each.late])
    failed = [each for came in (*full, *loaded) for each in came.failed]
    low, middle, high = quantiles(shares, n=4)
    rates = [each.rate for each in full]
    print(f"offered: capacity {min(rates):.0f} to {max(rates):.0f} batches/s, four times that "
          f"offered; goodput {middle:.1%} of it (middle half of {len(shares)} steady rounds of "
          f"{ROUNDS} {low:.0%} to {high:.0%}), accepted p99 {worst * 1e3:.0f} ms of at most "
          f"{bound * 1e3:.0f} ms; {dict(statuses)}, Retry-After {dict(told)}, failed "
          f"{len(failed)}, generator late by p99 {late * 1e3:.0f} ms")  # fmt: skip
    assert not failed
    assert set(statuses) == {200, 503}
    assert set(told) == {"1"}
    assert middle >= GOODPUT
    assert worst <= bound


def goodput(capacities: Sequence[float], rates: Sequence[float]) -> list[float]:
    """Return the share of the capacity that each round's rate is, of the rounds that tell.

    A round's capacity is the mean of what was measured right before and right after it; where these
    two differ, the machine changed its speed meanwhile. Raises SystemExit where it mostly did.
    """
    shares = [
        2 * rate / (before + after)
        for (before, after), rate in zip(pairwise(capacities), rates, strict=True)
        if abs(before - after) <= STEADY * max(before, after)
    ]
    if len(shares) < LEAST_STEADY:
        raise SystemExit(f"the machine kept its speed in {len(shares)} of {len(rates)} rounds: "
                         f"that says nothing, wanted {LEAST_STEADY}")  # fmt: skip
    return shares


def overload(options: argparse.Namespace, folder: Path) -> None:
    """Offer four times the connections, round by round, between two measures of the capacity."""
    if shutil.which("wrk") is None:
        raise SystemExit("overload: wrk is absent (apt-get install wrk)")
    (folder / "bodies").write_bytes(b"\n".join(options.applicants))
    (folder / "score.lua").write_text(WRK)
    with running(options.models[0], log_of(folder), "--max-in-flight", str(CONNECTIONS)) as up:
        calm, loaded = [measure(up, folder, options.applicants, CONNECTIONS - 2)], []
        for _ in range(WRK_ROUNDS):
            loaded.append(measure(up, folder, options.applicants, CONNECTIONS * 4))
            calm.append(measure(up, folder, options.applicants, CONNECTIONS - 2))
    capacities = [(before[0] + after[0]) / 2 for before, after in pairwise(calm)]
    shares = [each[0] / capacity for each, capacity in zip(loaded, capacities, strict=True)]
    bound = BOUND * p99([seconds for _, tally in calm for seconds in tally.seconds])
    worst = p99([seconds for _, tally in loaded for seconds in tally.seconds])
    told = sum((tally.retry_after for _, tally in loaded), Counter[str]())
    print(f"overload: capacity {min(capacities):.0f} to {max(capacities):.0f}/s at "
          f"{CONNECTIONS - 2} connections; at {CONNECTIONS * 4}: goodput "
          f"{', '.join(f'{each:.0%}' for each in shares)} of it, accepted p99 {worst * 1e3:.1f} ms "
          f"of at most {bound * 1e3:.1f} ms; a probe's Retry-After {dict(told)}")  # fmt: skip
    assert not any(tally.failed for _, tally in loaded)
    assert median(shares) >= GOODPUT
    assert worst <= bound


def p99(seconds: Sequence[float]) -> float:
    """Return the 99th percentile."""
    return quantiles(seconds, n=100)[98]


def measure(
    up: Running, folder: Path, applicants: list[bytes], connections: int
) -> tuple[float, Tally]:
    """Return scores a second, by the server's own count, and the tally of a probing connection."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS + 1:.0f}s", "-s",
               str(folder / "score.lua"), up.url]  # fmt: skip
    name = 'credit_requests_total{endpoint="score",status="200"}'
    with subprocess.Popen(
        command, env=os.environ | {"BODIES": str(folder / "bodies")}, stdout=subprocess.DEVNULL
    ):
        time.sleep(0.5)
        before, began = metric(up, name), time.monotonic()
        end = began + SECONDS - 0.5
        tally = asyncio.run(
            Load(up.port, applicants, clients=2, stop=lambda: time.monotonic() > end).run()
        )
        return (metric(up, name) - before) / (time.monotonic() - began), tally


def free_ports() -> int:
    """Return a port that is free, as is the next; below those the kernel hands out.

    Drawn, so that tests that run at once do not all try the same.
    """
    draw = random.SystemRandom()
    for _ in range(1000):
        port = draw.randrange(20_000, 32_000)
        with socket.socket() as one, socket.socket() as two:
            try:
                one.bind(("127.0.0.1", port))
                two.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise SystemExit("no two free ports")


def main() -> None:
    """Run the forms that were asked for."""
    forms = {
        "swaps": swaps,
        "terms": terms,
        "offered": offered,
        "overload": overload,
        "mixed": mixed,
        "unfinished": unfinished,
        "loris": loris,
    }
    parser = argparse.ArgumentParser("python -m tests.long.server_long", description=__doc__)
    parser.add_argument("forms", nargs="*", metavar="FORM", help=", ".join(forms))
    parser.add_argument("--models", type=Path, nargs=2, required=True, help="two versions' bundles")
    parser.add_argument("--applicants", type=Path, required=True, help="right bodies, one a line")
    options = parser.parse_args()
    if unknown := set(options.forms) - set(forms):
        parser.error(f"wanted one of {', '.join(forms)}, got {', '.join(sorted(unknown))}")
    lines = options.applicants.read_bytes().splitlines()
    options.applicants = [json.dumps(json.loads(line)).encode() for line in lines]
    for name in options.forms or forms:
        with tempfile.TemporaryDirectory() as folder:
            forms[name](options, Path(folder))


if __name__ == "__main__":
    main()
