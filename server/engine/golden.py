"""Golden rows: prove at every start that this machine scores as LightGBM did, bit for bit."""

from array import array
from pathlib import Path

import msgspec
import numpy as np

from ..bundle.applicant import Floats
from ..bundle.manifest import BundleError, Manifest
from ..bundle.reading import decoded
from ..bundle.transform import Vector
from .engine import Engine

NAME = "golden.json"
MOST_ROWS = 10_000  # each is scored several times at every start


class GoldenRow(msgspec.Struct, frozen=True):
    """A row as the model sees it (None for NaN), its raw scores and its predictions.

    If the bundle has contributions, some rows hold them: for each raw score one per feature, then
    the expectation.
    """

    row: tuple[float | None, ...]
    raw: tuple[float, ...]
    prediction: tuple[float, ...]
    contributions: tuple[tuple[float, ...], ...] | None = None


class Golden(msgspec.Struct, frozen=True):
    """`golden.json`."""

    rows: tuple[GoldenRow, ...]

    def matrix(self) -> Floats:
        """Return the rows as float64 [N, F]."""
        return np.array([golden.row for golden in self.rows], dtype=np.float64)


def read(content: bytes, manifest: Manifest, file: Path) -> Golden:
    """Read the golden rows from the content of `file`; raises BundleError."""
    golden = decoded(content, Golden, file)
    if not 0 < len(golden.rows) <= MOST_ROWS:
        raise BundleError(f"{file}: wanted 1 to {MOST_ROWS} rows, got {len(golden.rows)}")
    width, outputs = len(manifest.features), manifest.outputs
    for i, each in enumerate(golden.rows):
        found = (len(each.row), len(each.raw), len(each.prediction))
        if found != (width, outputs, outputs):
            raise BundleError(
                f"{file}: row {i}: wanted {width} values, {outputs} raw scores and as many "
                f"predictions, got {found[0]}, {found[1]} and {found[2]}"
            )
    return golden


def check(bundle: Path, golden: Golden, engine: Engine, transform: Vector) -> None:
    """Score every golden row, singly and as a block; raises BundleError at the first wrong bit."""
    matrix = golden.matrix()
    block = engine.score_block(matrix)
    for i, wanted in enumerate(golden.rows):
        engine.row[:] = matrix[i]
        engine.score_row()
        compare(bundle, i, "raw score", wanted.raw, engine.raw.tolist())
        compare(bundle, i, "raw score in a block", wanted.raw, block[i].tolist())
        compare(bundle, i, "prediction", wanted.prediction, transform(engine.raw.tolist()))


def compare(
    bundle: Path, index: int, what: str, wanted: tuple[float, ...], got: list[float]
) -> None:
    """Raise BundleError if the bits differ."""
    if array("d", wanted).tobytes() != array("d", got).tobytes():
        message = f"row {index}: wanted {what} {list(wanted)}, got {got}"
        raise BundleError(f"{bundle / NAME}: {message}")
