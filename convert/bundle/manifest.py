"""The manifest: everything that a reader of the bundle must know, as JSON values."""

from dataclasses import asdict, dataclass, field
from importlib.metadata import version

from ..model.features import Feature
from ..policy.policy import Policy
from ..prove.building import Built
from ..prove.contributions import Explained
from ..prove.verify import Report
from ..read.classes import Label, Meaning

SCHEMA_VERSION = 1
TOOLS = ("lightgbm", "onnx", "onnxruntime", "numpy")


@dataclass(frozen=True)
class Identity:
    """The bundle's name and version."""

    name: str
    version: str


@dataclass(frozen=True)
class Facts:
    """The results of a conversion that go into the manifest."""

    built: Built
    policy: Policy | None
    report: Report
    training: dict[str, object]
    exporter: str = "exact"
    meaning: Meaning = field(default_factory=Meaning)
    explained: Explained | None = None


def manifest(identity: Identity, facts: Facts, hashes: dict[str, str]) -> dict[str, object]:
    """Return the manifest. It holds no timestamp, so the same input gives the same bytes."""
    built = facts.built
    outputs = built.model.trees_per_iteration
    explained = facts.explained
    return {
        "schema_version": SCHEMA_VERSION,
        "name": identity.name,
        "version": identity.version,
        "files": dict(sorted(hashes.items())),
        "task": built.task,
        "objective": built.model.objective,
        "outputs": outputs,
        "classes": _classes(facts),
        "probability_of": facts.meaning.of,
        "features": [_feature(feature) for feature in built.features],
        "transform": built.transform.values(),
        "policy": None if facts.policy is None else policy_values(facts.policy),
        "exporter": facts.exporter,
        "verification": _verification(facts.report),
        **({"contributions": explained.values} if explained else {}),
        "source": {"kind": built.loaded.kind, "steps_before": list(built.loaded.steps)},
        "training": facts.training,
        "tools": {tool: version(tool) for tool in TOOLS},
    }


def _feature(feature: Feature) -> dict[str, object]:
    described: dict[str, object] = {
        "name": feature.name,
        "type": "category" if feature.is_category else "number",
        "used": feature.used,
        "importance": feature.importance,
        "zero_as_missing": feature.zero_as_missing,
        "missing": {
            "trained": feature.missing_trained,
            "allowed": feature.policy != "error",
            "policy": feature.policy,
            "value": feature.missing_value,
        },
    }
    if feature.is_category:
        described |= {"ordered": True} if feature.ordered else {}
        return described | {"categories": feature.categories, "codes": feature.codes}
    described |= {"boolean": True} if feature.boolean else {}
    seen = dict(zip(("min", "max"), feature.seen, strict=True)) if feature.seen else None
    return described | {"seen": seen}


def _verification(report: Report) -> dict[str, object]:
    described: dict[str, object] = asdict(report)
    if not report.left_out:
        del described["left_out"]
    return described


def _classes(facts: Facts) -> list[Label] | None:
    """Return the classes of the probabilities; for multiclass without names, their positions."""
    if facts.meaning.classes is not None:
        return list(facts.meaning.classes)
    outputs = facts.built.model.trees_per_iteration
    return list(range(outputs)) if facts.built.task == "multiclass" else None


def policy_values(policy: Policy) -> dict[str, object]:
    """Return the policy's entry in the manifest."""
    return {
        "version": policy.version,
        "refuses": policy.refuses,
        "refuse_at": policy.refuse_at,
        "refer_from": policy.refer_from,
        "chosen": policy.chosen,
    }
