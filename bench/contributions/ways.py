"""Ways to explain one row of a LightGBM model: ours, LightGBM's, and what needs an environment.

Imports only the standard library, numpy and this server's engine, so that it runs in the peers'
environments.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from server.bundle.reading import read_manifest
from server.engine.native.engine import Native
from server.engine.native.trees import read_trees

from ..ladder.timed import Floats

Explain = Callable[[Floats], object]  # of one row [1, F]
Numbers = Callable[[Any], Floats]  # of what was explained: [F + 1] or [F]


class Way(NamedTuple):
    """A name, what is timed, and how its answer is read; None where it is not compared."""

    name: str
    explain: Explain
    numbers: Numbers | None = None


SCORE, PRED_CONTRIB = "score of this server", "LightGBM, pred_contrib"
PORTABLE, AVX2, WIDE = "this server, portable", "this server, AVX2", "this server"


def ours(bundle: Path, text: Path) -> Iterator[Way]:
    """Yield this server's score, and its contributions by registers of each width."""
    manifest = read_manifest(bundle / "manifest.json")
    trees = read_trees((bundle / "model.onnx").read_bytes())
    covers = (bundle / "covers.bin").read_bytes()
    engine = Native(trees, manifest.features, manifest.outputs, covers)
    width = len(manifest.features)
    out = np.empty((1, 1, width + 1))

    def explaining(lanes: int) -> Explain:
        block = engine.explainer(range(width), width, 1.0, lanes).block

        def explain(row: Floats) -> object:
            block(row, out)
            return out

        return explain

    def score(row: Floats) -> object:
        engine.row[:] = row[0]
        return engine.score_row()

    yield Way(SCORE, score)
    for lanes, name in ((2, PORTABLE), (4, AVX2), (8, WIDE)):
        yield Way(name, explaining(lanes), flat)


def lightgbms(bundle: Path, text: Path) -> Iterator[Way]:
    """Yield LightGBM's own."""
    booster = booster_of(text)
    yield Way(
        PRED_CONTRIB, lambda row: booster.predict(row, pred_contrib=True, num_threads=1), flat
    )


def shaps(bundle: Path, text: Path) -> Iterator[Way]:
    """Yield shap's TreeExplainer: it calls LightGBM."""
    import shap

    explainer = shap.TreeExplainer(booster_of(text))
    yield Way("shap.TreeExplainer", explainer.shap_values, flat)


def shapiqs(bundle: Path, text: Path) -> Iterator[Way]:
    """Yield shapiq's TreeExplainer, of Shapley values alone."""
    import shapiq

    explainer: Any = shapiq.TreeExplainer(model=booster_of(text), max_order=1, index="SV")
    yield Way(
        "shapiq.TreeExplainer", lambda row: explainer.explain(row[0]),
        lambda found: np.asarray(found.get_n_order_values(1)).ravel(),
    )  # fmt: skip


def xgboosts(bundle: Path, text: Path) -> Iterator[Way]:
    """Yield XGBoost's own, of a model of as many trees and leaves fitted to LightGBM's scores."""
    import xgboost

    booster = booster_of(text)
    X = np.random.default_rng(0).normal(size=(12_000, booster.num_feature()))
    data = xgboost.DMatrix(X, booster.predict(X, raw_score=True))
    leaves = max(each["num_leaves"] for each in booster.dump_model()["tree_info"])
    options = {"grow_policy": "lossguide", "max_leaves": leaves, "max_depth": 0, "nthread": 1,
               "learning_rate": 0.02, "min_child_weight": 10}  # fmt: skip
    made = xgboost.train(options, data, booster.num_trees())
    yield Way(
        "XGBoost, a model of the same size",
        lambda row: made.predict(xgboost.DMatrix(row, nthread=1), pred_contribs=True),
    )


def fasttreeshaps(bundle: Path, text: Path) -> Iterator[Way]:
    """Yield Fast TreeSHAP's versions 1 and 2."""
    import fasttreeshap

    for algorithm in ("v1", "v2"):
        explainer = fasttreeshap.TreeExplainer(booster_of(text), algorithm=algorithm, n_jobs=1)
        yield Way(f"fasttreeshap, {algorithm}", explainer.shap_values, flat)


def booster_of(text: Path) -> Any:
    """Return LightGBM's booster."""
    import lightgbm

    return lightgbm.Booster(model_file=text)


def flat(found: object) -> Floats:
    """Return one row's numbers; of a pair of classes, those of the second."""
    return np.array(found[-1] if isinstance(found, list) else found, np.float64).ravel()


# By name: the environment, and what is made in it beside ours and LightGBM's.
Maker = Callable[[Path, Path], Iterator[Way]]
PEERS: dict[str, tuple[str, Maker]] = {
    "shap": ("shap", shaps),
    "shapiq": ("shap", shapiqs),
    "xgboost": ("shap", xgboosts),
    "fasttreeshap": ("fasttreeshap", fasttreeshaps),
}
