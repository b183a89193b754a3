"""One input per feature, as pandas codecs send a table: any order, [N] or [N, 1]."""

import math
from collections.abc import Sequence
from typing import Any, cast

import msgspec
import numpy as np

from ..bundle.applicant import EXACT, NAN, Floats
from ..bundle.manifest import Category, Feature
from ..scoring.lenient import shorten, show
from . import tensors, texts
from .wire import Input, OipError

# MLServer's content types under which a text stands for itself.
PLAIN = {None, "str", "np", "pd"}


class Columns:
    """Reads the inputs of one model's features."""

    def __init__(self, features: Sequence[Feature], most_rows: int) -> None:
        self._features = features
        self._known = {feature.name for feature in features}
        self._codes = {each.name: codes_of(each) for each in features if isinstance(each, Category)}
        self._uncertain = {name for name, codes in self._codes.items() if mistakable(codes)}
        self._most_rows = most_rows

    def metadata(self) -> list[dict[str, Any]]:
        """Return name, datatype and shape of each input."""
        return [
            {"name": each.name, "datatype": "BYTES" if each.name in self._codes else "FP64",
             "shape": [-1]}
            for each in self._features
        ]  # fmt: skip

    def read(self, inputs: Sequence[Input], binary: bytes) -> tuple[Floats, memoryview]:
        """Return [N, F] in the model's order, and the binary data after the last input.

        Raises OipError 400 for inputs that are not the features, each once, and for an invalid
        shape, type or value; 413 for too many rows.
        """
        self._check_names([tensor.name for tensor in inputs])
        count, rest = self._count(inputs), memoryview(binary)
        found = {}
        for tensor in inputs:
            found[tensor.name], rest = self._column(tensor, count, rest)
        return np.column_stack([found[feature.name] for feature in self._features]), rest

    def _check_names(self, names: list[str]) -> None:
        wanted = "inputs: wanted one, named X, or one for each feature"
        if not self._known.intersection(names):
            raise OipError(400, wanted)
        seen: set[str] = set()
        for name in names:
            if name not in self._known or name in seen:
                fault = "twice" if name in seen else "which is no feature"
                raise OipError(400, f"{wanted}; got {shorten(name)}, {fault}")
            seen.add(name)
        if absent := [each.name for each in self._features if each.name not in seen]:
            raise OipError(400, f"{wanted}; {len(absent)} absent, first {shorten(absent[0])}")

    def _count(self, inputs: Sequence[Input]) -> int:
        """Return the number of rows, which all inputs share."""
        first = inputs[0].shape
        if first and first[0] > self._most_rows:
            raise OipError(413, f"rows: wanted at most {self._most_rows}")
        count = first[0] if first and first[0] > 0 else -1
        for tensor in inputs:
            if tensor.shape not in {(count,), (count, 1)} or count < 1:
                wanted, got = max(count, -1), shorten(str(list(tensor.shape)))
                raise OipError(
                    400, f"{tensor.name}: wanted shape [{wanted}] or [{wanted}, 1], got {got}"
                )
        return count

    def _column(self, tensor: Input, count: int, binary: memoryview) -> tuple[Floats, memoryview]:
        codes = self._codes.get(tensor.name)
        if codes is not None and tensor.datatype == "BYTES":
            kind = tensor.parameters.get("content_type")
            if not isinstance(kind, str | None) or kind not in PLAIN:
                raise OipError(400, f"{tensor.name}: content_type: wanted str, got {show(kind)}")
            values, binary = texts.read(tensor, binary, count)
            return coded(tensor.name, values, codes), binary
        if tensor.name in self._uncertain:
            raise OipError(400, f"{tensor.name}: wanted datatype BYTES, its categories by name: a "
                           "number may stand for a category or for a code")  # fmt: skip
        upright = msgspec.structs.replace(tensor, shape=(count, 1))
        return tensors.read(upright, binary, 1)


def codes_of(feature: Category) -> dict[str, float]:
    """Return {name: code}; names that could be of two categories are left out."""
    found: dict[str, set[float]] = {}
    for category, code in zip(feature.categories, feature.codes, strict=True):
        for name in names_of(category):
            found.setdefault(name, set()).add(code)
    return {name: codes.pop() for name, codes in found.items() if len(codes) == 1}


def names_of(category: str | float | bool) -> set[str]:
    """Return the texts that name a category: 2 is "2" and "2.0", true is "true" and "True"."""
    if isinstance(category, str):
        return {category}
    if isinstance(category, bool):
        return {str(category), str(category).lower()}
    if abs(category) > EXACT or category != int(category):
        return {str(category)}
    return {str(int(category)), str(float(category))}


def mistakable(codes: dict[str, float]) -> bool:
    """Whether a category's name is a number that is not its code."""
    return any(number_of(name) not in {None, code} for name, code in codes.items())


def number_of(name: str) -> float | None:
    """Return the finite number that a text is, None if it is none."""
    try:
        value = float(name)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def coded(name: str, values: list[str | None], codes: dict[str, float]) -> Floats:
    """Return the code of each category, NaN where missing; raises OipError 400."""
    known = cast(dict[str | None, float], codes) | {None: NAN}
    for row, value in enumerate(values):
        if value not in known:
            raise OipError(400, f"row {row}: {name}: not a category: {show(value)}")
    return np.array([known[value] for value in values]).reshape(-1, 1)
