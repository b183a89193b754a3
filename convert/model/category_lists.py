"""Find which feature each list in `pandas_categorical` belongs to.

The model's text gives the lists in column order, without the columns' names. LightGBM writes one
list for every column of dtype category. It treats the codes of an ordered column as numbers, and
writes no list for a column that was only named in `categorical_feature`. So a list is assigned to a
column only if no other assignment is possible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import OptionError, UnreadableModelError, UnsupportedModelError
from .evidence import Evidence
from .splits import Splits, splits_of
from .tree import ZERO, Floats, Model

SHOWN = 5
HALF_APART = 1e-9


@dataclass(frozen=True)
class Owners:
    """`of` maps a feature's index to its list; `open` says which lists could not be assigned."""

    of: dict[int, list[Any]]
    open: tuple[str, ...] = ()

    def settled(self) -> "Owners":
        """Return self; raise OptionError if a list could belong to several columns."""
        if self.open:
            raise OptionError("; ".join((*self.open, ASK)))
        return self


ASK = (
    "name the columns that were of dtype category with --categories COLUMN, or give --reference "
    "rows that hold them as in training"
)


def owners(model: Model, evidence: Evidence) -> Owners:
    """Assign every list to its column, or say between which columns it is undecided.

    Raises UnsupportedModelError if no columns fit the lists, and OptionError if `--categories`
    names something that is not a feature.
    """
    lists = [list(each) for each in model.pandas_categorical or []]
    if not lists and evidence.named:
        raise OptionError(f"--categories {evidence.named[0]}: the model lists no categories")
    if not lists:
        return Owners({})
    if unknown := [name for name in evidence.named if name not in model.feature_names]:
        raise OptionError(f"--categories {unknown[0]}: the model has no such feature")
    wide = [len(values) for values in lists]
    splits = splits_of(model)
    fits, needed = np.zeros((len(model.feature_names), len(lists)), bool), []
    for i, name in enumerate(model.feature_names):
        codes = _codes(model, splits, i, name in evidence.named)
        fits[i] = [_holds(codes, count) for count in wide]
        if fits[i].any() and name not in evidence.named:
            fits[i] &= evidence.fits(name, lists)
        may_own = name in evidence.named or bool(fits[i].any())
        needed.append(may_own and evidence.owns(name, lists, codes))
    possible = _possible(fits, needed)
    if not all(possible):
        raise UnsupportedModelError(_unfit(model, lists, evidence))
    sure = {each[0]: values for each, values in zip(possible, lists, strict=True) if len(each) == 1}
    return Owners(sure, tuple(_open(model, lists, possible)))


def _codes(model: Model, splits: Splits, index: int, named: bool) -> Floats | None:
    """Return some of a feature's codes in training (all, or the smallest and largest).

    None means that nothing is known. [NaN] means that the values are not codes. For a feature named
    by the user (`named`) the splits are not consulted.
    """
    info = model.feature_infos[index] if model.feature_infos else "none"
    if info == "none":
        return None
    try:
        found = np.array([float(word) for word in info.strip("[]").split(":")])
    except ValueError as error:
        raise UnreadableModelError(f"feature_infos are damaged: {info[:60]!r}") from error
    found = found[found >= 0] if info[0] != "[" else found
    whole = (found % 1 == 0).all() and (found >= 0).all()
    if not whole or not (named or _between_whole(splits.finite_thresholds(index))):
        return np.array([np.nan])
    return found


def _between_whole(thresholds: Floats) -> bool:
    """Whether thresholds lie halfway between whole numbers, where LightGBM puts them, or at 0."""
    halves = np.abs(thresholds * 2 - np.round(thresholds * 2)) < HALF_APART
    return bool((halves | (np.abs(thresholds) <= ZERO * 2)).all())


def _holds(codes: Floats | None, count: int) -> bool:
    return codes is None or bool((codes < count).all())


def _possible(fits: "np.ndarray[Any, np.dtype[np.bool_]]", needed: list[bool]) -> list[list[int]]:
    """For each list, return the columns that own it in some complete assignment, in order."""
    features, lists = fits.shape
    before = _ways(fits, needed)
    after = _ways(fits[::-1, ::-1], needed[::-1])[::-1, ::-1]
    return [
        [i for i in range(features) if fits[i, j] and before[i, j] and after[i + 1, j + 1]]
        for j in range(lists)
    ]


def _ways(
    fits: "np.ndarray[Any, np.dtype[np.bool_]]", needed: list[bool]
) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Return [i, j]: whether the first i columns can own exactly the first j lists."""
    features, lists = fits.shape
    ways = np.zeros((features + 1, lists + 1), bool)
    ways[0, 0] = True
    for i in range(features):
        if not needed[i]:
            ways[i + 1] |= ways[i]
        ways[i + 1, 1:] |= ways[i, :-1] & fits[i]
    return ways


def _open(model: Model, lists: list[list[Any]], possible: list[list[int]]) -> list[str]:
    return [
        f"the list {shown(values)} of pandas_categorical may belong to "
        f"{' or '.join(model.feature_names[i] for i in each[:SHOWN])}"
        for each, values in zip(possible, lists, strict=True)
        if len(each) > 1
    ]


def _unfit(model: Model, lists: list[list[Any]], evidence: Evidence) -> str:
    wanted = f"pandas_categorical lists the categories of {len(lists)} columns"
    named = f", --categories names {', '.join(evidence.named)}" if evidence.named else ""
    numbers = evidence.numbers_for_texts(model.feature_names, lists)
    hint = f"; {numbers[0]} holds numbers where a list holds texts: write texts" if numbers else ""
    return f"{wanted}{named}: no {len(lists)} features in this order hold such values{hint}"


def shown(values: Sequence[Any]) -> str:
    """Return the first categories of a list as text."""
    more = f" … ({len(values)})" if len(values) > SHOWN else ""
    return ", ".join(map(str, values[:SHOWN])) + more
