"""Time ways in one process: `python -m bench.contributions.child PEER TEXT BUNDLE ROWS.npy N`.

N rounds. Ways take turns of some rows each, all distinct; one that has used its time in a round is
left out of the rest of it. Answers on stdout with JSON: a row per way.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import process_time_ns
from typing import Any

import numpy as np

from ..ladder.timed import Floats
from .ways import PEERS, PRED_CONTRIB, SCORE, WIDE, Way, lightgbms, ours

ROUND_NS = 2_000_000_000  # of one way
TURN = 100  # rows
COMPARED = 20
Row = dict[str, Any]


def ways_of(peer: str, bundle: Path, text: Path) -> list[Way]:
    """Return ours, LightGBM's and those of a peer, if one is named."""
    found = [*ours(bundle, text), *lightgbms(bundle, text)]
    return [*found, *PEERS[peer][1](bundle, text)] if peer else found


def time_round(ways: Sequence[Way], rows: Floats) -> dict[str, list[float]]:
    """Return, per way, microseconds of processor time a row in each of its turns."""
    taken: dict[str, list[float]] = {way.name: [] for way in ways}
    spent = dict.fromkeys(taken, 0)
    for start in range(0, len(rows), TURN):
        turn = [row[None] for row in rows[start : start + TURN]]
        for way in ways:
            if spent[way.name] > ROUND_NS:
                continue
            began = process_time_ns()
            for row in turn:
                way.explain(row)
            took = process_time_ns() - began
            taken[way.name].append(took / len(turn) / 1e3)
            spent[way.name] += took
    return taken


def differences(ways: Sequence[Way], rows: Floats) -> dict[str, float]:
    """Return the largest difference from this server's contributions, if they are compared."""
    width = rows.shape[1]
    answers = {
        way.name: np.array([way.numbers(way.explain(row[None]))[:width] for row in rows])
        for way in ways
        if way.numbers
    }
    return {name: float(np.abs(found - answers[WIDE]).max()) for name, found in answers.items()}


def measure(peer: str, text: Path, bundle: Path, rows: Floats, rounds: int) -> list[Row]:
    """Return a row for each way: median time, and medians over rounds of ratios."""
    ways = ways_of(peer, bundle, text)
    apart = differences(ways, rows[:COMPARED])
    each = len(rows) // rounds
    found = [time_round(ways, rows[i * each : (i + 1) * each]) for i in range(rounds)]
    middles = [{name: median(taken) for name, taken in one.items()} for one in found]
    return [
        {
            "label": way.name,
            "cpu_us": median(one[way.name] for one in middles),
            "scores": median(one[way.name] / one[SCORE] for one in middles),
            "faster": median(one[PRED_CONTRIB] / one[way.name] for one in middles),
            "apart": apart.get(way.name),
            "samples": TURN * sum(len(one[way.name]) for one in found),
        }
        for way in ways
    ]


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    peer, text, bundle, rows, rounds = arguments
    found = measure(peer, Path(text), Path(bundle), np.load(rows), int(rounds))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
