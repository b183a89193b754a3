"""The applicant: a Struct type generated from the manifest, and its conversion to the model's row.

Every feature is required. A missing key and null are different: nothing is guessed.
"""

import math
from collections.abc import Sequence
from struct import Struct
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from .manifest import Category, Feature, Manifest, Number

Floats = npt.NDArray[np.float64]

# LightGBM's kZeroThreshold, a float32 constant widened to float64.
ZERO = float(np.float32(1e-35))
# The largest integer up to which float64 holds all integers: JavaScript's MAX_SAFE_INTEGER.
EXACT = float(2**53 - 1)
NAN = math.nan


class UnfitError(Exception):
    """A value of the right type that the model must not see; faults.py says which and why."""


def struct_type(features: Sequence[Feature]) -> type[msgspec.Struct]:
    """Return a Struct with one required field per feature; unknown fields are refused."""
    names = {f"f{i}": feature.name for i, feature in enumerate(features)}
    fields = [(f"f{i}", field_type(feature)) for i, feature in enumerate(features)]
    return msgspec.defstruct(
        "Applicant", fields, rename=names, forbid_unknown_fields=True, gc=False
    )


def field_type(feature: Feature) -> Any:
    """Return the type of what a client may send for a feature."""
    plain: Any = value_type(feature)
    return plain | None if feature.missing.allowed else plain


def value_type(feature: Feature) -> Any:
    """Return the type of a feature's value; a numeric category accepts 2.0 for 2."""
    if isinstance(feature, Number):
        return float | bool if feature.boolean else float
    kinds = {float if type(value) is int else type(value) for value in feature.categories}
    union: Any = str if not kinds else kinds.pop()
    for kind in kinds:
        union |= kind
    return union


def may_be_rounded(feature: Feature) -> bool:
    """Whether a category may be an integer to which decoding rounded another number."""
    if not isinstance(feature, Category):
        return False
    return any(isinstance(each, int | float) and abs(each) > EXACT for each in feature.categories)


def codes_of(feature: Category) -> dict[Any, float | None]:
    """Return {value: code}; None stays None."""
    codes = dict(zip(feature.categories, feature.codes, strict=True))
    return {**codes, None: None}


class RowWriter:
    """Writes one applicant into one float64 row, which is reused.

    The common case is one `struct.pack_into`; missing values go through numpy.
    """

    def __init__(self, manifest: Manifest, row: Floats, unseen_is_missing: bool) -> None:
        features = manifest.features
        self._features = features
        self._unseen_is_missing = unseen_is_missing
        self._row = row
        self._buffer = memoryview(row.data).cast("B")
        self._pack = Struct(f"<{len(features)}d").pack_into
        self._categories = tuple(
            (i, codes_of(f)) for i, f in enumerate(features) if isinstance(f, Category)
        )
        self._stand_ins = stand_ins(features)
        self._zeros = np.array([i for i, f in enumerate(features) if f.zero_as_missing], dtype=int)

    def write(self, values: Sequence[Any]) -> tuple[str, ...]:
        """Fill the row from values in the manifest's order, None where missing.

        Returns `unseen:NAME` for each unseen category that is treated as missing; raises UnfitError
        if the settings do not allow that.
        """
        warnings: tuple[str, ...] = ()
        if self._categories:
            values, warnings = self._encode(values)
        if None in values:
            self._write_missing(values)
        else:
            self._pack(self._buffer, 0, *values)
        if self._zeros.size:
            flush_zeros(self._row, self._zeros)
        return warnings

    def _encode(self, values: Sequence[Any]) -> tuple[list[Any], tuple[str, ...]]:
        encoded = list(values)
        try:
            for i, codes in self._categories:
                encoded[i] = codes[encoded[i]]
        except KeyError as error:
            if not self._unseen_is_missing:
                raise UnfitError from error
            return self._encode_unseen(list(values))
        return encoded, ()

    def _encode_unseen(self, values: list[Any]) -> tuple[list[Any], tuple[str, ...]]:
        warnings = []
        for i, codes in self._categories:
            if values[i] not in codes:
                if not self._features[i].missing.allowed:
                    raise UnfitError
                warnings.append(f"unseen:{self._features[i].name}")
            values[i] = codes.get(values[i])
        return values, tuple(warnings)

    def _write_missing(self, values: Sequence[Any]) -> None:
        self._row[:] = values
        self._stand_in()

    def _stand_in(self) -> None:
        if self._stand_ins is not None:
            np.copyto(self._row, self._stand_ins, where=np.isnan(self._row))


def stand_ins(features: Sequence[Feature]) -> Floats | None:
    """Return the replacement of NaN for each feature; None if no feature has one."""
    values = np.array([stand_in_of(feature) for feature in features])
    return None if np.isnan(values).all() else values


def stand_in_of(feature: Feature) -> float:
    """Return the replacement of NaN in one feature; NaN if it has none."""
    if feature.missing.policy in {"zero", "impute"}:
        return feature.missing.value or 0.0
    return NAN


def flush_zeros(row: Floats, columns: Any) -> None:
    """Replace |x| <= ZERO by NaN in `columns` of a row or a block."""
    part = row[..., columns]
    part[np.abs(part) <= ZERO] = NAN
    row[..., columns] = part
