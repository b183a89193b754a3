"""The end of every recipe: train, measure, and leave the files that `python -m convert` takes."""

import argparse
import json
import sys
from pathlib import Path

import lightgbm as lgb
import pandas as pd

from .training import SEED, Split, auc, train


def arguments(description: str | None, name: str) -> argparse.ArgumentParser:
    """Return the parser of a recipe that writes to build/`name` unless told otherwise."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, default=Path("build", name), metavar="DIR")
    return parser


def run(parts: Split, label: str, source: str, out: Path) -> None:
    """Train on `parts` and write model.txt, reference.parquet, held-out.parquet, training.json.

    The reference are the rows the trees were not grown on: a model's scores of the rows it has
    learnt are too sure of themselves to choose a threshold by, or to compare production with.
    """
    out.mkdir(parents=True, exist_ok=True)
    _say(f"training on {len(parts.train):,} rows of {source}")
    booster = train(parts, label)
    booster.save_model(out / "model.txt")
    _write(parts.valid, out / "reference.parquet")
    _write(parts.held_out, out / "held-out.parquet")
    facts = _training_facts(booster, parts, label, source)
    (out / "training.json").write_text(json.dumps(facts, indent=2) + "\n")
    _say(f"{facts['trees']} trees, AUC {facts['auc']} on {facts['held_out_rows']:,} held-out rows")


def _training_facts(
    booster: lgb.Booster, parts: Split, label: str, source: str
) -> dict[str, object]:
    return {
        "data": source,
        "rows": len(parts.train),
        "reference_rows": len(parts.valid),
        "held_out_rows": len(parts.held_out),
        "split": f"at random, seed {SEED}, 60/20/20 %, stratified by {label}",
        "trees": booster.best_iteration,
        "auc": round(auc(booster, parts.held_out, label), 4),
        "auc_reference": round(auc(booster, parts.valid, label), 4),
    }


def _write(rows: pd.DataFrame, file: Path) -> None:
    plain = {name: rows[name].cat.categories.dtype for name in rows.select_dtypes("category")}
    rows.astype(plain).to_parquet(file, index=False)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
