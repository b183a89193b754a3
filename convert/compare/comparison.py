"""`python -m convert compare`: how far each exporter's predictions are from LightGBM's."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from ..errors import UnsupportedModelError
from ..model.bits import differs
from ..model.tree import Floats
from ..prove.adversarial import typical_rows
from ..prove.building import Built
from ..prove.verify import batches
from .exporters import EXPORTERS, Exported

# A prediction is off if it is further than this from LightGBM's; float32 rounding alone is less.
OFF = 1e-5
DRAWN_ROWS, TIMED_ROWS, PASSES = 5_000, 200, 5
ZEROS = 1 / 3


@dataclass(frozen=True)
class Distance:
    """How far one exporter's predictions are from LightGBM's, on one set of rows."""

    rows: int
    not_bit_equal: int
    off: int
    largest: float
    flips: int | None


@dataclass(frozen=True)
class Line:
    """One exporter's result on a model; `refused` says why there are no figures."""

    exporter: str
    real: Distance | None = None
    adversarial: Distance | None = None
    kilobytes: float = 0.0
    seconds: float = 0.0
    microseconds: float = 0.0
    refused: str = ""

    def as_dict(self) -> dict[str, object]:
        """Return JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Comparator:
    """Rows, LightGBM's predictions of them, and the threshold of decisions (None without one)."""

    X: Floats
    wanted: Floats
    threshold: float | None

    def distance(self, exported: Exported) -> Distance:
        """Compare an exporter's predictions with LightGBM's."""
        found = exported.predict(self.X)
        with np.errstate(all="ignore"):
            apart = np.abs(found - self.wanted)
            near = apart <= OFF * np.maximum(1.0, np.abs(self.wanted))
        same = found.view(np.int64) == self.wanted.view(np.int64)
        off = ~(near | same).all(axis=1)
        return Distance(
            rows=len(found),
            not_bit_equal=int(differs(found, self.wanted).sum()),
            off=int(off.sum()),
            largest=float(apart[np.isfinite(apart)].max(initial=0.0)),
            flips=self._flips(found),
        )

    def _flips(self, found: Floats) -> int | None:
        if self.threshold is None:
            return None
        refused = self.wanted[:, 0] >= self.threshold
        return int(((found[:, 0] >= self.threshold) != refused).sum())


def compare(built: Built, reference: Floats | None, threshold: float) -> list[Line]:
    """Run every exporter on realistic and on adversarial rows and compare each with LightGBM.

    Without `reference`, rows are drawn from the features' ranges in training, with a third of the
    values 0 where training treated 0 as missing.
    """
    real = _drawn(built) if reference is None else reference
    kinds = batches(built.subject, len(built.model.trees), None)
    odd = np.concatenate([rows for _, rows in kinds])
    decides = threshold if built.task == "binary" else None
    oracle = built.subject.oracle
    comparators = [Comparator(X, oracle.prediction(X), decides) for X in (real, odd)]
    return [_line(name, export, built, comparators) for name, export in EXPORTERS.items()]


def _drawn(built: Built) -> Floats:
    rows = typical_rows(built.features, DRAWN_ROWS)
    zero = np.array([feature.zero_as_missing for feature in built.features])
    picked = np.random.default_rng(1).random(rows.shape) < ZEROS
    return np.where(zero & picked, 0.0, rows)


def _line(
    name: str, export: Callable[[Built], Exported], built: Built, comparators: list[Comparator]
) -> Line:
    started = time.perf_counter()
    try:
        exported = export(built)
    except UnsupportedModelError as error:
        return Line(name, refused=str(error))
    seconds = time.perf_counter() - started
    return Line(
        exporter=name,
        real=comparators[0].distance(exported),
        adversarial=comparators[1].distance(exported),
        kilobytes=len(exported.content) / 1000,
        seconds=seconds,
        microseconds=_microseconds(exported, comparators[0].X),
    )


def _microseconds(exported: Exported, X: Floats) -> float:
    """Time the session on single, distinct rows; the fastest of several passes counts."""
    rows = [exported.prepare(X[i : i + 1]) for i in range(min(TIMED_ROWS, len(X)))]
    passes = []
    for _ in range(PASSES):
        started = time.perf_counter()
        for row in rows:
            exported.run(row)
        passes.append(time.perf_counter() - started)
    return min(passes) / len(rows) * 1e6


def render(lines: list[Line], threshold: float) -> str:
    """Return a Markdown table; `a / b` are realistic and adversarial rows."""
    head = [
        f"| exporter | rows, real / adversarial | off by more than {OFF:g} | largest difference "
        f"| decisions flipped at {threshold:g} | not bit-equal | kB | s to convert | us a row |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    return "\n".join([*head, *map(_row, lines)])


def _row(line: Line) -> str:
    if line.real is None or line.adversarial is None:
        return f"| {line.exporter} | {line.refused} | | | | | | | |"
    pairs = zip(asdict(line.real).values(), asdict(line.adversarial).values(), strict=True)
    rows, bits, off, largest, flips = (f"{_cell(a)} / {_cell(b)}" for a, b in pairs)
    return (
        f"| {line.exporter} | {rows} | {off} | {largest} | {flips} | {bits} "
        f"| {line.kilobytes:.0f} | {line.seconds:.2f} | {line.microseconds:.0f} |"
    )


def _cell(value: float | int | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2g}" if isinstance(value, float) else str(value)
