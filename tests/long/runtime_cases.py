"""Models, rows and LightGBM's raw scores as plain files, for runtimes on other processors.

`python -m tests.long.runtime_cases OUT FILE…` writes every kind of convert/prove/kinds.py, models
of categories in sets of every size, the committed model on its golden rows, and the files named.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from convert.bundle.golden import golden_rows
from convert.model.features import MissingChoice
from convert.model.rows import fill_rows
from convert.prove.building import Built, build
from convert.prove.kinds import KINDS
from convert.read.loading import loaded_text
from tests.native_models import Floats, made_rows, of_file, of_kind

COMMITTED = Path(__file__).parents[2] / "models" / "credit-express" / "1"
# Where onnxruntime turns from comparing a set's codes to looking them up, and beyond.
LEVELS = (2, 29, 30, 31, 32, 33, 64, 65, 400)
MADE = 200


def sets_of(levels: int) -> str:
    """Train on two columns of categories, some missing: sets with 0 in them, and without."""
    g = np.random.default_rng(levels)
    n = 400 + 40 * levels
    codes = g.integers(0, levels, (n, 2)).astype(np.float64)
    lucky = g.random((2, levels)) < 0.5
    lucky[:, 0] = True, False
    signal = lucky[0][codes[:, 0].astype(int)] * 2.0 - lucky[1][codes[:, 1].astype(int)]
    codes[g.random((n, 2)) < 0.1] = np.nan
    X = np.column_stack([codes, g.normal(size=n)])
    y = signal + np.isnan(codes[:, 0]) + 0.3 * X[:, 2] + g.normal(size=n) * 0.5 > 0.8
    options = {
        "objective": "binary", "verbosity": -1, "num_threads": 1, "num_leaves": 15, "seed": 1,
        "max_cat_to_onehot": 1, "min_data_per_group": 5, "cat_smooth": 1.0, "cat_l2": 1.0,
        "max_cat_threshold": 400,
    }  # fmt: skip
    data = lightgbm.Dataset(X, y.astype(int), categorical_feature=[0, 1])
    return lightgbm.train(options, data, 10).model_to_string()


def some_stumps(categories: bool = False) -> str:
    """Train three outputs of which one learns nothing: a one-leaf tree between the others.

    A one-leaf tree seems to ask about the first column, which may hold categories.
    """
    g = np.random.default_rng(1)
    X = g.normal(size=(400, 3))
    wanted = np.digitize(X[:, 0], [-0.5, 0.5])[:, None] == np.arange(3)
    named: Any = [0] if categories else "auto"
    if categories:
        X[:, 0] = np.where(X[:, 1] > 1, np.nan, np.digitize(X[:, 0], np.linspace(-2, 2, 40)))

    def objective(score: Floats, data: lightgbm.Dataset) -> tuple[Floats, Floats]:
        gradient = score.reshape(-1, 3) - wanted
        gradient[:, 1] = 0
        return gradient, np.ones_like(gradient)

    options = {"objective": objective, "num_class": 3, "verbosity": -1, "num_leaves": 6}
    options |= {"max_cat_to_onehot": 1, "min_data_per_group": 5, "cat_smooth": 1.0}
    data = lightgbm.Dataset(X, wanted.argmax(axis=1), categorical_feature=named)
    return lightgbm.train(options, data, 4).model_to_string()


def of_text(text: str) -> Built:
    return build(loaded_text(text), MissingChoice())


def models(files: list[Path]) -> Iterator[tuple[str, Built]]:
    """Yield every model by its name."""
    yield from ((f"kind {kind.name}", of_kind(kind)) for kind in KINDS)
    yield from ((f"sets of {levels} categories", of_text(sets_of(levels))) for levels in LEVELS)
    yield "one-leaf trees between others", of_text(some_stumps())
    yield "one-leaf trees between sets", of_text(some_stumps(categories=True))
    yield from ((f"file {path.name}", of_file(path)) for path in files)


def rows_of(built: Built, count: int) -> tuple[Floats, Floats]:
    """Return rows as the model sees them [N, F], and LightGBM's raw scores of them [N, K]."""
    golden = golden_rows(built.subject.pool, built.features, None)
    rows = np.concatenate([golden, *made_rows(built, count, seed=17)])
    return fill_rows(rows, built.features), built.subject.oracle.raw(rows)


def committed() -> tuple[bytes, Floats, Floats]:
    """Return the committed model, written again, its golden rows and their scores."""
    rows = json.loads((COMMITTED / "golden.json").read_bytes())["rows"]
    X = np.array([each["row"] for each in rows], np.float64)
    return of_file(COMMITTED / "model.txt").content, X, np.array([each["raw"] for each in rows])


def write(out: Path, files: list[Path]) -> int:
    """Write all cases and their list; returns how many."""
    out.mkdir(parents=True, exist_ok=True)
    cases = [(name, built.content, *rows_of(built, MADE)) for name, built in models(files)]
    cases.append(("committed model", *committed()))
    listed = []
    for number, (name, content, X, raw) in enumerate(cases):
        (out / f"{number}.onnx").write_bytes(content)
        X.astype("<f8").tofile(out / f"{number}.rows")
        raw.astype("<f8").tofile(out / f"{number}.raw")
        shape = {"rows": len(X), "features": X.shape[1], "outputs": raw.shape[1]}
        listed.append({"file": number, "name": name, **shape})
    (out / "cases.json").write_text(json.dumps(listed, indent=1))
    (out / "sets.txt").write_text(sets_of(65))
    return len(listed)


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), [Path(each) for each in sys.argv[2:]]), "models")
