"""The engine that walks the trees of model.onnx in C; see kernel.c."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..applicant import codes_of, stand_in_of
from ..bundle import Category, Feature
from ..engine import Floats
from ..seen_range import exact_part, seen
from .layout import lay_out
from .trees import NotNativeError, Trees

Kernel: "type[_kernel.Kernel] | None"
try:
    from . import _kernel

    Kernel = _kernel.Kernel
except ImportError:
    Kernel = None

NOT_BUILT = "the native engine is not built (python -m server.native.build)"


def is_built() -> bool:
    """Whether there is a kernel to load."""
    return Kernel is not None


class Native:
    """See engine.Engine."""

    name = "native"

    def __init__(self, trees: Trees, features: Sequence[Feature], outputs: int) -> None:
        """Raises NotNativeError for trees that it does not score."""
        if Kernel is None:
            raise NotNativeError(NOT_BUILT)
        if trees.outputs != outputs:
            raise NotNativeError(f"wanted {outputs} outputs, got {trees.outputs}")
        self.row: Floats = np.zeros(len(features))
        self.raw: Floats = np.zeros(outputs)
        laid = lay_out(trees, len(features))
        try:
            self._kernel = Kernel(
                features=len(features), outputs=outputs, slots=laid.slots,
                roots=trees.roots, targets=laid.targets, slot=laid.slot,
                threshold=laid.threshold, yes=trees.yes, no=trees.no, leaf=trees.leaf,
                categories=laid.categories, fillers=[filler(each) for each in features],
                row=self.row, raw=self.raw,
            )  # fmt: skip
        except (ValueError, OverflowError) as error:
            raise NotNativeError(str(error)) from error
        self.score = self._kernel.score
        self.score_row = self._kernel.score_row

    def score_block(self, rows: Floats) -> Floats:
        """See engine.Engine."""
        raw = np.empty((len(rows), len(self.raw)))
        self._kernel.score_block(np.ascontiguousarray(rows, np.float64), raw)
        return raw


def filler(feature: Feature) -> tuple[dict[Any, float | None] | None, float, float, float, bool]:
    """Return how the kernel fills a feature: codes, stand-in for missing, range, zeros missing."""
    codes = codes_of(feature) if isinstance(feature, Category) else None
    low, high = exact_part(*seen(feature))
    return codes, stand_in_of(feature), low, high, feature.zero_as_missing
