"""The whole conversion: from a loaded LightGBM model to the files of a verified bundle."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .bundle.golden import golden, golden_rows
from .bundle.manifest import Facts, Identity, manifest
from .bundle.profile import profile
from .bundle.report import verification_text
from .bundle.write import hashes_of, json_bytes, parquet_bytes, sums
from .compare.approximate import APPROXIMATE, approximated, count_wrong
from .errors import MismatchError, OptionError, UnsupportedModelError
from .model.category_notes import category_notes
from .model.evidence import Evidence
from .model.features import MissingChoice
from .model.rows import Rows, read_rows, refused_by_default
from .model.tree import Floats
from .policy.complement import complemented
from .policy.deciding import choose_policy
from .policy.labels import label_reader
from .policy.scores import PolicyChoice, Scores, reference_table, sampled
from .prove.building import Built, build
from .prove.contributions import Explained, explain
from .prove.verify import Progress, Subject, verify
from .read.classes import Meaning, meaning
from .read.inspection import NO_SPLIT, weighted
from .read.loading import Loaded
from .read.sklearn_pipeline import Carried
from .reasons.baseline import Compared
from .reasons.document import REASONS
from .reasons.making import ReasonsChoice, check_choice, reasons
from .tables.reference import Reference


@dataclass(frozen=True)
class Request:
    """The user's options for a conversion, apart from the model itself."""

    identity: Identity
    reference: Path | None = None
    label: str | None = None
    policy: PolicyChoice = field(default_factory=PolicyChoice)
    missing: MissingChoice = field(default_factory=MissingChoice)
    training: dict[str, object] = field(default_factory=dict)
    exporter: str = "exact"
    bad: str | None = None
    bad_label: str | None = None
    categories: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    reasons: ReasonsChoice = field(default_factory=ReasonsChoice)


def convert(
    loaded: Loaded, request: Request, progress: Progress, carried: Carried | None = None
) -> dict[str, bytes]:
    """Convert the model, compare it with LightGBM, and return the bundle as {file name: content}.

    `carried` are the pipeline steps in front of the booster, if there are any. Raises ConvertError
    if the model, the rows or the options cannot be used, or if a single bit differs from LightGBM.
    """
    if carried is not None and request.exporter in APPROXIMATE:
        raise OptionError(
            f"--exporter {request.exporter} converts boosters only; this model has pipeline steps"
        )
    given = _reference(loaded, request, carried)
    evidence = Evidence(request.categories, request.types, given)
    found = build(loaded, request.missing, carried, evidence)
    for note in category_notes(loaded.model, found.features, evidence):
        progress(note)
    built, meant = _meant(found, request, progress)
    entries = request.reasons.entries(built.features)
    progress(f"built model.onnx, {len(built.content)} bytes")
    rows = _rows(given, request, built, meant)
    for note in refused_by_default(rows, built.features):
        progress(note)
    scores = _scores(built.subject, rows)
    policy = choose_policy(request.policy, built.task, meant, rows, scores, progress)
    reference = rows.X if rows else None
    report = verify(built.subject, built.model, reference, progress)
    explained = _explained(built, request, reference, progress)
    if request.exporter in APPROXIMATE:
        built = approximated(built, request.exporter)
        scores = _scores(built.subject, rows)
        report = count_wrong(built, reference, policy.refuse_at if policy else None)
        progress(f"{request.exporter}: {report.mismatches} of {report.rows} rows are not exact")
    facts = Facts(built, policy, report, request.training, request.exporter, meant, explained)
    files = {"model.onnx": built.content, "model.txt": loaded.text.encode()}
    files |= explained.files if explained else {}
    files |= _derived(facts, rows, scores)
    if written := reasons(
        entries, request.reasons, built, policy, explained, _compared(rows, scores), progress
    ):
        files[REASONS] = json_bytes(written)
    files["verification.md"] = verification_text(request.identity, facts).encode()
    files["manifest.json"] = json_bytes(manifest(request.identity, facts, hashes_of(files)))
    files["SHA256SUMS"] = sums(files)
    return files


def _meant(built: Built, request: Request, progress: Progress) -> tuple[Built, Meaning]:
    """Settle which class the probability is of, and make the built model answer that class."""
    request.policy.check(built.task)
    decides, compares = request.policy.wanted, request.reference is not None
    check_choice(request.reasons, built.task, decides, compares)
    outputs = built.model.trees_per_iteration
    meant = meaning(built.task, outputs, built.loaded.classes, request.bad, decides)
    if decides and not any(feature.used for feature in built.features):
        raise OptionError(f"a threshold is useless here: {NO_SPLIT}")
    for note in (*meant.told(built.task), *weighted(built.model)):
        progress(note)
    return (complemented(built) if meant.turned else built), meant


def _reference(loaded: Loaded, request: Request, carried: Carried | None) -> Reference | None:
    if request.reference is None:
        return None
    inputs = [each.name for each in carried.inputs] if carried else loaded.model.feature_names
    return Reference.read(request.reference, {*inputs, request.label})


def _rows(given: Reference | None, request: Request, built: Built, meaning: Meaning) -> Rows | None:
    if given is None:
        return None
    reader = label_reader(built.task, meaning, request.bad_label)
    return read_rows(given, built.features, request.label, reader)


def _scores(subject: Subject, rows: Rows | None) -> Scores | None:
    if rows is None:
        return None
    raw = subject.runtime.raw(rows.X)
    return Scores(raw, subject.transform.apply(raw))


def _compared(rows: Rows | None, scores: Scores | None) -> Compared | None:
    """Return the rows that the bundle keeps: `convert policy` compares with them again."""
    if rows is None or scores is None:
        return None
    picked = sampled(rows)
    return Compared(rows.X[picked], scores.prediction[picked, 0])


def _explained(
    built: Built, request: Request, reference: Floats | None, progress: Progress
) -> Explained | None:
    """Prove the contributions; None, and a line that says why, if that cannot be done."""
    try:
        if request.exporter in APPROXIMATE:
            raise UnsupportedModelError(f"--exporter {request.exporter} is not exact")
        return explain(built, reference, progress)
    except (MismatchError, UnsupportedModelError) as error:
        if request.reasons.wanted:
            raise
        progress(f"no reasons: {error}")
        return None


def _derived(facts: Facts, rows: Rows | None, scores: Scores | None) -> dict[str, bytes]:
    """Return the golden rows and, if there are reference rows, the profile and a sample of them."""
    built = facts.built
    chosen = golden_rows(built.subject.pool, built.features, rows.X if rows else None)
    made = golden(chosen, built.subject.runtime, built.transform, facts.explained)
    files = {"golden.json": json_bytes(made)}
    if rows is not None and scores is not None:
        described = profile(rows, built.features, scores.prediction, facts.policy)
        files["profile.json"] = json_bytes(described)
        files["reference.parquet"] = parquet_bytes(reference_table(rows, scores))
    return files
