"""Predictions of a column: those of one score at a time, bit for bit."""

import math

import numpy as np
import pytest

from server.bundle import transform
from server.bundle.calibrator import Sigmoid
from server.bundle.manifest import Transform
from server.bundle.predictions import predictor

RAW = np.concatenate(
    [
        np.random.default_rng(1).normal(0, 3, 20_000),
        np.random.default_rng(2).normal(0, 500, 5000),
        [0.0, -0.0, 5e-324, 709.782712893384, 709.7827128933841, -745.2, 1e308, -1e308],
        [math.inf, -math.inf, math.nan],
    ]
)
SPECS = [
    *(Transform(name) for name in ("identity", "sigmoid", "one_minus_sigmoid", "multi_sigmoid")),
    *(Transform(name) for name in ("exp", "log1p_exp", "signed_square")),
    Transform("sigmoid", sigmoid=0.7, divide_by=3),
    Transform("one_minus_sigmoid", sigmoid=1e5),
    Transform("sigmoid", calibrator=Sigmoid(-1.5, 0.25)),
]


@pytest.mark.parametrize("spec", SPECS)
def test_a_column_of_predictions_has_the_bits_of_each_alone(spec: Transform) -> None:
    one, finite = transform.scalar(spec), RAW[np.isfinite(RAW)]
    for raw in (RAW[:20_000], finite if spec.calibrator else RAW, RAW[:0]):
        wanted = np.array([one(x) for x in raw.tolist()], np.float64)
        assert predictor(spec)(raw).tobytes() == wanted.tobytes()
