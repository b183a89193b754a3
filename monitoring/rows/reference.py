"""The reference: the model's columns, and the histograms of the rows it was judged on."""

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..bundle.manifest import Feature, Manifest, Policy, read_manifest
from ..bundle.profile import FeatureProfile, Profile, read_profile
from .block import Block
from .columns import CATEGORY, NUMBER, UNSEEN, Column, Counts, Floats, count
from .encode import labels_of
from .errors import BadReferenceError
from .tally import Tally


@dataclass(frozen=True)
class Reference:
    """What the current rows are compared with."""

    columns: tuple[Column, ...]
    score_edges: Floats
    tally: Tally
    model: str = ""
    version: str = ""
    sha256: str = ""
    features: tuple[Feature, ...] = ()
    notes: list[str] = field(default_factory=list)
    policy: Policy | None = None
    left_out: frozenset[str] = frozenset()
    stand_ins: tuple[float, ...] = ()
    """Per column the value that replaces missing ones in the model's rows, NaN if none does."""

    def against(self, earlier: Tally) -> "Reference":
        """Return the same columns, with an earlier period instead of the reference rows."""
        return replace(self, tally=earlier)

    def as_seen(self, block: Block) -> Block:
        """Replace missing values in rows as a client sent them, as the server does."""
        if not self.stand_ins:
            return block
        pairs = zip(block.values, self.stand_ins, strict=True)
        filled = [np.where(np.isnan(values), stand_in, values) for values, stand_in in pairs]
        return replace(block, values=filled)


def from_bundle(folder: Path) -> Reference:
    """Read the reference of a bundle. Raises BadReferenceError."""
    manifest, profile = read_manifest(folder), read_profile(folder)
    profiles = {feature.name: feature for feature in profile.features}
    absent = [f.name for f in manifest.features if f.name not in profiles]
    if absent:
        raise BadReferenceError(
            f"{folder / 'profile.json'}: no histogram of {', '.join(absent[:5])}"
        )
    pairs = [(feature, profiles[feature.name]) for feature in manifest.features]
    edges = np.array(profile.prediction.edges if profile.prediction else [], np.float64)
    return Reference(
        tuple(_column(feature, counted) for feature, counted in pairs),
        edges,
        _tally(profile, pairs, edges),
        manifest.name,
        manifest.version,
        manifest.files.get("model.onnx", ""),
        tuple(manifest.features),
        _notes(manifest, profile),
        manifest.policy,
    )


def _column(feature: Feature, counted: FeatureProfile) -> Column:
    return Column(
        feature.name,
        CATEGORY if feature.type == CATEGORY else NUMBER,
        np.array(counted.edges, np.float64),
        labels_of(feature.categories),
        -np.inf if counted.min is None else counted.min,
        np.inf if counted.max is None else counted.max,
        tuple(sentinel.value for sentinel in counted.sentinels),
        feature.importance,
        feature.used,
        tuple(feature.categories),
        feature.ordered,
    )


def _tally(profile: Profile, pairs: list[tuple[Feature, FeatureProfile]], edges: Floats) -> Tally:
    counts = [_counts(feature, counted) for feature, counted in pairs]
    scores = profile.prediction.counts if profile.prediction else [0]
    decisions = Counter(profile.decisions or {})
    return Tally(counts, np.array(scores, np.int64), decisions, profile.rows, sum(scores))


def _counts(feature: Feature, counted: FeatureProfile) -> Counts:
    wanted = len(feature.categories) if feature.type == CATEGORY else len(counted.edges) + 1
    if len(counted.counts) != wanted:
        raise BadReferenceError(
            f"profile.json, {feature.name}: wanted {wanted} counts, got {len(counted.counts)}"
        )
    unseen = [counted.unseen] if feature.type == CATEGORY else []
    return Counts(np.array([*counted.counts, *unseen, counted.missing], np.int64))


def _notes(manifest: Manifest, profile: Profile) -> list[str]:
    if profile.prediction is None:
        return [f"{manifest.name} {manifest.version} has no reference scores: no score drift"]
    of = manifest.probability_of
    return [] if of is None else [f"the score is the probability of class {of!r}"]


def as_the_model_sees(reference: Reference) -> Reference:
    """Return the reference for logged rows, in which missing values may have been replaced.

    If a feature's policy is `zero` or `impute`, a logged row holds the replacement and no longer
    shows that the value was missing. So the reference's missing values are counted as that value
    too.
    """
    stand_ins = tuple(map(_stand_in, reference.columns, reference.features))
    triples = zip(reference.columns, reference.tally.columns, stand_ins, strict=True)
    counts = [_imputed(column, held, stand_in) for column, held, stand_in in triples]
    tally = replace(reference.tally, columns=counts)
    return replace(reference, tally=tally, stand_ins=stand_ins)


def _stand_in(column: Column, feature: Feature) -> float:
    missing = feature.missing
    if missing.policy not in {"zero", "impute"}:
        return np.nan
    value = missing.value if missing.policy == "impute" and missing.value is not None else 0.0
    if column.kind == CATEGORY:
        return float(feature.codes.index(value)) if value in feature.codes else UNSEEN
    return value


def _imputed(column: Column, held: Counts, stand_in: float) -> Counts:
    if np.isnan(stand_in) or not held.missing:
        return held
    filled = count(column, np.array([stand_in])).bins * held.missing
    kept = held.bins.copy()
    kept[-1] = 0
    return replace(held, bins=kept + filled)
