"""What the model knows about each feature: its type, categories and missing values."""

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..errors import OptionError, UnreadableModelError, UnsupportedModelError
from .category_lists import owners
from .evidence import Evidence
from .splits import Splits, splits_of
from .tree import ZERO, Floats, Missing, Model

Policy = Literal["trained", "unused", "error", "zero", "impute"]


@dataclass(frozen=True)
class MissingChoice:
    """What to do with a missing number if no split was trained on one: refuse it or use a value."""

    policy: Policy = "error"
    value: float | None = None

    @classmethod
    def parse(cls, text: str) -> "MissingChoice":
        """Parse `error`, `zero` or `impute=VALUE`; raises OptionError."""
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

    `ordered`: LightGBM compares the category's codes as numbers. `boolean`: the number was true or
    false in training. `seen` is the range in training.
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
        """True for a category, False for a number."""
        return self.categories is not None


# JSON has to escape these characters in a field's name, and the fast path compares names as sent.
UNFIT_NAME = re.compile(r'[\\"\x00-\x1f]')


def check_names(features: list[Feature]) -> None:
    """Raise UnsupportedModelError for a feature name that the server cannot take from a client."""
    unfit = [feature.name for feature in features if UNFIT_NAME.search(feature.name)]
    if unfit:
        raise UnsupportedModelError(
            f"feature {unfit[0]!r}: wanted a name without backslashes, quotes or control "
            "characters; rename the column and train again, or rename it in the model's text "
            "(feature_names=)"
        )


@dataclass(frozen=True)
class Known:
    """A category's values and their codes. `ordered`: LightGBM compares the codes as numbers."""

    values: list[Any]
    codes: list[float]
    ordered: bool = False


def features_of(
    model: Model, choice: MissingChoice, evidence: Evidence | None = None
) -> list[Feature]:
    """Describe every feature, in the model's order.

    Raises UnsupportedModelError if the splits disagree about a feature's type. With `evidence`,
    every list of pandas_categorical must be assigned to a column, or OptionError is raised; without
    it, an unassigned feature's categories are its codes.
    """
    splits = splits_of(model)
    owned = owners(model, evidence or Evidence())
    lists = (owned.settled() if evidence else owned).of
    categories = _categories(model, splits, lists)
    gain = _gain_shares(splits, len(model.feature_names))
    return [
        _feature(model, splits, index, float(gain[index]), categories.get(index), choice, evidence)
        for index in range(len(model.feature_names))
    ]


def _feature(
    model: Model,
    splits: Splits,
    index: int,
    importance: float,
    categories: Known | None,
    choice: MissingChoice,
    evidence: Evidence | None,
) -> Feature:
    name = model.feature_names[index]
    here = splits.feature == index
    kinds = set(splits.missing[here & ~splits.categorical].tolist())
    if Missing.ZERO in kinds and len(kinds) > 1:
        raise UnsupportedModelError(f"{name}: some splits treat 0 as missing, others do not")
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
        seen=_seen(model, splits, index) if categories is None else None,
        categories=categories.values if categories else None,
        codes=categories.codes if categories else None,
        ordered=categories is not None and categories.ordered,
        boolean=categories is None and _is_boolean(model, splits, index, evidence),
    )


def _policy(
    used: bool, trained: bool, category: bool, choice: MissingChoice
) -> tuple[Policy, float | None]:
    """Return the policy for missing values.

    A category cannot be imputed: unless trained, it is refused.
    """
    if not used:
        return "unused", None
    if trained:
        return "trained", None
    return ("error", None) if category else (choice.policy, choice.value)


def _gain_shares(splits: Splits, features: int) -> Floats:
    # LightGBM computes in float32, where the gains of very large labels are infinite.
    gains = np.minimum(np.nan_to_num(splits.gain), np.finfo(np.float32).max)
    totals = np.bincount(splits.feature, gains, features).astype(np.float64)
    return totals / totals.sum() if totals.sum() > 0 else totals


def _is_boolean(model: Model, splits: Splits, index: int, evidence: Evidence | None) -> bool:
    """Whether training saw only 0 and 1, and nothing contradicts true and false."""
    info = model.feature_infos[index] if model.feature_infos else "none"
    asked = splits.thresholds(index)
    if info != "[0:1]" or ((asked > ZERO * 2) & (np.abs(asked - 0.5) > ZERO)).any():
        return False
    name = model.feature_names[index]
    if evidence is not None and evidence.is_number_beyond(name):
        return False
    return bool(len(asked)) or (evidence is not None and evidence.is_boolean(name))


def _seen(model: Model, splits: Splits, index: int) -> tuple[float, float] | None:
    """Return the range in training, from `[least:greatest]` in the text, widened by the splits.

    After Booster.refit the text holds the range of the rows refitted on; a split outside it shows
    that training saw more.
    """
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
    asked = splits.finite_thresholds(index)
    asked = asked[np.abs(asked) > ZERO * 2].tolist()  # an edge of the bin of 0 is no value seen
    most = float(np.finfo(np.float64).max)  # training may have seen infinity; nobody can send it
    return max(min([seen[0], *asked]), -most), min(max([seen[1], *asked]), most)


def _categories(model: Model, splits: Splits, lists: dict[int, list[Any]]) -> dict[int, Known]:
    """Map the index of each category (also ordered ones) to its values and codes."""
    split_on = set(splits.feature[splits.categorical].tolist())
    infos = {i for i, info in enumerate(model.feature_infos) if info[0] not in "[n"}
    listed = model.parameters.get("categorical_feature", "").split(",")
    named = {int(word) for word in listed if word.strip().isdigit()}
    mixed = split_on & set(splits.feature[~splits.categorical].tolist())
    if mixed:
        name = model.feature_names[min(mixed)]
        raise UnsupportedModelError(f"{name}: used both as a number and as a category")
    nominal = split_on | infos
    known = {index: _from_infos(model, splits, index) for index in nominal - set(lists)}
    for index, values in lists.items():
        known[index] = _from_list(values, index not in nominal | named)
    return known


def _from_list(values: list[Any], ordered: bool) -> Known:
    """Pair a list's values with their codes, without infinite values, which JSON cannot hold."""
    codes = [float(code) for code, value in enumerate(values) if is_sent(value)]
    return Known([value for value in values if is_sent(value)], codes, ordered)


def is_sent(value: object) -> bool:
    """Whether a request can hold this category value."""
    return not isinstance(value, float) or bool(np.isfinite(value))


def _from_infos(model: Model, splits: Splits, index: int) -> Known:
    """Without pandas, categories are whole numbers: those in the text's infos and in the splits'
    sets.
    """
    info = model.feature_infos[index] if model.feature_infos else "none"
    try:
        found = {int(word) for word in info.split(":")} if info[0] not in "[n" else set()
    except ValueError as error:
        raise UnreadableModelError(f"feature_infos are damaged: {info[:60]!r}") from error
    whole = sorted(value for value in found | members_of(model, index) if value >= 0)
    return Known(list(whole), [float(value) for value in whole])


def members_of(model: Model, index: int) -> set[int]:
    """Return all categories in the sets that a feature's splits test."""
    found: set[int] = set()
    for tree in model.trees:
        for split in np.flatnonzero(tree.categorical & (tree.split_feature == index)).tolist():
            found |= set(tree.members(split).tolist())
    return found
