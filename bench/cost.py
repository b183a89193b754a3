"""The cost of a request by size of the model, of the applicant and of the batch.

Measured in process, through the server's `/score` callable with the record on; one size varies at a
time.
"""

import gc
from collections.abc import Sequence
from time import perf_counter_ns

import msgspec

from server.http import app

from . import stages
from .distribution import quantiles
from .progress import say
from .result import Row
from .workload import models
from .workload.applicants import Floats
from .workload.models import Size, Workload

TREES = (Size(20, 31), models.SMALL, models.MIDDLE, models.LARGE)
FEATURES = tuple(Size(100, 31, features) for features in (20, 120, 400, 900))
BATCHES = (1, 10, 100, 1000)
# Applicants in all at a batch size, between the least and the most requests that show a p50.
APPLICANTS, LEAST, MOST = 5000, 20, 2000
DISTINCT = 2000


class Scale(msgspec.Struct, frozen=True):
    """The models and batch sizes measured, and the applicants of each."""

    trees: Sequence[Size] = TREES
    features: Sequence[Size] = FEATURES
    batches: Sequence[int] = BATCHES
    batched: Size = models.MIDDLE
    applicants: int = APPLICANTS


def measure(scale: Scale) -> list[Row]:
    """Return a row for each size of model, number of features and batch size."""
    rows = [
        measured(axis, models.build(size), 1, scale.applicants)
        for axis, sizes in (("trees", scale.trees), ("features", scale.features))
        for size in sizes
    ]
    middle = models.build(scale.batched)
    return rows + [measured("batch", middle, each, scale.applicants) for each in scale.batches]


def measured(axis: str, workload: Workload, batch: int, applicants: int) -> Row:
    """Return one row: microseconds of the trees alone, of a request, and per applicant."""
    size = workload.size
    say(f"cost against {axis}: {size.name}, {batch} at once")
    count = min(MOST, max(LEAST, applicants // batch))
    X = workload.rows(DISTINCT)
    bodies = encode(workload.documents(X), batch, count)
    engine, requests = timed(workload, X, bodies)
    found = quantiles(requests, "us")
    return {
        "axis": axis, "model": size.name, "features": X.shape[1], "batch": batch,
        "trees": getattr(size, "trees", None), "leaves": getattr(size, "leaves", None),
        "body_kb": round(len(bodies[0]) / 1000, 2), "engine_us": quantiles(engine, "us")["p50_us"],
        **found, "applicant_us": round((found["p50_us"] or 0.0) / batch, 2),
    }  # fmt: skip


def encode(documents: Sequence[object], batch: int, count: int) -> list[bytes]:
    """Return `count` bodies of `batch` applicants each, an array where there are several."""
    total = len(documents)
    chosen = [[documents[(i * batch + j) % total] for j in range(batch)] for i in range(count)]
    return [msgspec.json.encode(each if batch > 1 else each[0]) for each in chosen]


def timed(
    workload: Workload, X: Floats, bodies: Sequence[bytes]
) -> tuple[list[float], list[float]]:
    """Return microseconds of the engine per row and of every request."""
    with stages.opened(workload) as services:
        model = services.catalog.default
        scores = app.scores(services)
        for body in bodies[: len(bodies) // 10 + 1]:
            stages.whole(scores, body)
        gc.collect()
        gc.freeze()
        requests = [stages.whole(scores, body) / 1e3 for body in bodies]
        engine = []
        for row in X:
            model.engine.row[:] = row
            began = perf_counter_ns()
            model.engine.score_row()
            engine.append((perf_counter_ns() - began) / 1e3)
        gc.unfreeze()
    return engine, requests
