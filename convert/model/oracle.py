"""LightGBM itself, which says what is right."""

from collections.abc import Callable
from typing import Protocol

import lightgbm
import numpy as np

from ..errors import UnreadableModelError
from .tree import Floats, Ints


class Judge(Protocol):
    """Says what is right: LightGBM alone, or behind a pipeline's steps."""

    def raw(self, X: Floats) -> Floats:
        """Raw scores `[N, K]`."""

    def prediction(self, X: Floats) -> Floats:
        """Predictions `[N, K]`."""

    def raw_of(self, X: Floats, first: int, count: int) -> Floats:
        """Raw scores `[N, K]` of `count` iterations, beginning with `first`."""

    def leaves(self, X: Floats, iteration: int) -> Ints:
        """The leaf `[N, K]` each row falls into."""

    def leaf_values(self, tree: int, count: int) -> Floats:
        """The values of the first `count` leaves of one tree."""


class _Silent:
    """LightGBM warns about every parameter an old text names that it no longer has."""

    def info(self, message: str) -> None:
        """Drop it."""

    def warning(self, message: str) -> None:
        """Drop it: errors still come as exceptions."""


class Oracle:
    """The booster of a model text; one thread, the first `iterations` rounds."""

    def __init__(self, text: str, iterations: int) -> None:
        lightgbm.register_logger(_Silent())
        try:
            self._booster = lightgbm.Booster(model_str=text)
        except lightgbm.basic.LightGBMError as error:
            raise UnreadableModelError(f"LightGBM does not read it: {error}") from error
        self._iterations = iterations

    def raw(self, X: Floats) -> Floats:
        """Raw scores `[N, K]` of rows `[N, F]`, from `Booster.predict(raw_score=True)`."""
        return self._predict(X, raw_score=True)

    def raw_of(self, X: Floats, first: int, count: int) -> Floats:
        """Raw scores `[N, K]` of `count` iterations alone, beginning with `first`."""
        found = self._booster.predict(
            X, raw_score=True, start_iteration=first, num_iteration=count, num_threads=1
        )
        return np.asarray(found, dtype=np.float64).reshape(len(X), -1)

    def leaves(self, X: Floats, iteration: int) -> Ints:
        """Return the leaf `[N, K]` each row falls into, in the trees of one iteration."""
        found = self._booster.predict(
            X, pred_leaf=True, start_iteration=iteration, num_iteration=1, num_threads=1
        )
        return np.asarray(found, dtype=np.int64).reshape(len(X), -1)

    def prediction(self, X: Floats) -> Floats:
        """Predictions `[N, K]`, from `Booster.predict`."""
        return self._predict(X, raw_score=False)

    def prefix(self, iterations: int) -> str:
        """Return the text of the first `iterations` rounds."""
        text: str = self._booster.model_to_string(num_iteration=iterations)
        return text

    def leaf_values(self, tree: int, count: int) -> Floats:
        """Return the values of the first `count` leaves of one tree.

        Raises UnreadableModelError where LightGBM has no such tree or leaf.
        """
        output = self._booster.get_leaf_output
        try:
            return np.array([output(tree, leaf) for leaf in range(count)])
        except lightgbm.basic.LightGBMError as error:
            raise UnreadableModelError(
                f"LightGBM finds no tree {tree} of {count} leaves"
            ) from error

    def _predict(self, X: Floats, raw_score: bool) -> Floats:
        found = self._booster.predict(
            X, raw_score=raw_score, num_iteration=self._iterations, num_threads=1
        )
        return np.asarray(found, dtype=np.float64).reshape(len(X), -1)


class Behind(Oracle):
    """LightGBM behind a pipeline's own steps."""

    def __init__(self, text: str, iterations: int, steps: Callable[[Floats], Floats]) -> None:
        super().__init__(text, iterations)
        self._steps = steps

    def _predict(self, X: Floats, raw_score: bool) -> Floats:
        return super()._predict(self._steps(X), raw_score)
