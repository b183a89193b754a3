"""One input per feature, as pandas codecs send a table: any order, [N] or [N, 1]."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from ..bundle.applicant import EXACT, NAN, Floats
from ..bundle.manifest import Category, Feature
from ..scoring.lenient import shorten, show
from . import tensors, texts
from .wire import CONTENT_TYPE, Input, OipError, Parameters, Request

Unseen = dict[int, tuple[str, ...]]  # warnings by row
Meaning = Literal["values", "codes"] | None  # what numbers of a category are
# MLServer's content types under which a text stands for itself.
PLAIN = {None, "str", "np", "pd"}


class Columns:
    """Reads the inputs of one model's features."""

    def __init__(
        self, features: Sequence[Feature], most_rows: int, unseen_is_missing: bool = False
    ) -> None:
        self._features = features
        self._known = {feature.name for feature in features}
        categories = [each for each in features if isinstance(each, Category)]
        self._codes = {each.name: codes_of(each) for each in categories}
        self._values = {each.name: values_of(each) for each in categories}
        self._uncertain = {name for name, codes in self._codes.items() if mistakable(codes)}
        self._lenient = {
            each.name for each in categories if unseen_is_missing and each.missing.allowed
        }
        self._most_rows = most_rows

    def metadata(self) -> list[dict[str, Any]]:
        """Return name, datatype and shape of each input."""
        return [
            {"name": each.name, "datatype": "BYTES" if each.name in self._codes else "FP64",
             "shape": [-1]}
            for each in self._features
        ]  # fmt: skip

    def read(
        self, request: Request, binary: bytes | memoryview
    ) -> tuple[Floats, memoryview, Unseen]:
        """Return [N, F] in the model's order, the binary data after the last input, and warnings.

        Raises OipError 400 for inputs that are not the features, each once, and for an invalid
        shape, type or value; 413 for too many rows.
        """
        inputs, meaning = request.inputs, meaning_of(request.parameters)
        self._check_names([tensor.name for tensor in inputs])
        count, rest = self._count(inputs), memoryview(binary)
        found: dict[str, Floats] = {}
        unseen: dict[int, set[str]] = {}
        for tensor in inputs:
            found[tensor.name], rest = self._column(tensor, count, rest, meaning, unseen)
        rows = np.column_stack([found[feature.name] for feature in self._features])
        return rows, rest, {row: self._warnings(names) for row, names in unseen.items()}

    def _warnings(self, names: set[str]) -> tuple[str, ...]:
        return tuple(f"unseen:{each.name}" for each in self._features if each.name in names)

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

    def _column(
        self, tensor: Input, count: int, binary: memoryview, meaning: Meaning,
        unseen: dict[int, set[str]],
    ) -> tuple[Floats, memoryview]:  # fmt: skip
        name = tensor.name
        if name in self._codes and tensor.datatype == "BYTES":
            kind = tensor.parameters.get(CONTENT_TYPE)
            if not isinstance(kind, str | None) or kind not in PLAIN:
                raise OipError(400, f"{name}: content_type: wanted str, got {show(kind)}")
            names, binary = texts.read(tensor, binary, count)
            return self._coded(name, names, self._codes[name], unseen), binary
        meaning = meaning_of(tensor.parameters) or meaning
        if name in self._codes:
            self._check_meaning(name, meaning)
        upright = msgspec.structs.replace(tensor, shape=(count, 1))
        column, binary = tensors.read(upright, binary, 1)
        if name in self._codes and meaning == "values":
            numbers = [None if x != x else x for x in column.ravel().tolist()]
            column = self._coded(name, numbers, self._values[name], unseen)
        return column, binary

    def _check_meaning(self, name: str, meaning: Meaning) -> None:
        """Raise OipError 400 where numbers of a category could mean the wrong one."""
        if meaning == "values" and not self._values[name]:
            raise OipError(400, f"{name}: wanted datatype BYTES or codes: its categories are texts")
        if meaning is None and name in self._uncertain:
            raise OipError(400, f"{name}: wanted datatype BYTES, or the parameter categories: "
                           "values or codes; a number may be either")  # fmt: skip

    def _coded(
        self, name: str, values: Sequence[str | float | None],
        codes: Mapping[Any, float], unseen: dict[int, set[str]],
    ) -> Floats:  # fmt: skip
        """Return the code of each category, NaN where missing or unseen; raises OipError 400."""
        for row, value in enumerate(values):
            if value is None or value in codes:
                continue
            if name not in self._lenient:
                raise OipError(400, f"row {row}: {name}: not a category: {show(value)}")
            unseen.setdefault(row, set()).add(name)
        return np.array([codes.get(value, NAN) for value in values]).reshape(-1, 1)


def meaning_of(parameters: Parameters) -> Meaning:
    """Return what numbers of categories are; None if the client does not say.

    Raises OipError 400.
    """
    given = parameters.get("categories")
    if given not in ("values", "codes", None):
        raise OipError(400, f"parameter categories: wanted values or codes, got {show(given)}")
    meaning: Meaning = given
    return meaning


def values_of(feature: Category) -> dict[float, float]:
    """Return {category: code} of the categories that are numbers or booleans."""
    pairs = zip(feature.categories, feature.codes, strict=True)
    return {
        float(value): code
        for value, code in pairs
        if not isinstance(value, str) and abs(value) <= EXACT
    }


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
