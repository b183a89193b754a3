"""Small models of every kind that LightGBM trains, to test the conversion on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import lightgbm
import numpy as np

from ..model.tree import Floats
from . import synthetic
from .synthetic import Columns, Target

ROWS, FEATURES = 600, 5
QUIET = {"verbosity": -1, "num_threads": 1, "num_leaves": 12, "min_data_in_leaf": 5, "seed": 1}

Train = Callable[[dict[str, Any], lightgbm.Dataset, int], lightgbm.Booster]
Edit = Callable[[str], str]


def _simply(options: dict[str, Any], data: lightgbm.Dataset, rounds: int) -> lightgbm.Booster:
    return lightgbm.train(options, data, rounds)


def _continued(options: dict[str, Any], data: lightgbm.Dataset, rounds: int) -> lightgbm.Booster:
    data.free_raw_data = False
    first = lightgbm.train(options, data, rounds // 2)
    return lightgbm.train({**options, "learning_rate": 0.3}, data, rounds, init_model=first)


def _own_objective(outputs: int) -> Train:
    def train(options: dict[str, Any], data: lightgbm.Dataset, rounds: int) -> lightgbm.Booster:
        def squared(score: Floats, data: lightgbm.Dataset) -> tuple[Floats, Floats]:
            label = np.asarray(data.get_label())
            wanted = label if outputs == 1 else label[:, None] == np.arange(outputs)
            return score - wanted, np.ones_like(score)

        return lightgbm.train({**options, "objective": squared}, data, rounds)

    return train


def _same(text: str) -> str:
    return text


def _without(*words: str) -> Edit:
    """Drop lines that older versions did not write, and the tree sizes, which no longer fit."""

    def edit(text: str) -> str:
        starts = ("tree_sizes=", *words)
        return "\n".join(line for line in text.split("\n") if not line.startswith(starts))

    return edit


def _older(version: str) -> Edit:
    def edit(text: str) -> str:
        return _without("is_linear=")(text).replace("version=v4", f"version={version}", 1)

    return edit


@dataclass(frozen=True)
class Kind:
    """How to train one kind of model."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    target: Target = synthetic.binary
    columns: Columns = synthetic.plain
    train: Train = _simply
    edit: Edit = _same
    categorical: bool = False
    rounds: int = 12

    def text(self, seed: int = 1) -> str:
        """Train the model and return its text."""
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(ROWS, FEATURES))
        label = self.target(X[:, 0] + X[:, 1] ** 2 - 1 - X[:, 2] * X[:, 3], rng)
        group = [20] * (ROWS // 20) if self.target is synthetic.grades else None
        # categories by column number; pandas columns need no parameter
        named: Any = {"categorical_feature": [0]} if self.categorical else {}
        data = lightgbm.Dataset(self.columns(X, rng), label, group=group, **named)
        options = {"objective": "binary", **QUIET, **self.options}
        return self.edit(self.train(options, data, self.rounds).model_to_string())


CATEGORICAL = {"min_data_per_group": 5, "cat_smooth": 1.0, "max_cat_to_onehot": 1}
ONE_HOT = {"min_data_per_group": 5, "max_cat_to_onehot": 30}
FOREST = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6, "feature_fraction": 0.8}
THREE = {"objective": "multiclass", "num_class": 3}
OVA = {"objective": "multiclassova", "num_class": 3, "sigmoid": 1.5}
LINEAR = {"objective": "regression", "linear_tree": True}
TINY = {"min_data_in_bin": 1}
STUMP = {"min_data_in_leaf": 500}

KINDS = (
    Kind("binary"),
    Kind("binary, sigmoid 0.7", {"sigmoid": 0.7}),
    Kind("binary, unbalanced", {"is_unbalance": True}),
    Kind("cross_entropy", {"objective": "cross_entropy"}, synthetic.share),
    Kind("cross_entropy_lambda", {"objective": "cross_entropy_lambda"}, synthetic.share),
    Kind("multiclass", THREE, synthetic.classes),
    Kind("multiclassova, sigmoid 1.5", OVA, synthetic.classes),
    Kind("regression", {"objective": "regression"}, synthetic.number),
    Kind("regression_l1", {"objective": "regression_l1"}, synthetic.number),
    Kind("huber", {"objective": "huber"}, synthetic.number),
    Kind("fair", {"objective": "fair"}, synthetic.number),
    Kind("quantile", {"objective": "quantile", "alpha": 0.2}, synthetic.number),
    Kind("mape", {"objective": "mape"}, synthetic.positive),
    Kind("regression, reg_sqrt", {"objective": "regression", "reg_sqrt": True}, synthetic.number),
    Kind("poisson", {"objective": "poisson"}, synthetic.count),
    Kind("gamma", {"objective": "gamma"}, synthetic.positive),
    Kind("tweedie", {"objective": "tweedie"}, synthetic.positive),
    Kind("lambdarank", {"objective": "lambdarank"}, synthetic.grades),
    Kind("rank_xendcg", {"objective": "rank_xendcg"}, synthetic.grades),
    Kind("own objective", train=_own_objective(1)),
    Kind("own objective, 3 outputs", {"num_class": 3}, synthetic.classes, train=_own_objective(3)),
    Kind("dart", {"boosting": "dart", "drop_rate": 0.5}),
    Kind("goss", {"data_sample_strategy": "goss"}),
    Kind("random forest", FOREST),
    Kind("random forest, multiclass", {**FOREST, **THREE}, synthetic.classes),
    Kind("random forest, regression", {**FOREST, "objective": "regression"}, synthetic.number),
    Kind("extra trees, monotone", {"extra_trees": True, "monotone_constraints": [1, 0, 0, 0, 0]}),
    Kind("continued training", train=_continued),
    Kind("linear_tree", LINEAR, synthetic.number),
    Kind("linear_tree, missing values", LINEAR, synthetic.number, synthetic.missing),
    Kind("linear_tree, multiclass", {**LINEAR, **THREE}, synthetic.classes),
    Kind("missing values as NaN", columns=synthetic.missing),
    Kind("zero_as_missing", {"zero_as_missing": True}, columns=synthetic.zeros),
    Kind("use_missing=false", {"use_missing": False}, columns=synthetic.missing),
    Kind("values within 1e-35 of zero", TINY, columns=synthetic.around_zero),
    Kind(
        "zero_as_missing within 1e-35",
        {**TINY, "zero_as_missing": True},
        columns=synthetic.around_zero,
    ),
    Kind("infinite values", columns=synthetic.infinite),
    Kind("categories", CATEGORICAL, columns=synthetic.categories(20), categorical=True),
    Kind(
        "categories, 500 levels",
        {**CATEGORICAL, "max_cat_threshold": 300},
        columns=synthetic.categories(500),
        categorical=True,
    ),
    Kind("categories, one-hot", ONE_HOT, columns=synthetic.categories(20), categorical=True),
    Kind("pandas: text", CATEGORICAL, columns=synthetic.frame(["a b", "ü", "", "nan", "5"])),
    Kind("pandas: whole numbers", CATEGORICAL, columns=synthetic.frame([7, -3, 40])),
    Kind("pandas: fractions", CATEGORICAL, columns=synthetic.frame([0.5, 1.25, -2.0])),
    Kind("pandas: true and false", CATEGORICAL, columns=synthetic.frame([False, True])),
    Kind("one-leaf trees", STUMP),
    Kind("one-leaf trees, multiclass", {**STUMP, **THREE}, synthetic.classes),
    Kind("text format v3", edit=_older("v3")),
    Kind("text format v2", edit=_older("v2")),
    Kind("text without a version", edit=_without("is_linear=", "version=")),
)
