"""A million rows of every Arrow type by columns and one by one, and every kind of model by columns.

`python -m tests.long.portfolio_rows ROWS FILE...`: the small model of the tests for all types;
every kind of convert/prove/kinds.py, and the models named.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from convert.__main__ import main as convert
from convert.prove.building import Built
from convert.prove.kinds import KINDS
from server.bundle.manifest import Category, Feature
from server.bundle.reading import read_manifest
from server.offline.scorer import Scorer
from server.scoring import model as models
from tests.conftest import make_bundle, small
from tests.native_models import Floats, bits, made_rows, of_file, of_kind
from tests.server.offline.arrow_cells import CELLS, by_column, drawn, one_by_one, usual

BATCH = 5000
EACH = 20_000  # rows of a model


def every_type(bundle: Path, rows: int) -> int:
    """Return in how many rows the two ways differ; each batch has other types for its columns."""
    model, wrong, faulty = models.load(bundle), 0, 0
    names = [feature.name for feature in model.manifest.features]
    for seed in range(-(-rows // BATCH)):
        draw = np.random.default_rng(seed)
        columns = usual(BATCH, draw)
        for name in draw.choice(names, draw.integers(1, 3), replace=False).tolist():
            columns[name] = drawn(str(draw.choice([*CELLS])), BATCH, draw)
        batch = pa.record_batch(columns)
        found = by_column(model, batch)
        faulty += sum(isinstance(each, str) for each in found)
        wrong += sum(a != b for a, b in zip(found, one_by_one(model, batch), strict=True))
    print(f"{rows:,} rows of every type, {faulty:,} faulty: {wrong} differ", flush=True)
    return wrong


def by_scorer(name: str, built: Built, file: Path) -> int:
    """Return in how many rows the file's model, converted, scores otherwise than LightGBM."""
    with tempfile.TemporaryDirectory() as folder:
        if convert([str(file), "--name", "m", "--version", "1", "--out", folder]):
            raise RuntimeError(f"{name} was not converted")
        scorer = Scorer.load(Path(folder) / "m" / "1")
        features = read_manifest(Path(folder) / "m" / "1" / "manifest.json").features
    wrong, compared, draw = 0, 0, np.random.default_rng(7)
    outputs = built.model.trees_per_iteration
    for X in made_rows(built, EACH, seed=5):
        columns = [cells(X, place, each, draw) for place, each in enumerate(features)]
        batch = pa.record_batch(dict(zip(scorer.features, columns, strict=True)))
        scores, faults = scorer.scores(batch)
        good = np.ones(len(X), bool)
        good[[*faults]] = False
        found = np.column_stack([column.to_numpy(False) for column in scores.columns[:outputs]])
        apart = bits(found[good]) != bits(built.subject.oracle.raw(X)[good])
        wrong += int(apart.any(axis=1).sum())
        compared += int(good.sum())
    print(f"{compared:,} rows of {name}: {wrong} differ from LightGBM", flush=True)
    return wrong + (compared == 0)


def cells(X: Floats, place: int, feature: Feature, draw: np.random.Generator) -> pa.Array:
    """Return a feature's column as a client has it; X gets a known code where its own is none."""
    if not isinstance(feature, Category):
        return pa.array(X[:, place])
    codes = np.array(feature.codes, np.float64)
    odd = ~(np.isin(X[:, place], codes) | np.isnan(X[:, place]))
    X[odd, place] = draw.choice(codes, int(odd.sum()))
    values = dict(zip(feature.codes, feature.categories, strict=True))
    return pa.array([values.get(code) for code in X[:, place].tolist()])


def main(arguments: Sequence[str]) -> int:
    """Print a line a model; return 1 where any row differed."""
    parser = argparse.ArgumentParser("python -m tests.long.portfolio_rows", description=__doc__)
    parser.add_argument("rows", type=int)
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        make_bundle(small(), Path(folder))
        wrong = every_type(Path(folder) / "models" / "small" / "1", chosen.rows)
        for kind in KINDS:
            file = Path(folder) / "model.txt"
            file.write_text(kind.text(1))
            wrong += by_scorer(kind.name, of_kind(kind), file)
        for file in chosen.files:
            wrong += by_scorer(file.name, of_file(file), file)
    print(f"{wrong} differ")
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
