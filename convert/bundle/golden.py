"""Golden rows: some tens of rows with their exact scores, which the server checks at every
start.
"""

import numpy as np

from ..graph.runtime import Runtime
from ..model.features import Feature
from ..model.objective import Transform
from ..model.rows import fill_rows
from ..model.tree import Floats, Ints
from ..prove.adversarial import typical_rows, vary
from ..prove.contributions import Explained

ROWS = 24
MOST_NUMBERS = 100_000  # of contributions, which are as many a row as there are features


def golden_rows(pool: list[Floats], features: list[Feature], reference: Floats | None) -> Floats:
    """Return golden rows `[N, F]` as the model sees them: real ones, and variations with
    odd values.
    """
    rng = np.random.default_rng(0)
    pool = [values[np.isfinite(values) | np.isnan(values)] for values in pool]
    plain = _base(features, reference)
    nothing = np.array([[values[0] for values in pool]])
    rows = [plain[: ROWS // 2], vary(plain, pool, 0.2, rng), vary(plain, pool, 1.0, rng), nothing]
    return fill_rows(np.concatenate(rows), features)


def _base(features: list[Feature], reference: Floats | None) -> Floats:
    if reference is not None:
        picked: Floats = reference[np.linspace(0, len(reference) - 1, ROWS).astype(int)]
        return picked
    return typical_rows(features, ROWS)


def golden(
    rows: Floats, runtime: Runtime, transform: Transform, explained: Explained | None = None
) -> dict[str, object]:
    """Return the golden file: for each row its values (None for NaN), raw scores and predictions.

    Some rows also get their contributions. Rows without a finite score are left out, because JSON
    cannot hold them.
    """
    raw = runtime.raw(rows)
    prediction = transform.apply(raw)
    told = np.isfinite(raw).all(axis=1) & np.isfinite(prediction).all(axis=1)
    rows, raw, prediction = rows[told], raw[told], prediction[told]
    cells = [[None if x != x else x for x in row] for row in rows.tolist()]
    triples = zip(cells, raw.tolist(), prediction.tolist(), strict=True)
    found: list[dict[str, object]] = [
        {"row": row, "raw": r, "prediction": p} for row, r, p in triples
    ]
    if explained is not None:
        picked = _explained(len(rows), raw.shape[1] * (rows.shape[1] + 1))
        for at, contributions in zip(picked, explained.of(rows[picked]).tolist(), strict=True):
            found[at]["contributions"] = contributions
    return {"rows": found}


def _explained(rows: int, numbers: int) -> Ints:
    """Return which of the rows, each of so many numbers, have contributions: evenly spaced."""
    return np.linspace(0, rows - 1, int(np.clip(MOST_NUMBERS // numbers, 1, ROWS)), dtype=np.int64)
