"""The demo model and models made from a seed, with bundles made by `python -m convert`."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ..host import ROOT
from ..progress import say
from . import applicants, demo
from .applicants import Floats
from .demo import Demo

BUILD = ROOT / "build" / "bench"
TRAINING_ROWS = 12_000
# A row of training data and a row that is timed never have the same seed.
TRAINING_SEED, TIMED_SEED = 1, 2
THRESHOLD = 0.2
CATEGORICAL = 1  # bit 0 of LightGBM's decision_type


class Size(msgspec.Struct, frozen=True):
    """The number of trees, leaves per tree and features."""

    trees: int
    leaves: int
    features: int = applicants.FEATURES

    @property
    def name(self) -> str:
        """The name of the folder, also used in the tables."""
        usual = self.features == applicants.FEATURES
        return f"{self.trees}x{self.leaves}" + ("" if usual else f"-{self.features}")

    def rows(self, count: int) -> Floats:
        """Return `count` distinct rows the model was not trained on."""
        return applicants.draw(count, TIMED_SEED, self.features)[0]

    def documents(self, X: Floats) -> list[dict[str, Any]]:
        """Return what a client sends for each row."""
        return applicants.documents(X)


DEMO = Demo()
SMALL, MIDDLE, LARGE = Size(100, 31), Size(500, 31), Size(1500, 63)


class WorkloadError(Exception):
    """A model that could not be built; the message is one line of the converter's."""


class Workload(msgspec.Struct, frozen=True):
    """A model in all forms that are measured."""

    size: Size | Demo
    text: Path
    bundle: Path
    float32: Path

    def rows(self, count: int) -> Floats:
        """Return `count` rows the model was not trained on."""
        return self.size.rows(count)

    def documents(self, X: Floats) -> list[dict[str, Any]]:
        """Return what a client sends for each row."""
        return self.size.documents(X)


def build(size: Size | Demo, folder: Path = BUILD) -> Workload:
    """Return the workload of a size; build what is missing or stale."""
    home = folder / size.name
    text, exact = home / "model.txt", home / "exact" / size.name / "1"
    if isinstance(size, Demo):
        text, exact = demo.BUNDLE / "model.txt", demo.BUNDLE
    elif not text.exists():
        say(f"training {size.name}")
        train(size, text)
    float32 = home / "float32" / size.name / "1"
    for exporter, bundle in (("exact", exact), ("float32", float32)):
        if not is_of(text, bundle):
            say(f"converting {size.name}, {exporter}")
            convert(text, size.name, home / exporter, exporter)
    return Workload(size, text, exact, float32)


def is_of(text: Path, bundle: Path) -> bool:
    """Whether the bundle exists and was made from this text."""
    manifest = bundle / "manifest.json"
    if not manifest.exists():
        return False
    made_from = json.loads(manifest.read_bytes())["files"].get("model.txt")
    return bool(made_from == hashlib.sha256(text.read_bytes()).hexdigest())


def train(size: Size, text: Path) -> None:
    """Train with LightGBM's defaults, a seed and one thread, so that the bits are reproducible."""
    import lightgbm  # late: it takes a second to import, and most need a model that is there

    X, y = applicants.draw(TRAINING_ROWS, TRAINING_SEED, size.features)
    options = {"objective": "binary", "num_leaves": size.leaves, "learning_rate": 0.02,
               "min_data_in_leaf": 10, "seed": 7, "deterministic": True, "num_threads": 1,
               "verbose": -1}  # fmt: skip
    data = lightgbm.Dataset(
        X, y, feature_name=applicants.names(size.features),
        categorical_feature=list(range(applicants.CATEGORIES)),
    )  # fmt: skip
    booster = lightgbm.train(options, data, num_boost_round=size.trees)
    text.parent.mkdir(parents=True, exist_ok=True)
    part = text.with_suffix(".part")
    booster.save_model(part)
    part.replace(text)


def convert(text: Path, name: str, out: Path, exporter: str) -> None:
    """Write a bundle; raises WorkloadError."""
    command = [sys.executable, "-m", "convert", str(text), "--name", name, "--version", "1"]
    command += ["--out", str(out), "--exporter", exporter, "--threshold", str(THRESHOLD), "--force"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise WorkloadError(f"python -m convert {text}: {last}")


def on_thresholds(text: Path, X: Floats, seed: int) -> Floats:
    """Return a copy of rows in which one value each is exactly on a split of the model."""
    rng = np.random.default_rng(seed)
    places = np.array(splits(text))
    chosen = places[rng.integers(0, len(places), len(X))]
    moved = X.copy()
    moved[np.arange(len(X)), chosen[:, 0].astype(int)] = chosen[:, 1]
    return moved


def splits(text: Path) -> list[tuple[float, float]]:
    """Return (feature, threshold) of every numeric split in a LightGBM text."""
    fields: dict[str, list[str]] = {"split_feature": [], "threshold": [], "decision_type": []}
    for line in text.read_text().splitlines():
        name, _, values = line.partition("=")
        if name in fields:
            fields[name] += values.split()
    return [
        (float(feature), float(threshold))
        for feature, threshold, kind in zip(*fields.values(), strict=True)
        if not int(kind) & CATEGORICAL
    ]
