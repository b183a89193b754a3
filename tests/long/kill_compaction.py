"""Kill compactions at random moments: python -m tests.long.kill_compaction --rounds 50."""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from monitoring.log.batch import to_lines
from monitoring.log.segment import PATTERN
from monitoring.log.sources import batches
from tests.record_lines import BEGIN, DAY, line, record, segment


def contents(folder: Path) -> Counter[bytes]:
    return Counter(text for batch in batches([folder]) for text in to_lines(batch))


def kill_rounds(folder: Path, rounds: int, draw: random.Random) -> int:
    """Kill `rounds` compactions at work; after each the log must hold the same records, once.

    Return how many kills there were, those before or after the work included.
    """
    command = [sys.executable, "-m", "monitoring", "log", "compact", str(folder)]
    serial = hits = kills = 0
    begun = time.perf_counter()
    subprocess.run([*command[:-2], "ls", str(folder)], check=True, capture_output=True)
    start_up = time.perf_counter() - begun
    while hits < rounds:
        for _ in range(6):
            days = [line(record(serial * 400 + i, BEGIN + i % 5 * DAY)) for i in range(400)]
            segment(folder, days, host=f"host{serial}")
            serial += 1
        before = contents(folder)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(draw.uniform(0.7, 2.0) * start_up)
        if process.poll() is not None:  # the machine is faster than it was
            start_up *= 0.7
        process.kill()
        process.communicate()
        kills += 1
        hits += bool(list(folder.glob(PATTERN)))
        assert contents(folder) == before
        print(f"{kills} kills, {hits} of {rounds} at work", file=sys.stderr, flush=True)
    subprocess.run(command, check=True, capture_output=True)
    assert contents(folder) == before
    assert set(before.values()) == {1}
    return kills


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.long.kill_compaction", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=time.time_ns())
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kills = kill_rounds(Path(folder), args.rounds, random.Random(args.seed))
        records = sum(contents(Path(folder)).values())
    print(
        f"{kills} kills, {args.rounds} of them while segments were left to compact, seed "
        f"{args.seed}: {records:,} records, none lost, none twice"
    )


if __name__ == "__main__":
    main()
