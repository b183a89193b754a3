"""The inputs of a pipeline, described from what its booster knows about the derived columns."""

import numpy as np

from ..errors import UnsupportedModelError
from ..model.features import Feature, MissingChoice
from ..model.tree import ZERO, Floats, Model
from ..read.sklearn_pipeline import Carried
from ..read.sklearn_steps import Input
from .adversarial import TINY, pools

# scikit-learn refuses infinities, which larger numbers would produce.
LARGEST = 1e100
NUMBERS = np.array([0.0, -0.0, TINY, 1e-36, ZERO, -ZERO, 1.0, -1.0, 1e6, -1e6, 365243.0])


def input_features(carried: Carried, inner: list[Feature], choice: MissingChoice) -> list[Feature]:
    """Describe a pipeline's inputs; raises UnsupportedModelError if the booster has
    zero_as_missing.
    """
    if any(feature.zero_as_missing for feature in inner):
        raise UnsupportedModelError("zero_as_missing after pipeline steps")
    derived: list[list[Feature]] = [[] for _ in carried.inputs]
    for source, feature in zip(carried.sources, inner, strict=True):
        derived[source].append(feature)
    pairs = zip(carried.inputs, derived, strict=True)
    return [_feature(each, descendants, choice) for each, descendants in pairs]


def _feature(each: Input, derived: list[Feature], choice: MissingChoice) -> Feature:
    used = [feature for feature in derived if feature.used]
    category = each.categories is not None
    known = each.fills_missing or (not category and all(f.missing_trained for f in used))
    policy, value = choice.policy, choice.value
    if known or not used:
        policy, value = ("trained" if used else "unused"), None
    elif category:
        policy, value = "error", None
    return Feature(
        name=each.name,
        used=bool(used),
        importance=sum(feature.importance for feature in derived),
        zero_as_missing=False,
        missing_trained=bool(used) and known,
        policy=policy,
        missing_value=value,
        seen=None if category else each.seen or (derived[0].seen if derived else None),
        categories=each.categories,
        codes=each.codes,
    )


def input_pools(carried: Carried, model: Model, inner: list[Feature]) -> list[Floats]:
    """Return the values to try for each input, limited to those that the steps accept."""
    behind = pools(model, inner)
    found = []
    for source, each in enumerate(carried.inputs):
        values = np.array(each.codes) if each.codes is not None else NUMBERS
        if each.codes is None and each.seen is None:
            of_it = [behind[j] for j, s in enumerate(carried.sources) if s == source]
            values = np.concatenate([values, *(v[np.abs(v) < LARGEST] for v in of_it)])
        elif each.codes is None:
            values = np.append(values, np.linspace(*(each.seen or (0.0, 1.0)), 64))
        missing = each.fills_missing or (each.codes is not None and not each.refuses_unknown)
        found.append(np.append(np.nan, values) if missing else values)
    return found
