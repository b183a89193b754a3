"""Small models that are not binary, and their bundles."""

from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from tests.conftest import convert

TASKS: dict[str, dict[str, Any]] = {
    "multiclass": {"objective": "multiclass", "num_class": 3},
    "regression": {"objective": "regression"},
}


def trained_for(task: str, folder: Path) -> tuple[lgb.Booster, pd.DataFrame, Path]:
    """Return a booster, its rows and its bundle in `folder`."""
    rows = pd.DataFrame(np.random.default_rng(4).normal(size=(300, 2)), columns=["a", "b"])
    data = lgb.Dataset(rows, np.digitize(rows["a"], [-0.6, 0.6]))
    booster = lgb.train(TASKS[task] | {"verbose": -1, "num_threads": 1}, data, 5)
    booster.save_model(folder / "model.txt")
    convert(folder / "model.txt", "--name", "m", "--version", "1", "--out", str(folder))
    return booster, rows, folder / "m" / "1"
