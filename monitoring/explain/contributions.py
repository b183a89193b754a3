"""What each feature contributes to the raw score of a recorded row, computed once more.

In the server's order of operations: bit for bit what it answered.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..bundle.manifest import BundleError, Manifest, content
from ..bundle.session import FAILURES, open_session
from .forest import Ensemble, Floats
from .quadrature import Quadrature
from .trees import NotNativeError, Trees, read_trees

COVERS, STEPS, MODEL = "covers.bin", "steps.onnx", "model.onnx"


class Contributions:
    """Explains rows of F features; for each of K raw scores F + 1 numbers, the expectation last."""

    def __init__(self, quadrature: Quadrature, taken: int, steps: Any = None) -> None:
        """`steps` make of a row the numbers that the trees take, `taken` of them."""
        self._quadrature, self._taken, self._steps = quadrature, taken, steps

    def of(self, rows: Floats) -> Floats:
        """Return [N, K, F + 1] for rows [N, F] as the model saw them. Raises BundleError."""
        try:
            taken = self._steps.run(None, {"X": rows})[0] if self._steps else rows
        except FAILURES as error:
            first = str(error).splitlines()[0]
            raise BundleError(f"{STEPS}: onnxruntime cannot run it: {first}") from error
        if taken.shape != (len(rows), self._taken):
            raise BundleError(f"wanted rows of {self._taken}, got {taken.shape}")
        return self._quadrature.contributions(taken)


def contributions_of(folder: Path, manifest: Manifest) -> Contributions | None:
    """Return what explains the rows of a bundle, None if it holds no counts. Raises BundleError."""
    if COVERS not in manifest.files:
        return None
    steps = None
    if STEPS in manifest.files:
        steps = open_session(folder / STEPS, content(folder, manifest, STEPS))
    columns = columns_of(manifest)
    try:
        trees = read_trees(content(folder, manifest, MODEL), behind_steps=steps is not None)
    except NotNativeError as error:
        raise BundleError(f"{folder / MODEL}: cannot be explained: {error}") from error
    counts = counts_of(content(folder, manifest, COVERS), trees, folder / COVERS)
    ensemble = Ensemble(trees, len(columns), manifest.outputs)
    width, divide_by = len(manifest.features), manifest.transform.divide_by
    quadrature = Quadrature(ensemble, counts, columns, width, divide_by)
    return Contributions(quadrature, len(columns), steps)


def columns_of(manifest: Manifest) -> Sequence[int]:
    """Return the feature of each number that the trees take. Raises BundleError."""
    width, told = len(manifest.features), manifest.contributions
    columns = range(width) if told is None or told.columns is None else told.columns
    if not all(0 <= column < width for column in columns):
        raise BundleError(f"manifest.json: contributions: wanted columns below {width}")
    return columns


def counts_of(covers: bytes, trees: Trees, path: Path) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Return the training rows in each leaf [L]. Raises BundleError."""
    wanted = len(trees.leaf)
    counts = np.frombuffer(covers[: len(covers) // 4 * 4], "<i4").astype(np.int64)
    if len(covers) != 4 * wanted or (counts < 1).any():
        raise BundleError(f"{path}: wanted {wanted} counts above 0")
    return counts
