"""Fuzz the scoring handler, guided by the coverage of `server`, with atheris (make fuzz-guided).

Run in an environment that has requirements/fuzz.txt. What atheris finds interesting is kept in
OUT/corpus for the next run; an input that breaks a rule is written to OUT/crash-…, and given as an
argument after `--` it is run again, alone.
"""

import argparse
import importlib
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from tests.long.server_guided_inputs import inputs, mutated

SEEDS = 40
LONGEST = 8192
REPORTS = 10


def instrumented(atheris: Any) -> Any:
    """Import the harness, and with it `server`, with atheris looking at every branch."""
    with atheris.instrument_imports(include=["server"]):
        return importlib.import_module("tests.long.server_guided")


def seed(folder: Path, inputs: list[bytes]) -> None:
    """Write the inputs to begin with."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, data in enumerate(inputs):
        (folder / f"{i:04}").write_bytes(data)


def dictionary(path: Path, applicant: dict[str, Any]) -> None:
    """Write the words that atheris may put in."""
    names = [f'"{name}"' for name in applicant]
    words = [*names, "null", "true", "NaN", "-0.0", "1e400", "9007199254740993", "\\ud800"]
    texts = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in words)
    path.write_text("".join(f'"{text}"\n' for text in texts))


def mutator(atheris: Any) -> Callable[[bytes, int, int], bytes]:
    """Return how an input is changed: one member of what it decodes to, or its bytes."""

    def mutate(data: bytes, longest: int, number: int) -> bytes:
        draw = random.Random(number)
        made = mutated(draw, data) if draw.random() < 0.5 else None
        if made is None or len(made) > longest:
            changed: bytes = atheris.Mutate(data, longest)
            return changed
        return made

    return mutate


def sweep(log: Path) -> None:
    """Delete the closed segments of the log: a run writes gigabytes."""
    for segment in sorted(log.glob("*.jsonl"), key=lambda file: file.stat().st_mtime)[:-1]:
        segment.unlink()


def main() -> None:
    """Fuzz; the process ends in atheris, with 0 where no rule was broken."""
    parser = argparse.ArgumentParser("python -m tests.long.server_guided_fuzz", description=__doc__)
    parser.add_argument("--runs", type=int, default=300_000, help="inputs to run")
    parser.add_argument("--model", type=Path, required=True, help="a bundle")
    parser.add_argument("--applicants", type=Path, required=True, help="right bodies, one a line")
    parser.add_argument("--out", type=Path, default=Path("build/guided-fuzz"))
    parser.add_argument("more", nargs="*", help="arguments of libFuzzer's own, or inputs")
    options = parser.parse_args()
    out, log = options.out, options.out / "log"
    shutil.rmtree(log, ignore_errors=True)
    for folder in (log, out / "corpus"):
        folder.mkdir(parents=True, exist_ok=True)
    atheris = importlib.import_module("atheris")
    harness = instrumented(atheris)
    lines = options.applicants.read_text().splitlines()[:SEEDS]
    applicants = [msgspec.json.decode(line) for line in lines]
    seed(out / "seeds", list(inputs(applicants)))
    dictionary(out / "words", applicants[0])
    arguments = ["server_guided_fuzz", f"-runs={options.runs}", f"-max_len={LONGEST}", "-seed=1"]
    arguments += [f"-dict={out / 'words'}", f"-artifact_prefix={out}/", "-print_final_stats=1"]
    folders = [] if options.more else [str(out / "corpus"), str(out / "seeds")]
    with harness.opened(options.model, log) as held:

        def one(data: bytes) -> None:
            held.examine(data)
            count = sum(held.statuses.values())
            if count % max(options.runs // REPORTS, 1) == 0:
                sweep(log)
                print(count, dict(sorted(held.statuses.items())), flush=True)

        atheris.Setup(arguments + options.more + folders, one, custom_mutator=mutator(atheris))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
