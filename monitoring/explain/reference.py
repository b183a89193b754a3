"""The reference rows of a bundle as the model sees them, to explain them as the log's are."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..bundle.manifest import Feature
from ..rows.block import Block
from ..rows.columns import CATEGORY
from ..rows.reference import as_the_model_sees, from_bundle
from ..rows.tables import Table
from .forest import Floats

ROWS = "reference.parquet"
ZERO = float(np.float32(1e-35))  # LightGBM's kZeroThreshold


class Reference(NamedTuple):
    """Rows [N, F] as the model sees them and as they were sent, and predictions [N]."""

    rows: Floats
    sent: Floats
    predictions: Floats


def reference_rows(bundle: Path) -> Reference | None:
    """Return the reference rows that have a score, None if the bundle holds none.

    Raises MonitoringError.
    """
    if not (bundle / ROWS).is_file() or not (bundle / "profile.json").is_file():
        return None
    reference = as_the_model_sees(from_bundle(bundle))
    blocks = [block.scored() for block in Table(str(bundle / ROWS), reference.columns).blocks()]
    blocks = [block for block in blocks if block.rows]
    if not blocks:
        return None
    features = reference.features
    sent = np.concatenate([matrix(features, block) for block in blocks])
    rows = np.concatenate([matrix(features, reference.as_seen(block)) for block in blocks])
    for place, feature in enumerate(features):
        if feature.zero_as_missing:
            rows[np.abs(rows[:, place]) <= ZERO, place] = np.nan
    return Reference(rows, sent, np.concatenate([block.scores for block in blocks]))


def matrix(features: tuple[Feature, ...], block: Block) -> Floats:
    """Return a block's values [N, F], categories by their codes; unseen ones are missing."""
    columns = [
        coded(feature, values) if feature.type == CATEGORY else values
        for feature, values in zip(features, block.values, strict=True)
    ]
    return np.column_stack(columns)


def coded(feature: Feature, positions: Floats) -> Floats:
    """Return the codes of categories given by their positions [N]."""
    known = positions >= 0  # of NaN, too, it is not
    places = np.where(known, positions, 0).astype(np.int64)
    return np.where(known, np.array(feature.codes, np.float64)[places], np.nan)
