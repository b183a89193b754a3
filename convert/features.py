"""What the model knows of each feature: its kind, its categories, and what a missing value does."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .errors import OptionError, UnreadableModelError, UnsupportedModelError
from .tree import Bools, Floats, Ints, Missing, Model

Policy = Literal["trained", "unused", "error", "zero", "impute"]


@dataclass(frozen=True)
class MissingChoice:
    """What stands in for a missing number no split was trained on: refuse, or a value."""

    policy: Policy = "error"
    value: float | None = None

    @classmethod
    def parse(cls, text: str) -> "MissingChoice":
        """Read `error`, `zero` or `impute=VALUE`; raises OptionError for anything else."""
        name, _, value = text.partition("=")
        if text == "error":
            return cls()
        if text == "zero":
            return cls("zero", 0.0)
        try:
            number = float(value) if name == "impute" else np.nan
        except ValueError:
            number = np.nan
        if not np.isfinite(number):
            raise OptionError(f"--missing wants error, zero or impute=NUMBER, got {text!r}")
        return cls("impute", number)


@dataclass(frozen=True)
class Feature:
    """One input of the model. `categories` and `codes` are None for numbers.

    The codes of an `ordered` category are numbers to LightGBM; a `boolean` number was true or false
    in training.
    """

    name: str
    used: bool
    importance: float
    zero_as_missing: bool
    missing_trained: bool
    policy: Policy
    missing_value: float | None
    seen: tuple[float, float] | None
    categories: list[Any] | None = None
    codes: list[float] | None = None
    ordered: bool = False
    boolean: bool = False

    @property
    def is_category(self) -> bool:
        """True when values are categories, False for numbers."""
        return self.categories is not None


@dataclass(frozen=True)
class Splits:
    """All splits of the model, flat: feature, gain, missing kind, categorical or not."""

    feature: Ints
    gain: Floats
    missing: Ints
    categorical: Bools


def splits_of(model: Model) -> Splits:
    """Gather the splits of every tree."""
    trees = model.trees
    return Splits(
        np.concatenate([tree.split_feature for tree in trees]),
        np.concatenate([tree.split_gain for tree in trees]),
        np.concatenate([tree.missing for tree in trees]),
        np.concatenate([tree.categorical for tree in trees]),
    )


def features_of(model: Model, choice: MissingChoice) -> list[Feature]:
    """Describe every input in the model's order.

    Raises UnsupportedModelError where a feature's splits disagree on what it is.
    """
    splits = splits_of(model)
    categories = _categories(model, splits)
    gain = _gain_shares(splits, len(model.feature_names))
    return [
        _feature(model, splits, index, float(gain[index]), categories.get(index), choice)
        for index in range(len(model.feature_names))
    ]


def _feature(
    model: Model,
    splits: Splits,
    index: int,
    importance: float,
    categories: tuple[list[Any], list[float]] | None,
    choice: MissingChoice,
) -> Feature:
    name = model.feature_names[index]
    here = splits.feature == index
    kinds = set(splits.missing[here & ~splits.categorical].tolist())
    if Missing.ZERO in kinds and len(kinds) > 1:
        raise UnsupportedModelError(f"{name}: some splits take 0 for missing, some do not")
    trained = here.any() and not (splits.missing[here] == Missing.NONE).any()
    policy, value = _policy(bool(here.any()), bool(trained), categories is not None, choice)
    return Feature(
        name=name,
        used=bool(here.any()),
        importance=importance,
        zero_as_missing=Missing.ZERO in kinds,
        missing_trained=bool(trained),
        policy=policy,
        missing_value=value,
        seen=_seen(model, index) if categories is None else None,
        categories=categories[0] if categories else None,
        codes=categories[1] if categories else None,
    )


def _policy(
    used: bool, trained: bool, category: bool, choice: MissingChoice
) -> tuple[Policy, float | None]:
    """A category has no number to stand in: missing stays an error unless it was trained."""
    if not used:
        return "unused", None
    if trained:
        return "trained", None
    return ("error", None) if category else (choice.policy, choice.value)


def _gain_shares(splits: Splits, features: int) -> Floats:
    totals = np.bincount(splits.feature, splits.gain, features).astype(np.float64)
    return totals / totals.sum() if totals.sum() > 0 else totals


def _seen(model: Model, index: int) -> tuple[float, float] | None:
    """The range of the training rows, from `[least:greatest]`."""
    info = model.feature_infos[index] if model.feature_infos else "none"
    if not info.startswith("["):
        return None
    least, _, greatest = info[1:-1].partition(":")
    try:
        seen = float(least), float(greatest)
    except ValueError:
        seen = np.nan, np.nan
    if not seen[0] <= seen[1]:
        raise UnreadableModelError(f"feature_infos are damaged: {info[:60]!r}")
    return seen


def _categories(model: Model, splits: Splits) -> dict[int, tuple[list[Any], list[float]]]:
    """Map the index of each categorical feature to its categories and their codes."""
    split_on = set(splits.feature[splits.categorical].tolist())
    infos = {i for i, info in enumerate(model.feature_infos) if info[0] not in "[n"}
    listed = model.parameters.get("categorical_feature", "").split(",")
    named = {int(word) for word in listed if word.strip().isdigit()}
    mixed = split_on & set(splits.feature[~splits.categorical].tolist())
    if mixed:
        raise UnsupportedModelError(f"{model.feature_names[min(mixed)]}: number and category both")
    if model.pandas_categorical:
        return _from_pandas(model, [named, split_on | infos])
    return {index: _from_infos(model, splits, index) for index in sorted(split_on | infos)}


def _from_pandas(
    model: Model, candidates: list[set[int]]
) -> dict[int, tuple[list[Any], list[float]]]:
    lists: list[list[Any]] = [list(each) for each in model.pandas_categorical or []]
    for columns in candidates:
        if len(columns) == len(lists):
            codes = [[float(code) for code in range(len(values))] for values in lists]
            return dict(zip(sorted(columns), zip(lists, codes, strict=True), strict=True))
    raise UnsupportedModelError(
        f"pandas_categorical lists {len(lists)} columns, the model has "
        f"{' or '.join(str(len(columns)) for columns in candidates)} categorical features"
    )


def _from_infos(model: Model, splits: Splits, index: int) -> tuple[list[Any], list[float]]:
    """Without pandas the categories are whole numbers: those trained on and those in any set."""
    info = model.feature_infos[index] if model.feature_infos else "none"
    try:
        found = {int(word) for word in info.split(":")} if info[0] not in "[n" else set()
    except ValueError as error:
        raise UnreadableModelError(f"feature_infos are damaged: {info[:60]!r}") from error
    for tree in model.trees:
        for split in np.flatnonzero(tree.categorical & (tree.split_feature == index)).tolist():
            found |= set(tree.members(split).tolist())
    whole = sorted(value for value in found if value >= 0)
    return list(whole), [float(value) for value in whole]
