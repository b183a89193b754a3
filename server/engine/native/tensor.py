"""Tensors of numbers read into rows in C, see tensor.c."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...bundle.applicant import stand_in_of
from ...bundle.manifest import Category, Feature
from ...bundle.seen_range import exact_part, seen
from .layout import Buffer
from .powers import powers_of_five

if TYPE_CHECKING:
    from . import _kernel

Tensor: "type[_kernel.Tensor] | None"
try:
    from ._kernel import Tensor
except ImportError:  # not built, or built from older sources
    Tensor = None

# Arguments: kind and size of the values, whether they are JSON, the data, rows [N, F] to fill.
Read = Callable[[str, int, bool, Any, Buffer], bytes | None]


def reader(features: Sequence[Feature]) -> Read | None:
    """Return a function that reads tensors of these features; None if it is not built.

    The function returns a byte per row, 1 where a value is outside the range seen in training, or
    no byte if all are inside; None for a tensor of which not every value is plainly fine.
    """
    is_empty = any(isinstance(each, Category) and not each.codes for each in features)
    if Tensor is None or is_empty:
        return None
    return Tensor([rule(each) for each in features], powers_of_five()).read


def rule(feature: Feature) -> tuple[bool, bool, Buffer, float, float, float, bool]:
    """Return whether missing is allowed and a fraction is cut off, codes, replacement of missing,
    range, zeros as missing.
    """
    codes = np.array(sorted(feature.codes) if isinstance(feature, Category) else [], np.float64)
    is_cut = isinstance(feature, Category) and not feature.ordered
    low, high = exact_part(*seen(feature))
    return (
        feature.missing.allowed, is_cut, codes, stand_in_of(feature), low, high,
        feature.zero_as_missing,
    )  # fmt: skip
