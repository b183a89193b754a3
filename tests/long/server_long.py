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
import gc
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from math import inf
from pathlib import Path
from statistics import median, quantiles

import httpx
import uvloop

from bench.load import generator, wrk
from bench.load.generator import Plan, Report, run_in
from bench.load.pool import Pool
from tests.conftest import Running, running
from tests.long.server_crowd import log_of, loris, mixed, unfinished
from tests.ports import free_ports
from tests.posting import answers, posts

SWAPS, RESTARTS, TERMS = 50, 10, 20
CONNECTIONS = 32
WRK_ROUNDS, SECONDS = 16, 2
ROUNDS, ROUND_SECONDS = 200, 0.25
# A round tells the goodput where the capacity right before and right after it is about the same.
STEADY, LEAST_STEADY = 0.1, 40
BATCH, QUEUE, TIMES = 50, 8, 4
CLIENTS, GRACE_SECONDS = 8, 20.0
KEEP = frozenset({200})
GOODPUT = 0.9
# Of what a full queue costs: the generator and the machine's other users have a part in it.
BOUND = 2.0


def swaps(options: argparse.Namespace, folder: Path) -> None:
    """Swap and restart under load; print what failed and that answers were one version's wholly."""
    models, (first, second) = folder / "models" / "m", options.models
    models.mkdir(parents=True)
    (models / "1").symlink_to(first.resolve())
    port = free_ports()
    flags = ("--workers", "2", "--port", str(port), "--admin-port", str(port + 1))
    with running(models.parent, log_of(folder), *flags) as up:
        report = asyncio.run(swap_under_load(up, models, second, options.applicants))
    known: dict[str, set[tuple[str, float]]] = {"1": set(), "2": set()}
    for answer in answers(report):
        known[answer["model"]["version"]].add((answer["model"]["sha256"], answer["threshold"]))
    print(f"swaps: {SWAPS} swaps and {RESTARTS} rolling restarts, {dict(report.statuses)}, "
          f"refused connections {report.refused_connections}, "
          f"(hash, threshold) by version {[len(each) for each in known.values()]}")  # fmt: skip
    assert set(report.statuses) == {200}
    assert report.unanswered == 0
    assert all(len(each) == 1 for each in known.values())


async def swap_under_load(
    up: Running, models: Path, second: Path, applicants: list[bytes]
) -> Report:
    """Post without pause while the second version comes and goes and workers are replaced."""
    done, plan = asyncio.Event(), Plan(up.port, CLIENTS, inf, grace=GRACE_SECONDS)
    posting = asyncio.create_task(generator.run(plan, posts(applicants), done, KEEP))
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
            report = asyncio.run(terminated(up, options.applicants, 0.5 + i / TERMS))
            up.process.wait(timeout=30)
            recorded = {record["request_id"] for record in up.records()}
        answered += report.answered
        failed += report.failed + report.unanswered
        assert {answer["request_id"] for answer in answers(report)} == recorded
    print(f"terms: {TERMS} SIGTERMs, {answered} answers, all recorded, failed {failed}")
    assert failed == 0


async def terminated(up: Running, applicants: list[bytes], after: float) -> Report:
    """Post, and terminate the server meanwhile."""
    plan = Plan(up.port, CLIENTS, inf, grace=GRACE_SECONDS)
    posting = asyncio.create_task(generator.run(plan, posts(applicants), keep=KEEP))
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
        full, loaded = turns(up.port, posts(batches))
    rates = [each.per_second for each in full]
    shares = goodput(rates, [each.per_second for each in loaded])
    statuses = sum((each.statuses for each in loaded), Counter[int]())
    told = sum((retry_after(each) for each in loaded), Counter[str]())
    bound = BOUND * p99_ms([each.accepted_us for each in full])
    worst = p99_ms([each.accepted_us for each in loaded])
    late = p99_ms([each.late_us for each in loaded])
    unanswered = sum(each.unanswered for each in (*full, *loaded))
    low, middle, high = quantiles(shares, n=4)
    print(f"offered: capacity {min(rates):.0f} to {max(rates):.0f} batches/s, four times that "
          f"offered; goodput {middle:.1%} of it (middle half of {len(shares)} steady rounds of "
          f"{ROUNDS} {low:.0%} to {high:.0%}), accepted p99 {worst:.0f} ms of at most "
          f"{bound:.0f} ms; {dict(statuses)}, Retry-After {dict(told)}, unanswered "
          f"{unanswered}, generator late by p99 {late:.0f} ms")  # fmt: skip
    assert not unanswered
    assert {status for each in full for status in each.statuses} == {200}
    assert set(statuses) == {200, 503}
    assert set(told) == {"1"}
    assert middle >= GOODPUT
    assert worst <= bound


def turns(port: int, requests: list[bytes]) -> tuple[list[Report], list[Report]]:
    """Offer four times what was taken right before, round by round; return both kinds of rounds.

    There is one more of those that keep the queue full: the last. The collector is off: a generator
    that stops leaves the server idle, and then offers at once what nobody could take.
    """
    gc.disable()
    try:
        return uvloop.run(in_turn(port, requests))
    finally:
        gc.enable()


async def in_turn(port: int, requests: list[bytes]) -> tuple[list[Report], list[Report]]:
    """Carry `turns` out on connections that are opened before: enough for all of a round."""
    full_queue = Plan(port, QUEUE, ROUND_SECONDS, grace=GRACE_SECONDS)
    async with Pool(port, requests, frozenset({503})) as pool:
        full, loaded = [await run_in(pool, full_queue)], list[Report]()
        for seed in range(ROUNDS):
            rate = TIMES * full[-1].per_second
            connections = QUEUE + int(1.5 * rate * ROUND_SECONDS)
            plan = Plan(port, connections, ROUND_SECONDS, rate, seed, GRACE_SECONDS)
            loaded.append(await run_in(pool, plan))
            full.append(await run_in(pool, full_queue))
    return full, loaded


def retry_after(report: Report) -> Counter[str]:
    """Return what the answers that were kept say of when to try again."""
    return Counter(each.fields.get(b"retry-after", b"none").decode() for each in report.kept)


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
    if not wrk.is_installed():
        raise SystemExit("overload: wrk is absent (apt-get install wrk)")
    requests = posts(options.applicants)
    with running(options.models[0], log_of(folder), "--max-in-flight", str(CONNECTIONS)) as up:
        calm, loaded = [measure(up, requests, CONNECTIONS - 2)], []
        for _ in range(WRK_ROUNDS):
            loaded.append(measure(up, requests, CONNECTIONS * 4))
            calm.append(measure(up, requests, CONNECTIONS - 2))
    capacities = [(before[0] + after[0]) / 2 for before, after in pairwise(calm)]
    shares = [each[0] / capacity for each, capacity in zip(loaded, capacities, strict=True)]
    bound = BOUND * p99_ms([report.accepted_us for _, report in calm])
    worst = p99_ms([report.accepted_us for _, report in loaded])
    told = sum((retry_after(report) for _, report in loaded), Counter[str]())
    print(f"overload: capacity {min(capacities):.0f} to {max(capacities):.0f}/s at "
          f"{CONNECTIONS - 2} connections; at {CONNECTIONS * 4}: goodput "
          f"{', '.join(f'{each:.0%}' for each in shares)} of it, accepted p99 {worst:.1f} ms "
          f"of at most {bound:.1f} ms; a probe's Retry-After {dict(told)}")  # fmt: skip
    assert {status for _, report in loaded for status in report.statuses} <= {200, 503}
    assert median(shares) >= GOODPUT
    assert worst <= bound


def p99_ms(rounds: Sequence[Sequence[float]]) -> float:
    """Return the 99th percentile of all rounds' microseconds, in milliseconds."""
    return quantiles([each for found in rounds for each in found], n=100)[98] / 1e3


def measure(up: Running, requests: list[bytes], connections: int) -> tuple[float, Report]:
    """Return good answers a second, and the report of two probing connections beside wrk's."""
    probe = Plan(up.port, 2, SECONDS, grace=GRACE_SECONDS)
    with ThreadPoolExecutor(1) as other:
        saturated = other.submit(wrk.saturate, up.port, requests, connections, SECONDS)
        report = asyncio.run(generator.run(probe, requests, keep=frozenset({503})))
        return saturated.result().per_second + report.per_second, report


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
