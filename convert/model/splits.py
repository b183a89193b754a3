"""All splits of a model in flat arrays."""

from dataclasses import dataclass

import numpy as np

from .tree import Bools, Floats, Ints, Model

ENDLESS = 1e300  # how LightGBM writes infinity


@dataclass(frozen=True)
class Splits:
    """One entry per split [S]: feature, threshold, gain, missing kind, categorical or not."""

    feature: Ints
    threshold: Floats
    gain: Floats
    missing: Ints
    categorical: Bools

    def thresholds(self, feature: int) -> Floats:
        """Return the thresholds of a feature's numeric splits."""
        asked: Floats = self.threshold[(self.feature == feature) & ~self.categorical]
        return asked

    def finite_thresholds(self, feature: int) -> Floats:
        """Return the thresholds that separate numbers, not only numbers from missing values."""
        asked = self.thresholds(feature)
        return asked[np.abs(asked) < ENDLESS]


def splits_of(model: Model) -> Splits:
    """Collect the splits of all trees."""
    trees = model.trees
    return Splits(
        np.concatenate([tree.split_feature for tree in trees]),
        np.concatenate([tree.threshold for tree in trees]),
        np.concatenate([tree.split_gain for tree in trees]),
        np.concatenate([tree.missing for tree in trees]),
        np.concatenate([tree.categorical for tree in trees]),
    )
