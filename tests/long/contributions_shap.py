"""A second opinion on contributions: shap's own C, which is not LightGBM's code.

`build/peers/shap/bin/python -m tests.long.contributions_shap BUNDLE` (`make bench-peers` builds
that environment). For numeric models: shap's own code misreads splits by category.
"""

import sys
from pathlib import Path

import lightgbm
import numpy as np
import shap

from server.bundle.manifest import Number
from server.bundle.reading import read_manifest
from server.engine.native.engine import Native
from server.engine.native.trees import read_trees


def main(bundle: Path) -> int:
    """Explain rows from the range in training by both; return 1 where they differ by much.

    In float32, since shap rounds rows to it, which would take some past their thresholds.
    """
    manifest = read_manifest(bundle / "manifest.json")
    seen = [each.seen for each in manifest.features if isinstance(each, Number) and each.seen]
    rng, width = np.random.default_rng(0), len(manifest.features)
    low, high = np.array([[each.min for each in seen], [each.max for each in seen]])
    rows = rng.uniform(low, high, (2000, width)).astype(np.float32).astype(np.float64)
    trees = read_trees((bundle / "model.onnx").read_bytes())
    if trees.member.any():
        raise SystemExit("wanted a model without splits by category")
    engine = Native(trees, manifest.features, 1, (bundle / "covers.bin").read_bytes())
    ours = np.empty((len(rows), 1, width + 1))
    engine.explainer(range(width), width, manifest.transform.divide_by).block(rows, ours)
    explainer = shap.TreeExplainer(lightgbm.Booster(model_file=bundle / "model.txt"))
    explainer.model.model_type = "internal"  # else it calls LightGBM
    apart = np.abs(explainer.shap_values(rows) - ours[:, 0, :-1]).max()
    print(f"{len(rows)} rows: {apart:.1e} from shap's own at most")
    return int(apart > 1e-6)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
