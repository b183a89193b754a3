"""LightGBM itself: the oracle that every converted model is compared with."""

from collections.abc import Callable
from copy import copy

import lightgbm
import numpy as np

from ..errors import UnreadableModelError
from .tree import Floats, Ints

Steps = Callable[[Floats], Floats]
Change = Callable[[Floats, Floats], Floats]


class _Silent:
    """A logger that drops LightGBM's warnings about parameters of older versions."""

    def info(self, message: str) -> None:
        """Drop the message."""

    def warning(self, message: str) -> None:
        """Drop the message; errors still arrive as exceptions."""


class Oracle:
    """The LightGBM booster of a model text, with one thread and the first `iterations` rounds.

    `steps` are those of a pipeline, which `raw` and `prediction` apply to the rows first.
    """

    def __init__(self, text: str, iterations: int, steps: Steps | None = None) -> None:
        lightgbm.register_logger(_Silent())
        try:
            self._booster = lightgbm.Booster(model_str=text)
        except lightgbm.basic.LightGBMError as error:
            raise UnreadableModelError(f"LightGBM cannot read it: {error}") from error
        self._iterations, self._steps = iterations, steps
        self._changes: tuple[Change, ...] = ()

    def answering(self, change: Change) -> "Oracle":
        """Return an oracle whose predictions `[N, K]` are `change(rows, prediction)`."""
        other = copy(self)
        other._changes = (*self._changes, change)
        return other

    def raw(self, X: Floats) -> Floats:
        """Return `Booster.predict(raw_score=True)`: raw scores `[N, K]` of rows `[N, F]`."""
        return self._predict(X, raw_score=True)

    def raw_of(self, X: Floats, first: int, count: int) -> Floats:
        """Return raw scores `[N, K]` of the `count` iterations from `first` on."""
        found = self._booster.predict(
            X, raw_score=True, start_iteration=first, num_iteration=count, num_threads=1
        )
        return np.asarray(found, dtype=np.float64).reshape(len(X), -1)

    def contributions(self, X: Floats) -> Floats:
        """Return `Booster.predict(pred_contrib=True)` as `[N, K, F + 1]`, the expectation last.

        F counts what the trees take, behind any steps.
        """
        outputs = self._booster.num_model_per_iteration()
        return self._predict(X, pred_contrib=True).reshape(len(X), outputs, -1)

    def leaves(self, X: Floats, iteration: int) -> Ints:
        """Return the leaf `[N, K]` that each row reaches in one iteration's trees."""
        found = self._booster.predict(
            X, pred_leaf=True, start_iteration=iteration, num_iteration=1, num_threads=1
        )
        return np.asarray(found, dtype=np.int64).reshape(len(X), -1)

    def prediction(self, X: Floats) -> Floats:
        """Return `Booster.predict`, with its changes: predictions `[N, K]` of rows `[N, F]`."""
        found = self._predict(X)
        for change in self._changes:
            found = change(X, found)
        return found

    def prefix(self, iterations: int) -> str:
        """Return the model text of the first `iterations` rounds."""
        text: str = self._booster.model_to_string(num_iteration=iterations)
        return text

    def leaf_values(self, tree: int, count: int) -> Floats:
        """Return the values of the first `count` leaves of one tree.

        Raises UnreadableModelError if LightGBM has no such tree or leaf.
        """
        output = self._booster.get_leaf_output
        try:
            return np.array([output(tree, leaf) for leaf in range(count)])
        except lightgbm.basic.LightGBMError as error:
            raise UnreadableModelError(
                f"LightGBM finds no tree {tree} of {count} leaves"
            ) from error

    def _predict(self, X: Floats, **wanted: bool) -> Floats:
        seen = X if self._steps is None else self._steps(X)
        found = self._booster.predict(seen, num_iteration=self._iterations, num_threads=1, **wanted)
        return np.asarray(found, dtype=np.float64).reshape(len(X), -1)
