"""Kill `server score` at random moments and go on: the folder is complete, nothing stands twice.

`python -m tests.long.kill_score --rounds 20`; the suite kills it four times.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep

import pyarrow as pa
import pyarrow.parquet as pq

from tests.conftest import ROOT, Trained, environment, make_bundle, small

PARTS = 24


def kill_and_resume(bundle: Path, trained: Trained, folder: Path, rounds: int, seed: int) -> None:
    """Kill it `rounds` times, then let it end; raises AssertionError where a row is not there once.

    A moment is drawn from the time that a whole run takes here, so kills fall everywhere: before
    the folder, within a part, between parts.
    """
    source, draw = folder / "in", random.Random(seed)
    source.mkdir()
    for part in range(PARTS):
        rows = trained.held_out.assign(key=range(part * 1000, part * 1000 + 1000))
        rows.to_parquet(source / f"{part:02}.parquet", index=False)
    began = monotonic()
    run(bundle, source, folder / "whole", None)
    took = monotonic() - began
    wanted = pq.read_table(folder / "whole").sort_by("key")
    assert wanted["key"].to_pylist() == list(range(PARTS * 1000))
    kept: set[str] = set()
    out = folder / "out"
    for _ in range(rounds):
        run(bundle, source, out, draw.uniform(0.3, 1.0) * took)
        parts = {each.name for each in out.glob("*.parquet")}
        assert kept <= parts, "a part that was there is gone"
        kept = parts
        if len(parts) == PARTS:
            for name in draw.sample(sorted(parts), PARTS // 2):
                (out / name).unlink()
            kept = {each.name for each in out.glob("*.parquet")}
    run(bundle, source, out, None)
    found: pa.Table = pq.read_table(out).sort_by("key")
    assert found.equals(wanted)


def run(bundle: Path, source: Path, out: Path, seconds: float | None) -> None:
    """Score on to the end, or kill it after so many seconds."""
    command = [sys.executable, "-m", "server", "score", "--resume", "--threads", "2"]
    with subprocess.Popen(
        [*command, "--model", str(bundle), str(source), "-o", str(out)], cwd=ROOT,
        env=environment(), stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        if seconds is not None:
            sleep(seconds)
            process.kill()
    assert process.returncode in ({0, -signal.SIGKILL} if seconds is not None else {0})


def main(arguments: Sequence[str]) -> None:
    """Make the model, kill, and say that nothing was lost."""
    parser = argparse.ArgumentParser("python -m tests.long.kill_score", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_bundle(small(), folder)
        bundle = folder / "models" / "small" / "1"
        kill_and_resume(bundle, small(), folder, chosen.rounds, chosen.seed)
    print(f"killed {chosen.rounds} times: every row stands once")


if __name__ == "__main__":
    main(sys.argv[1:])
