"""The cost of the prediction record: one worker with the record on and off, in pairs.

  python -m bench.record_cost measure --model models/credit-express/1 \\
      --rows models/credit-express/held-out.parquet --out bench/results/record_cost.json
  python -m bench.record_cost render

Each mode is a server of its own. Each round measures all modes, in rotating order, and a mode is
compared with `off` of the same round. `off` answers without building or writing a record; the
server itself has no such setting.
"""

import json
import os
import platform
import statistics
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from server import run, settings
from server.bundle.tag import ModelTag
from server.http import services
from server.record import privacy
from server.record.line_writer import LineWriter
from server.record.recorder import Recorder, recorder

from . import marks
from .load import paired
from .load.body import json_of
from .load.paired import CONNECTIONS

RESULTS = Path(__file__).parent / "results" / "record_cost.json"
DOCUMENT = Path(__file__).parent.parent / "docs" / "record.md"
NAME = "record_cost"
MODES: dict[str, dict[str, str]] = {
    "off": {},
    "fsync never": {"log_fsync": "never"},
    "fsync interval, 0.1 s (default)": {"log_fsync": "interval"},
    "fsync always": {"log_fsync": "always"},
    "fsync interval, hash chain": {"log_fsync": "interval", "log_chain": "true"},
    "fsync interval, rows hashed": {"log_fsync": "interval", "log_features": "hashed"},
}


class NoLine(LineWriter):
    """Builds no line."""

    def write(self, *scored: Any) -> bytes:
        """Return nothing."""
        return b""

    def write_all(self, *scored: Any) -> bytes:
        """Return nothing."""
        return b""


class Off(Recorder):
    """Records nothing."""

    def writer(self, tag: ModelTag, kind: str = "score") -> LineWriter:
        """Return a writer that builds no line."""
        return NoLine(tag, kind, privacy.everything)

    def append(self, lines: bytes, count: int = 1) -> None:
        """Do nothing."""

    def flush(self, requests: int = 1) -> None:
        """Do nothing."""


def serve(model: str, port: int, folder: str, mode: str) -> None:
    """Run a server with one worker in this process."""
    if mode == "off":
        setattr(services, "recorder", lambda chosen: Off(recorder(chosen).journal))  # noqa: B010
    salt = Path(folder) / "salt"
    salt.write_bytes(bytes(32))
    given: dict[str, Any] = {"model": model, "port": port, "log_dir": f"{folder}/log"}
    given |= {"access_log": "0", "log_salt_file": str(salt)}
    run.run(settings.read({}, {**given, **MODES[mode]}))


def measure(model: Path, rows: Path, rounds: int, seconds: int) -> dict[str, Any]:
    """Return every figure of every round."""
    requests = json_of(rows)
    found = paired.compare(serve, model, dict.fromkeys(MODES, requests), rounds, seconds)
    return {"host": host(), "rounds": found, "seconds": seconds, "connections": CONNECTIONS,
            "features": len(json.loads((model / "manifest.json").read_text())["features"]),
            "body_bytes": statistics.mean(map(len, requests))}  # fmt: skip


def host() -> dict[str, str]:
    """Return what the figures depend on."""
    names = ("uvicorn", "onnxruntime", "msgspec")
    return {
        "cpus": str(psutil.cpu_count()),
        "machine": platform.machine(),
        "load average": f"{os.getloadavg()[0]:.1f}",
        "kernel": platform.release().partition("-")[0],
        "python": platform.python_version(),
        **{name: version(name) for name in names},
    }


def table(result: dict[str, Any]) -> str:
    """Return the results as markdown."""
    rounds = result["rounds"]
    lines = [
        "| record | processor time a request | above off, paired (median, and the middle half of"
        " rounds) | requests a second | against off, paired |",
        "|---|---|---|---|---|",
    ]
    for mode in MODES:
        speed = statistics.median(r[mode]["per_second"] for r in rounds)
        cpu = statistics.median(r[mode]["cpu_us"] for r in rounds)
        above, slower = ("", "") if mode == "off" else against_off(rounds, mode)
        lines.append(f"| {mode} | {cpu:.1f} µs | {above} | {speed:,.0f} | {slower} |")
    about = ", ".join(f"{key} {value}" for key, value in result["host"].items())
    return "\n".join([
        *lines, "",
        f"{len(rounds)} rounds of {result['seconds']:g} s a mode, one worker, "
        f"{result['connections']} connections on the same machine, {result['features']} features, "
        f"{result['body_bytes']:.0f} bytes a request, ext4; {about}.",
    ]) + "\n"  # fmt: skip


def against_off(rounds: list[dict[str, dict[str, float]]], mode: str) -> tuple[str, str]:
    """Return the added processor time and the relative rate against `off` of the same round."""
    above = [r[mode]["cpu_us"] - r["off"]["cpu_us"] for r in rounds]
    share = statistics.median(r[mode]["cpu_us"] / r["off"]["cpu_us"] - 1 for r in rounds)
    speed = [r[mode]["per_second"] / r["off"]["per_second"] - 1 for r in rounds]
    low, middle, high = statistics.quantiles(above, n=4)
    slow, usual, fast = statistics.quantiles(speed, n=4)
    return (
        f"{middle:+.1f} µs, {share:+.1%} ({low:+.1f} to {high:+.1f} µs)",
        f"{usual:+.1%} ({slow:+.1%} to {fast:+.1%})",
    )


def main() -> None:
    """Measure, or write the committed results into the document."""
    args = paired.arguments(NAME, __doc__, rounds=18, seconds=2, out=RESULTS)
    if args.verb == "measure":
        result = measure(args.model, args.rows, args.rounds, args.seconds)
        args.out.write_text(json.dumps(result, indent=1) + "\n")
    else:
        marks.fill(DOCUMENT, NAME, table(json.loads(RESULTS.read_text())))


if __name__ == "__main__":
    main()
