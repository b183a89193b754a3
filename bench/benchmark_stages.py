"""The in-process stages of a request under pytest-benchmark, on the committed model.

example: python -m pytest bench/benchmark_stages.py --benchmark-only

`python -m bench --only stages` gives the budget that adds up. Use this for a closer look at one
stage, with pytest-benchmark's statistics, comparison and storage. Applicants take turns: none is
repeated before 2,000 others.
"""

from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import msgspec
import pytest

from server.http import app
from server.http.app import Scores
from server.scoring.codec import JSON
from server.scoring.outcome import Outcome

from . import stages
from .workload import models

DISTINCT = 2000
ID = "0" * 32
Parts = tuple["Stages", Scores, list[bytes]]


class Stages(stages.Staged):
    """The stages of the budget, one method each."""

    def decode(self, body: bytes) -> stages.Values | None:
        """Read an applicant's values, unless the engine does that itself."""
        return self._decode(body)

    def fill(self, values: stages.Values | None) -> bytes | None:
        """Fill the row, unless the engine does that itself."""
        return self._fill(values)

    def run(self, body: bytes) -> tuple[float, bytes]:
        """Score an applicant."""
        return self._run(body, self.fill(self.decode(body)))

    def transform(self, scored: tuple[float, bytes]) -> Outcome:
        """Decide on a raw score."""
        return self._transform(*scored)

    def record(self, said: Outcome, body: bytes) -> None:
        """Write the record."""
        self._record(ID, said, body)

    def encode(self, said: Outcome) -> bytes:
        """Encode the answer."""
        return JSON.encode(self._build(ID, said))


@pytest.fixture(scope="module")
def parts() -> Iterator[Parts]:
    """Yield the stages, the whole request and bodies of held-out applicants, with a
    temporary log.
    """
    workload = models.build(models.DEMO)
    bodies = [msgspec.json.encode(each) for each in workload.documents(workload.rows(DISTINCT))]
    with stages.opened(workload) as services:
        yield Stages(services), app.scores(services), bodies


def in_turn(work: Callable[[Any], object], values: list[Any]) -> Callable[[], object]:
    """Return a function that handles the next value on each call."""
    following = cycle(values).__next__
    return lambda: work(following())


def test_decode(parts: Parts, benchmark: Any) -> None:
    """JSON to typed values; nothing where the engine decodes."""
    staged, _, bodies = parts
    benchmark(in_turn(staged.decode, bodies))


def test_fill(parts: Parts, benchmark: Any) -> None:
    """Values to the engine's row, seen ranges checked; nothing where the engine fills it."""
    staged, _, bodies = parts
    benchmark(in_turn(staged.fill, [staged.decode(body) for body in bodies]))


def test_run(parts: Parts, benchmark: Any) -> None:
    """The trees, and whatever the engine does before them in the same call."""
    staged, _, bodies = parts
    benchmark(in_turn(staged.run, bodies))


def test_transform(parts: Parts, benchmark: Any) -> None:
    """A raw score to probability and decision."""
    staged, _, bodies = parts
    benchmark(in_turn(staged.transform, [staged.run(body) for body in bodies]))


def test_record(parts: Parts, benchmark: Any) -> None:
    """The record, built and written."""
    staged, _, bodies = parts
    said = [staged.transform(staged.run(body)) for body in bodies]
    pairs = list(zip(said, bodies, strict=True))
    benchmark(in_turn(lambda pair: staged.record(*pair), pairs))


def test_encode(parts: Parts, benchmark: Any) -> None:
    """The answer to JSON."""
    staged, _, bodies = parts
    said = [staged.transform(staged.run(body)) for body in bodies]
    benchmark(in_turn(staged.encode, said))


def test_whole_request(parts: Parts, benchmark: Any) -> None:
    """All of it: the server's callable."""
    _, scores, bodies = parts
    benchmark(in_turn(lambda body: stages.whole(scores, body), bodies))
