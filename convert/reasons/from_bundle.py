"""Reasons of a bundle under another policy: its reference rows are explained and compared again."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..graph.graph import read_ensemble
from ..model.features import Feature
from ..model.rows import read_rows
from ..model.tree import Floats
from ..policy.policy import Policy
from ..prove.building import Steps
from ..prove.contributions import COVERS, STEPS, taken
from ..prove.quadrature import Quadrature
from .baseline import Compared, baseline
from .document import REASONS, rebased


def under_policy(
    files: dict[str, bytes], manifest: dict[str, Any], reference: Path,
    probability: Floats | None, policy: Policy,
) -> dict[str, Any]:  # fmt: skip
    """Return the content of reasons.json for another policy.

    `reference` are the bundle's rows, `probability` [N] their scores.
    """
    before = json.loads(files[REASONS])
    features = [feature_of(each) for each in manifest["features"]]
    columns = manifest["contributions"].get("columns")
    steps = Steps(files[STEPS], tuple(columns)) if columns else None
    ensemble = read_ensemble(files["model.onnx"])
    quadrature = Quadrature(
        ensemble,
        np.frombuffer(files[COVERS], "<i4").astype(np.int64),
        columns or tuple(range(len(features))),
        len(features),
        manifest["transform"]["divide_by"],
    )
    compared = None
    if probability is not None:
        compared = Compared(read_rows(reference, features, None).X, probability)
    found = baseline(
        before["baseline"]["kind"],
        lambda rows: quadrature.contributions(taken(steps, rows)),
        len(ensemble.feature),
        len(features),
        compared,
        policy,
    )
    return rebased(before, found, policy.version)


def feature_of(described: dict[str, Any]) -> Feature:
    """Return a feature of the manifest as rows are read by it."""
    missing, seen = described["missing"], described.get("seen")
    return Feature(
        name=described["name"],
        used=described["used"],
        importance=described["importance"],
        zero_as_missing=described["zero_as_missing"],
        missing_trained=missing["trained"],
        policy=missing["policy"],
        missing_value=missing["value"],
        seen=(seen["min"], seen["max"]) if seen else None,
        categories=described.get("categories"),
        codes=described.get("codes"),
        ordered=described.get("ordered", False),
        boolean=described.get("boolean", False),
    )
