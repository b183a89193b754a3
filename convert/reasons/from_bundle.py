"""Reasons of a bundle, new or under another policy: its reference rows are explained again."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import OptionError
from ..graph.graph import read_ensemble
from ..model.features import Feature
from ..model.rows import read_rows
from ..model.tree import Floats
from ..policy.policy import Policy
from ..prove.building import Steps
from ..prove.contributions import COVERS, STEPS, taken
from ..prove.quadrature import Quadrature
from ..prove.verify import Progress
from .baseline import Compared, baseline, described
from .document import REASONS, document, rebased
from .making import ReasonsChoice
from .notes import protected


def under_policy(
    files: dict[str, bytes], manifest: dict[str, Any], reference: Path,
    probability: Floats | None, policy: Policy, choice: ReasonsChoice, progress: Progress,
) -> dict[str, Any]:  # fmt: skip
    """Return the content of reasons.json for a policy, with the bundle's reasons or chosen ones.

    `reference` are the bundle's rows, `probability` [N] their scores. Raises OptionError if the
    bundle's contributions were not proven, or the chosen reasons do not fit.
    """
    if manifest.get("contributions") is None:
        raise OptionError("--reasons: this bundle explains nothing: convert the model again")
    before = json.loads(files[REASONS]) if REASONS in manifest["files"] else None
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
        before["baseline"]["kind"] if before else "marginal",
        lambda rows: quadrature.contributions(taken(steps, rows)),
        len(ensemble.feature),
        len(features),
        compared,
        policy,
    )
    if before is not None and not choice.wanted:
        progress(described(found))
        return rebased(before, found, policy.version)
    made = document(choice.entries(features), found, policy.version)
    for note in (*protected(features), described(found)):
        progress(note)
    return made


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
