"""All splits of a model in one place."""

from dataclasses import dataclass

import numpy as np

from .tree import Bools, Floats, Ints, Model

ENDLESS = 1e300  # LightGBM writes infinity so


@dataclass(frozen=True)
class Splits:
    """All splits, flat: feature, threshold, gain, missing kind, categorical or not."""

    feature: Ints
    threshold: Floats
    gain: Floats
    missing: Ints
    categorical: Bools

    def thresholds(self, feature: int) -> Floats:
        """Return what the number splits of a feature ask about."""
        asked: Floats = self.threshold[(self.feature == feature) & ~self.categorical]
        return asked

    def finite_thresholds(self, feature: int) -> Floats:
        """Return those that part two numbers, not only numbers from what is missing."""
        asked = self.thresholds(feature)
        return asked[np.abs(asked) < ENDLESS]


def splits_of(model: Model) -> Splits:
    """Gather the splits of every tree."""
    trees = model.trees
    return Splits(
        np.concatenate([tree.split_feature for tree in trees]),
        np.concatenate([tree.threshold for tree in trees]),
        np.concatenate([tree.split_gain for tree in trees]),
        np.concatenate([tree.missing for tree in trees]),
        np.concatenate([tree.categorical for tree in trees]),
    )
