"""The engine that evaluates the trees of model.onnx in C; see kernel.c, block.c for
many rows, and decoder.c for bodies.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from ...bundle.applicant import EXACT, Floats, codes_of, stand_in_of
from ...bundle.manifest import Category, Feature
from ...bundle.seen_range import exact_part, seen
from .layout import Buffer, lay_out
from .powers import powers_of_five
from .trees import NotNativeError, Trees

Scored = tuple[bytes, list[float]]  # the row, and its raw scores
Field = tuple[bytes, bool, dict[bytes, float] | None, Buffer, bool]
Kernel: "type[_kernel.Kernel] | None"
Decoder: "type[_kernel.Decoder] | None"
Contributions: "type[_kernel.Contributions] | None"
try:
    from . import _kernel

    Kernel, Decoder, Contributions = _kernel.Kernel, _kernel.Decoder, _kernel.Contributions
except (ImportError, AttributeError):  # not built, or built from older sources
    Kernel = Decoder = Contributions = None

NOT_BUILT = f"the native engine is not built (python -m {__package__}.build)"
# How rows of a block are scored: as suits their number, one at a time like a single row, or side by
# side with registers that every processor has.
FASTEST, WALKED, PORTABLE = range(3)


def is_built() -> bool:
    """Whether the C code is built."""
    return Kernel is not None


class Native:
    """See engine.Engine."""

    name = "native"

    def __init__(
        self, trees: Trees, features: Sequence[Feature], outputs: int, covers: bytes | None = None
    ) -> None:
        """Raises NotNativeError for trees that it cannot score.

        `covers` are the numbers of training rows in the leaves, int32, needed for contributions. If
        there is not one for each leaf, it scores but cannot explain.
        """
        if trees.outputs != outputs:
            raise NotNativeError(f"wanted {outputs} outputs, got {trees.outputs}")
        self.row: Floats = np.zeros(len(features))
        self.raw: Floats = np.zeros(outputs)
        laid = lay_out(trees, len(features))
        counted = {}
        if covers is not None and len(covers) == 4 * len(trees.leaf):
            counted["counts"] = np.frombuffer(covers, "<i4").astype(np.int32)
        self._kernel = kernel(
            features, outputs=outputs, slots=laid.slots, roots=trees.roots, targets=laid.targets,
            slot=laid.slot, threshold=laid.threshold, yes=trees.yes, no=trees.no, leaf=trees.leaf,
            categories=laid.categories, row=self.row, raw=self.raw, **counted,
        )  # fmt: skip
        self.score = self._kernel.score
        json = decoder(self._kernel, features, msgspec.json.encode, is_json=True)
        msgpack = decoder(self._kernel, features, msgspec.msgpack.encode, is_json=False)
        self.score_json, self.block_json = json.score, json.block
        self.bodies_json, self.bodies_msgpack = json.bodies, msgpack.bodies
        self.score_msgpack, self.block_msgpack = msgpack.score, msgpack.block
        self.score_row = self._kernel.score_row

    def score_block(self, rows: Floats, way: int = FASTEST) -> Floats:
        """See engine.Engine. Each `way`, one of the three above, gives the same bits.

        Rows are taken as they lie in memory, row after row or column after column.
        """
        raw = np.empty((len(rows), len(self.raw)))
        if rows.flags.f_contiguous:
            self._kernel.score_columns(np.ascontiguousarray(rows.T, np.float64), raw, way)
        else:
            self._kernel.score_block(np.ascontiguousarray(rows, np.float64), raw, way)
        return raw

    def explainer(
        self, columns: Sequence[int], width: int, divide_by: float, lanes: int = 8
    ) -> "_kernel.Contributions":
        """Return an explainer for rows of the same features; raises NotNativeError.

        `columns` maps features to the `width` columns of the result. Contributions are divided like
        the raw score before the transform. At most so many `lanes`, numbers in a register, are
        used as the processor has: 2, 4 (AVX2) or 8 (AVX-512); the bits are the same.
        """
        try:
            return _kernel.Contributions(
                self._kernel, width, np.array(columns, np.int64), divide_by, lanes
            )
        except (ValueError, OverflowError) as error:
            raise NotNativeError(str(error)) from error


def kernel(features: Sequence[Feature], **arrays: Any) -> "_kernel.Kernel":
    """Return a kernel that fills these features; raises NotNativeError if it cannot."""
    if Kernel is None:
        raise NotNativeError(NOT_BUILT)
    fillers = [filler(each) for each in features]
    try:
        return Kernel(features=len(features), fillers=fillers, **arrays)
    except (ValueError, OverflowError) as error:
        raise NotNativeError(str(error)) from error


def filler(feature: Feature) -> tuple[dict[Any, float | None] | None, float, float, float, bool]:
    """Return how the kernel fills a feature: codes, replacement of missing, range, zeros as
    missing.
    """
    codes = codes_of(feature) if isinstance(feature, Category) else None
    low, high = exact_part(*seen(feature))
    return codes, stand_in_of(feature), low, high, feature.zero_as_missing


def decoder(
    kernel: Any, features: Sequence[Feature], encode: Callable[[Any], bytes], *, is_json: bool
) -> "_kernel.Decoder":
    """Return a decoder of bodies into the kernel's row, or into a block, in the format of
    `encode`.
    """
    fields = [field(each, encode) for each in features]
    return _kernel.Decoder(kernel, is_json, fields, powers_of_five())


def field(feature: Feature, encode: Callable[[Any], bytes]) -> Field:
    """Return how a body holds a feature.

    That is: its name, whether null is allowed, codes of texts, numbers [2, N], whether booleans
    are.
    """
    name, allowed = encode(feature.name), feature.missing.allowed
    if not isinstance(feature, Category):
        return name, allowed, None, np.zeros((2, 0)), feature.boolean
    codes = {key: code for key, code in codes_of(feature).items() if code is not None}
    texts = {encode(key): code for key, code in codes.items() if isinstance(key, str)}
    numbers = sorted((key, code) for key, code in codes.items() if is_exact_number(key))
    pairs = np.array(numbers, np.float64).reshape(-1, 2)
    return name, allowed, texts, pairs.T.copy(), False


def is_exact_number(key: Any) -> bool:
    """Whether a category is a number to which no other number is rounded; true is not a number."""
    return type(key) in {int, float} and abs(key) <= EXACT
