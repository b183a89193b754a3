"""Synthetic rows and targets with some signal, to train small models of every kind on."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ..model.tree import ZERO, Floats

Rows = Floats | pd.DataFrame
Target = Callable[[Floats, np.random.Generator], Floats]
Columns = Callable[[Floats, np.random.Generator], Rows]


def binary(signal: Floats, rng: np.random.Generator) -> Floats:
    """0 or 1."""
    return (signal + rng.normal(0, 1, len(signal)) > 0).astype(np.float64)


def number(signal: Floats, rng: np.random.Generator) -> Floats:
    """Any number."""
    return signal * 10 + rng.normal(0, 1, len(signal))


def positive(signal: Floats, rng: np.random.Generator) -> Floats:
    """A number above 0."""
    return rng.gamma(2.0, np.exp(signal / 4)) + 0.01


def count(signal: Floats, rng: np.random.Generator) -> Floats:
    """A whole number from 0."""
    return rng.poisson(np.exp(signal / 4)).astype(np.float64)


def share(signal: Floats, rng: np.random.Generator) -> Floats:
    """A share from 0 to 1."""
    return np.clip(1 / (1 + np.exp(-signal)) + rng.normal(0, 0.1, len(signal)), 0, 1)


def classes(signal: Floats, rng: np.random.Generator) -> Floats:
    """One of three classes."""
    return np.digitize(signal + rng.normal(0, 1, len(signal)), [-1, 1]).astype(np.float64)


def grades(signal: Floats, rng: np.random.Generator) -> Floats:
    """A grade from 0 to 4, for ranking."""
    return np.clip(np.digitize(signal, [-1, 0, 1, 2]), 0, 4).astype(np.float64)


def plain(X: Floats, rng: np.random.Generator) -> Floats:
    """Unchanged."""
    return X


def missing(X: Floats, rng: np.random.Generator) -> Floats:
    """A fifth of the values NaN."""
    return np.where(rng.random(X.shape) < 0.2, np.nan, X)


def zeros(X: Floats, rng: np.random.Generator) -> Floats:
    """A third of the values 0."""
    return np.where(rng.random(X.shape) < 0.3, 0.0, X)


def around_zero(X: Floats, rng: np.random.Generator) -> Floats:
    """Values within and around what LightGBM treats as zero."""
    near = np.array([0.0, 1e-36, 5e-36, ZERO, 2e-35, 1e-34, 1.0])
    return rng.choice(np.concatenate([near, -near]), X.shape)


def infinite(X: Floats, rng: np.random.Generator) -> Floats:
    """A tenth of the values infinite."""
    return np.where(rng.random(X.shape) < 0.1, np.sign(X) * np.inf, X)


def categories(levels: int) -> Columns:
    """Make the first column one of `levels` whole numbers."""

    def columns(X: Floats, rng: np.random.Generator) -> Floats:
        ranks = np.argsort(np.argsort(X[:, 0])) * levels // len(X)
        return np.column_stack([rng.permutation(levels)[ranks], X[:, 1:]]).astype(np.float64)

    return columns


def frame(values: list[Any]) -> Columns:
    """Make pandas columns, the first of which is one of `values`, or missing."""

    def columns(X: Floats, rng: np.random.Generator) -> pd.DataFrame:
        frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
        codes = np.digitize(X[:, 0], [-1.0, -0.3, 0.3, 1.0]) % len(values)
        codes[rng.random(len(codes)) < 0.1] = -1
        frame["x0"] = pd.Categorical.from_codes(codes.tolist(), categories=pd.Index(values))
        return frame

    return columns
