"""`python -m convert inspect`: what is inside a model, and what looks wrong with it."""

import re
from dataclasses import asdict, dataclass

import numpy as np

from ..model.category_notes import category_notes
from ..model.features import Feature, MissingChoice, features_of
from ..model.objective import objective_of
from ..model.tree import Ints, Missing, Model
from .classes import meaning
from .estimator import NOT_SHARES
from .loading import Loaded, calibration

IDENTITY = re.compile(r"^(sk_)?id(_|$)|_id$|(^|_)(uuid|guid|rowid|index)(_|$)|^unnamed", re.I)
TARGET = re.compile(r"(^|_)(target|label|outcome|is_default|defaulted)(_|$)", re.I)
NO_SPLIT = (
    "no tree has a split, so every applicant gets the same score. lgb.train treats every label "
    "above 0 as 1: were the labels 1 and 2?"
)
WEIGHTED = {"is_unbalance": "0", "scale_pos_weight": "1"}
TIME = re.compile(r"(^|_)(timestamp|created_at|updated_at)(_|$)", re.I)
DOMINANT = 0.5
SHOWN = 12


@dataclass(frozen=True)
class Inspection:
    """What to know about a model before converting it."""

    kind: str
    text_format: str
    objective: str | None
    task: str
    transform: str
    outputs: int
    classes: list[str]
    iterations: int
    trees: int
    leaves: int
    deepest: int
    linear_trees: int
    categorical_splits: int
    splits_by_missing: dict[str, int]
    features: int
    used: list[str]
    unused: list[str]
    missing_not_trained: list[str]
    categories: dict[str, int]
    most_important: dict[str, float]
    steps_before: list[str]
    stands_around: list[str]
    suspicious: list[str]
    notes: list[str]

    def as_dict(self) -> dict[str, object]:
        """Return JSON values."""
        return asdict(self)


def inspect(loaded: Loaded) -> Inspection:
    """Describe a loaded model; raises UnsupportedModelError as the conversion would."""
    model = loaded.model
    task, transform = objective_of(model, model.iterations)
    meant = meaning(task, model.trees_per_iteration, loaded.classes, None, decides=False)
    features = features_of(model, MissingChoice())
    ranked = sorted(features, key=lambda feature: -feature.importance)
    return Inspection(
        kind=loaded.kind,
        text_format=model.version,
        objective=model.objective,
        task=task,
        transform=transform.name,
        outputs=model.trees_per_iteration,
        classes=meant.told(task),
        iterations=model.iterations,
        trees=len(model.trees),
        leaves=sum(len(tree.leaf_value) for tree in model.trees),
        deepest=max(_depth(tree.left_child, tree.right_child) for tree in model.trees),
        linear_trees=sum(tree.linear is not None for tree in model.trees),
        categorical_splits=sum(int(tree.categorical.sum()) for tree in model.trees),
        splits_by_missing=_missing_kinds(model),
        features=len(features),
        used=[feature.name for feature in features if feature.used],
        unused=[feature.name for feature in features if not feature.used],
        missing_not_trained=[feature.name for feature in features if feature.policy == "error"],
        categories={f.name: len(f.categories) for f in features if f.categories is not None},
        most_important={f.name: round(f.importance, 4) for f in ranked[:SHOWN] if f.used},
        steps_before=list(loaded.steps),
        stands_around=[str(each) for each in loaded.others],
        suspicious=suspicious(model, features),
        notes=[*loaded.notes, *calibration(loaded), *category_notes(model, features)],
    )


def _depth(left: Ints, right: Ints) -> int:
    """Return the number of splits on the longest path; children come after their parents."""
    depth = np.ones(len(left), dtype=np.int64)
    for split in range(len(left)):
        for child in (left[split], right[split]):
            if child >= 0:
                depth[child] = depth[split] + 1
    return int(depth.max(initial=0))


def _missing_kinds(model: Model) -> dict[str, int]:
    kinds = np.concatenate([tree.missing for tree in model.trees])
    return {kind.name.lower(): int((kinds == kind).sum()) for kind in Missing}


def suspicious(model: Model, features: list[Feature]) -> list[str]:
    """List what a reviewer would question."""
    used = [feature for feature in features if feature.used]
    found = [f"{f.name} looks like an identifier" for f in used if IDENTITY.search(f.name)]
    found += [f"{f.name} looks like the target" for f in used if TARGET.search(f.name)]
    found += [f"{f.name} looks like a point in time" for f in used if TIME.search(f.name)]
    found += [
        f"{f.name} has {f.importance:.0%} of the gain" for f in used if f.importance > DOMINANT
    ]
    blind = [feature.name for feature in used if feature.policy == "error"]
    if len(blind) == len(used) and used:
        found.append("no split was trained on missing values: LightGBM silently scores NaN as 0")
    if all(name.startswith("Column_") for name in model.feature_names):
        found.append("the features have no names, only Column_i: check their order")
    found += weighted(model)
    if not used:
        return [*found, NO_SPLIT]
    constant = sum(len(tree.leaf_value) == 1 for tree in model.trees)
    if constant > len(model.trees) // 10:
        found.append(f"{constant} of {len(model.trees)} trees have one leaf")
    return found


def weighted(model: Model) -> list[str]:
    """Note weights used in training: the score is then no longer an observed frequency."""
    return [
        f"trained with {name} {value}: {NOT_SHARES}"
        for name, default in WEIGHTED.items()
        if (value := model.parameters.get(name, default)) != default
    ]


def render(found: Inspection) -> str:
    """Return the inspection as text."""
    missing = ", ".join(f"{count} {kind}" for kind, count in found.splits_by_missing.items())
    lines = [
        f"objective    {found.objective}: task {found.task}, transform {found.transform}, "
        f"{found.outputs} output(s)",
        *(f"classes      {each}" for each in found.classes),
        f"source       {found.kind}, LightGBM text {found.text_format}",
        f"trees        {found.trees} ({found.iterations} iterations), {found.leaves} leaves, "
        f"deepest {found.deepest}, {found.linear_trees} linear",
        f"splits       by missing kind: {missing}; {found.categorical_splits} categorical",
        f"features     {found.features}: {len(found.used)} used, {len(found.unused)} unused",
        _listed("unused", found.unused),
        _listed("no missing", found.missing_not_trained),
        _listed("categories", [f"{name} ({n})" for name, n in found.categories.items()]),
        _listed("importance", [f"{name} {x:.3f}" for name, x in found.most_important.items()]),
        _listed("came before", found.steps_before),
        *(f"around       {each}" for each in found.stands_around[:SHOWN]),
        *(f"note         {note}" for note in found.notes),
        *(f"suspicious   {each}" for each in found.suspicious),
    ]
    return "\n".join(line for line in lines if line)


def _listed(title: str, names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{title:<12} {', '.join(names[:SHOWN])}{more}" if names else ""
