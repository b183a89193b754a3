"""Training, the same for every recipe: a seeded split, early stopping, the same bits again."""

from dataclasses import dataclass

import lightgbm as lgb
import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

SEED = 20051001
PARAMETERS: dict[str, object] = {
    "objective": "binary",
    "metric": "auc",
    "learning_rate": 0.01,
    "num_leaves": 31,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    # The same bits on every run: one thread, one histogram layout, fixed seeds.
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "seed": SEED,
    "verbosity": -1,
}


@dataclass(frozen=True)
class Split:
    """Rows to learn from (60 %), rows to stop by and choose the threshold on (20 %), held-out."""

    train: pd.DataFrame
    valid: pd.DataFrame
    held_out: pd.DataFrame


def split(rows: pd.DataFrame, label: str) -> Split:
    """Split at random with a fixed seed, the share of bad rows kept.

    Neither data set tells when an applicant came, so a split by time cannot be had.
    """
    rest, held_out = train_test_split(
        rows, test_size=0.2, random_state=SEED, stratify=rows[label], shuffle=True
    )
    train, valid = train_test_split(
        rest, test_size=0.25, random_state=SEED, stratify=rest[label], shuffle=True
    )
    return Split(train, valid, held_out)


def train(parts: Split, label: str, rounds: int = 1500) -> lgb.Booster:
    """Train until the AUC on `parts.valid` has not grown for 80 rounds; keep the best prefix."""
    data = lgb.Dataset(parts.train.drop(columns=label), parts.train[label], free_raw_data=False)
    check = lgb.Dataset(parts.valid.drop(columns=label), parts.valid[label], reference=data)
    stop = lgb.early_stopping(80, verbose=False)
    return lgb.train(PARAMETERS, data, rounds, valid_sets=[check], callbacks=[stop])


def auc(booster: lgb.Booster, rows: pd.DataFrame, label: str) -> float:
    """Area under the ROC curve of `booster` on labelled `rows`, 0.5 to 1."""
    scores = booster.predict(rows.drop(columns=label), num_threads=1)
    return float(roc_auc_score(rows[label], scores))
