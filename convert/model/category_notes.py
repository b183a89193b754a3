"""Notes on a model's categories: which list belongs to which feature, and what is unknown."""

from typing import Any

import numpy as np

from .category_lists import Owners, owners, shown
from .evidence import Evidence
from .features import Feature, is_sent, members_of
from .splits import Splits, splits_of
from .tree import ZERO, Model


def category_notes(
    model: Model, features: list[Feature], evidence: Evidence | None = None
) -> list[str]:
    """Say which feature owns each list, and which ranges in the text are not those of training."""
    found = owners(model, evidence or Evidence())
    return [
        *(_has(features[index], values) for index, values in sorted(found.of.items())),
        *found.open,
        *_endless(model),
        *_beyond(model, found),
        *_refitted(model),
    ]


def _has(feature: Feature, values: list[Any]) -> str:
    ordered = ", ordered: LightGBM compares their codes" if feature.ordered else ""
    return f"{feature.name} has the categories {shown(values)}{ordered}"


def _endless(model: Model) -> list[str]:
    return [
        f"{value} in the list {shown(values)} of pandas_categorical cannot be sent in a request"
        for values in model.pandas_categorical or []
        for value in values
        if not is_sent(value)
    ]


def _beyond(model: Model, found: Owners) -> list[str]:
    """Note the features whose sets hold a code that their list does not have.

    LightGBM keeps the list of the table it saw last, in Booster.refit and behind init_model too, so
    the trees of another list stand beside it and are read by it.
    """
    asked = {index: max(members_of(model, index), default=-1) for index in sorted(found.of)}
    return [
        f"{model.feature_names[index]} has {len(found.of[index])} categories and a split asks for "
        f"number {code + 1}: that tree was trained with another list, as before Booster.refit or "
        "init_model on a table with other categories. LightGBM reads its codes by the new list, "
        "and so does the bundle: the scores may mean nothing, compare them with outcomes"
        for index, code in asked.items()
        if code >= len(found.of[index])
    ]


def _refitted(model: Model) -> list[str]:
    """Note features with a split outside the text's range, which is then not the training range."""
    splits = splits_of(model)
    names = enumerate(model.feature_names)
    other = [name for i, name in names if _is_of_other_rows(model, splits, i)]
    if not other:
        return []
    more = f" and {len(other) - 5} more" if len(other) > 5 else ""
    return [
        f"the ranges in the text are not those of training ({', '.join(other[:5])}{more}), as "
        "after Booster.refit: ranges and categories are taken from the splits as well; values that "
        "training saw beyond both are unknown"
    ]


def _is_of_other_rows(model: Model, splits: Splits, index: int) -> bool:
    info = model.feature_infos[index] if model.feature_infos else "[:]"
    asked = splits.finite_thresholds(index)
    asked = asked[np.abs(asked) > ZERO]  # 0 always has a bin of its own
    if info == "none":
        return bool((splits.feature == index).any())
    if info[0] != "[":
        return not members_of(model, index) <= {int(word) for word in info.split(":")}
    least, _, greatest = info[1:-1].partition(":")
    return bool(greatest) and bool(((asked < float(least)) | (asked >= float(greatest))).any())
