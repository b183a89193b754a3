"""Find contradictions in a manifest before anything is built from it."""

import math
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator

from .calibrator import Calibrator, curve
from .manifest import Category, Feature, Manifest, Number, Policy, Rule

# The transforms that each task allows.
TRANSFORMS = {
    "binary": {"sigmoid", "one_minus_sigmoid", "identity"},
    "multiclass": {"softmax", "multi_sigmoid", "identity"},
    "regression": {"identity", "sigmoid", "exp", "log1p_exp", "signed_square"},
    "ranking": {"identity", "signed_square"},
    "raw": {"identity", "signed_square"},
}
POLICIES = {"trained", "unused", "error", "zero", "impute"}
NEEDED = ("model.onnx", "golden.json")
COVERS, STEPS = "covers.bin", "steps.onnx"
SHA256 = re.compile("[0-9a-f]{64}")
WORD = re.compile(r"[A-Za-z0-9._-]+")
# msgspec accepts no field with such a name, because JSON would have to escape it.
UNFIT = re.compile(r'[\\"\x00-\x1f]')
# The beginning of a policy version that is a rule.
RULES = ("refuse>=", "refer>=")


def contradictions(manifest: Manifest) -> Iterator[str]:
    """Yield what is wrong, one line each: where, what was wanted, what was found."""
    yield from of_names(manifest)
    yield from of_files(manifest.files)
    yield from of_contributions(manifest)
    yield from of_outputs(manifest)
    yield from of_features(manifest.features)
    if manifest.policy is not None:
        yield from of_policy(manifest.policy, manifest.task)


def of_names(manifest: Manifest) -> Iterator[str]:
    """Check the bundle's name and version, which become parts of paths."""
    for what, value in (("name", manifest.name), ("version", manifest.version)):
        if not WORD.fullmatch(value) or value in {".", ".."}:
            yield f"{what}: wanted letters, digits, dot, dash, underscore, got {value!r}"


def of_files(files: dict[str, str]) -> Iterator[str]:
    """Check the files: names without a path, and valid hashes."""
    if missing := [name for name in NEEDED if name not in files]:
        yield f"files: wanted model.onnx and golden.json among them, got no {missing[0]}"
    for name, digest in files.items():
        if not name or "/" in name or "\0" in name or name in {".", "..", "manifest.json"}:
            yield f"files: wanted names of files beside the manifest, got {name!r}"
        if not SHA256.fullmatch(digest):
            yield f"files: {name}: wanted a sha256, got {digest!r}"


def of_contributions(manifest: Manifest) -> Iterator[str]:
    """Check the contributions: their files and features."""
    found, width = manifest.contributions, len(manifest.features)
    columns = found.columns if found else None
    for file, said in ((COVERS, found is not None), (STEPS, columns is not None)):
        if said != (file in manifest.files):
            yield f"contributions: wanted a file {file} if and only if the manifest says so"
    if columns is not None and not all(0 <= each < width for each in columns):
        yield f"contributions: wanted columns of {width} features, got {columns}"


def of_outputs(manifest: Manifest) -> Iterator[str]:
    """Check task, outputs, classes and transform."""
    task, outputs, transform = manifest.task, manifest.outputs, manifest.transform
    if task not in TRANSFORMS:
        yield f"task: wanted one of {', '.join(TRANSFORMS)}, got {task!r}"
        return
    if transform.name not in TRANSFORMS[task]:
        known = ", ".join(sorted(TRANSFORMS[task]))
        yield f"transform: wanted one of {known} for the task {task}, got {transform.name!r}"
    if not math.isfinite(transform.sigmoid) or not 0 < transform.divide_by < math.inf:
        given = f"{transform.sigmoid} and {transform.divide_by}"
        yield f"transform: wanted a finite sigmoid and a divisor above 0, got {given}"
    if outputs < 1 or (task == "binary" and outputs != 1):
        yield f"outputs: wanted {'1 for the task binary' if outputs > 0 else 'some'}, got {outputs}"
    yield from of_classes(manifest)
    if transform.calibrator is not None:
        yield from of_calibrator(transform.calibrator, task)


def of_calibrator(calibrator: Calibrator, task: str) -> Iterator[str]:
    """Check the calibrator."""
    if task != "binary":
        yield f"calibrator: wanted none for the task {task}"
    try:
        curve(calibrator)
    except ValueError as error:
        yield str(error)


def of_classes(manifest: Manifest) -> Iterator[str]:
    """Check the classes: distinct, and as many as the task needs."""
    classes, task = manifest.classes, manifest.task
    wanted = {"multiclass": manifest.outputs, "binary": 2}.get(task)
    if task == "multiclass" and len(classes or ()) != wanted:
        yield f"classes: wanted {wanted}, one for each output, got {classes}"
    elif classes is not None and wanted is not None and len(classes) != wanted:
        yield f"classes: wanted {wanted} for the task {task}, got {classes}"
    elif again := doubled(map(str, classes or ())):
        yield f"classes: wanted each once, got {again} again"
    elif classes and manifest.probability_of not in (None, *classes):
        yield f"probability_of: wanted one of {classes}, got {manifest.probability_of!r}"
    elif classes and task == "binary" and manifest.probability_of is not None:
        turned = manifest.transform.name == "one_minus_sigmoid"
        if manifest.probability_of != classes[0 if turned else 1]:
            name = manifest.transform.name
            yield f"probability_of: {name} is not of {manifest.probability_of!r} in {classes}"


def of_features(features: tuple[Feature, ...]) -> Iterator[str]:
    """Check the features."""
    if not features:
        yield "features: wanted at least one, got none"
    if again := doubled(feature.name for feature in features):
        yield f"wanted a feature under one name only, got {again} again"
    for feature in features:
        if UNFIT.search(feature.name):
            yield (
                f"feature {feature.name!r}: wanted a name without backslash, quote and control "
                "character: rename it and convert again"
            )
        found = of_number(feature) if isinstance(feature, Number) else of_category(feature)
        for each in (*of_missing(feature), *found):
            yield f"feature {feature.name}: {each}"


def of_missing(feature: Feature) -> Iterator[str]:
    """Check the handling of missing values."""
    missing = feature.missing
    if missing.policy not in POLICIES:
        yield f"missing: wanted one of {', '.join(sorted(POLICIES))}, got {missing.policy!r}"
    elif missing.allowed != (missing.policy != "error"):
        yield f"missing: wanted allowed where the policy is not error, got {missing}"
    elif (missing.value is not None) != (missing.policy in {"zero", "impute"}):
        yield f"missing: wanted a value for zero and impute alone, got {missing}"
    elif missing.policy == "zero" and missing.value != 0:
        yield f"missing: wanted the value 0 for zero, got {missing.value}"
    elif missing.policy == "unused" and feature.used:
        yield "missing: wanted another policy than unused for a feature that is used"


def of_number(feature: Number) -> Iterator[str]:
    """Check the range."""
    seen = feature.seen
    if seen is not None and not -math.inf < seen.min <= seen.max < math.inf:
        yield f"seen: wanted a finite min up to max, got {seen.min} and {seen.max}"


def of_category(feature: Category) -> Iterator[str]:
    """Check the categories and their codes."""
    categories, codes = feature.categories, feature.codes
    if len(categories) != len(codes):
        yield f"codes: wanted {len(categories)}, one for each category, got {len(codes)}"
    elif again := doubled(categories):
        yield f"categories: wanted each once, got {again} again"
    elif again := doubled(codes):
        yield f"codes: wanted each once, got {again} again"
    elif not all(math.isfinite(code) for code in codes):
        yield f"codes: wanted finite numbers, got {list(codes)}"
    elif feature.zero_as_missing and not feature.ordered:
        yield "zero_as_missing: wanted a number, got a category"


def of_policy(policy: Policy, task: str) -> Iterator[str]:
    """Check the rule in force and the earlier ones."""
    if task != "binary":
        yield f"policy: wanted none for the task {task}, got {policy.version!r}"
    if again := doubled(each.version for each in (policy, *policy.earlier)):
        yield f"policy: wanted each version once, got {again} again"
    for each in (policy, *policy.earlier):
        yield from of_rule(each)


def of_rule(policy: Rule) -> Iterator[str]:
    """Check the thresholds."""
    thresholds = [policy.refuse_at, policy.refer_from]
    if not all(each is None or 0 <= each <= 1 for each in thresholds):
        yield f"policy: wanted thresholds from 0 to 1, got {thresholds}"
    elif policy.refer_from is not None and policy.refer_from > policy.refuse_at:
        yield f"policy: wanted refer_from up to refuse_at, got {thresholds[::-1]}"
    elif policy.version.startswith(RULES) and policy.version != rule(policy):
        yield f"policy: version {policy.version!r} is another rule than {rule(policy)!r}"
    if not policy.version:
        yield "policy: wanted a version, got an empty one"


def rule(policy: Rule) -> str:
    """Return the version that `convert` gives a policy: its rule as text."""
    refer = "" if policy.refer_from is None else f"refer>={policy.refer_from!r} "
    return f"{refer}refuse>={policy.refuse_at!r}"


def doubled(values: Iterable[Hashable]) -> list[Hashable]:
    """Return the values that occur more than once."""
    return [value for value, count in Counter(values).items() if count > 1]
