"""Applicants drawn from a seed, with 120 features like a credit bureau's.

They are not real people: the distributions are made up to be skewed, correlated and patchy, as such
data is. Category values are small whole numbers, as LightGBM stores them.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
FEATURES = 120
CATEGORIES = 12
AMOUNTS = 48
MISSING_SHARE = 0.25
MISSING_COLUMNS = 40
LEVELS = 8
DRIVERS = 4
BASE_RATE_LOGIT = -2.3
STRENGTH = 1.1


def names(features: int = FEATURES) -> list[str]:
    """Return one name per feature: categories first, then amounts, then counts."""
    kinds = ["KIND"] * CATEGORIES + ["AMOUNT"] * AMOUNTS + ["COUNT"] * features
    return [f"{kinds[i]}_{i:03d}" for i in range(features)]


def draw(count: int, seed: int, features: int = FEATURES) -> tuple[Floats, Floats]:
    """Return rows float64 [count, features], NaN where missing, and labels [count] of 0 and 1."""
    rng = np.random.default_rng(seed)
    drivers = rng.normal(size=(count, DRIVERS))
    mixing = np.random.default_rng(0).normal(size=(DRIVERS, features)) / 2
    X = drivers @ mixing + rng.normal(size=(count, features))
    signal = drivers[:, 0] + 0.7 * drivers[:, 1] * (drivers[:, 2] > 0) + 0.3 * X[:, 0]
    shape_columns(X, rng)
    chance = 1 / (1 + np.exp(-(BASE_RATE_LOGIT + STRENGTH * signal)))
    return X, (rng.random(count) < chance).astype(np.float64)


def shape_columns(X: Floats, rng: np.random.Generator) -> None:
    """Turn normal columns into categories, amounts and counts, in place, and drop values."""
    amounts = slice(CATEGORIES, CATEGORIES + AMOUNTS)
    X[:, :CATEGORIES] = np.clip(np.floor(X[:, :CATEGORIES] * 1.5 + LEVELS / 2), 0, LEVELS - 1)
    X[:, amounts] = np.round(np.exp(X[:, amounts] + 8), 2)
    counts = slice(CATEGORIES + AMOUNTS, X.shape[1])
    X[:, counts] = np.round(np.clip(X[:, counts] * 3 + 4, 0, None), 3)
    patchy = X[:, CATEGORIES : CATEGORIES + MISSING_COLUMNS]
    missing = rng.random((len(X), MISSING_COLUMNS)) < MISSING_SHARE
    patchy[missing[:, : patchy.shape[1]]] = np.nan


def documents(X: Floats) -> list[dict[str, Any]]:
    """Return what a client sends for each row: null where missing, whole numbers for categories."""
    labels = names(X.shape[1])
    rows = [[None if value != value else value for value in row] for row in X.tolist()]
    return [
        {
            name: int(value) if i < CATEGORIES and value is not None else value
            for i, (name, value) in enumerate(zip(labels, row, strict=True))
        }
        for row in rows
    ]
