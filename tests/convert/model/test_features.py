"""What conversion says of each feature of a model."""

import lightgbm
import numpy as np
import pytest

from convert.model.features import MissingChoice
from convert.prove.building import build
from convert.prove.kinds import KINDS
from convert.read.loading import loaded_text


def test_features_of_a_model_with_infinite_gains_have_finite_importances() -> None:
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(400, 2))
    labels = 1e25 * (rows[:, 0] + 0.01 * rows[:, 1])
    options = {"objective": "regression", "verbosity": -1, "num_threads": 1}
    text = lightgbm.train(options, lightgbm.Dataset(rows, labels), 3).model_to_string()
    assert "split_gain=inf" in text
    features = build(loaded_text(text), MissingChoice()).subject.features
    assert sum(feature.importance for feature in features) == pytest.approx(1)


def test_a_feature_that_was_infinite_in_training_was_seen_up_to_the_largest_number() -> None:
    """No client can send infinity, and the manifest cannot hold it."""
    (kind,) = (kind for kind in KINDS if kind.name == "infinite values")
    features = build(loaded_text(kind.text()), MissingChoice()).subject.features
    most = float(np.finfo(np.float64).max)
    ranges = [feature.seen for feature in features if feature.seen]
    assert (-most, most) in ranges
    assert np.isfinite(ranges).all()
