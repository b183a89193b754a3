"""The pipeline: text model in, files of a verified bundle out."""

from dataclasses import dataclass, field
from pathlib import Path

from .approximate import APPROXIMATE, approximated, count_wrong
from .building import Built, build
from .bundle import hashes_of, json_bytes, parquet_bytes, sums
from .errors import OptionError
from .features import MissingChoice
from .golden import golden, golden_rows
from .loading import Loaded
from .manifest import Facts, Identity, manifest
from .pipeline import Carried
from .profile import profile
from .report import verification_text
from .rows import Rows, read_rows, refused_by_default
from .scores import PolicyChoice, Scores, reference_table
from .verify import Progress, Subject, verify


@dataclass(frozen=True)
class Request:
    """What the user asked for, besides the model."""

    identity: Identity
    reference: Path | None = None
    label: str | None = None
    policy: PolicyChoice = field(default_factory=PolicyChoice)
    missing: MissingChoice = field(default_factory=MissingChoice)
    training: dict[str, object] = field(default_factory=dict)
    exporter: str = "exact"


def convert(
    loaded: Loaded, request: Request, progress: Progress, carried: Carried | None = None
) -> dict[str, bytes]:
    """Return the files of the bundle, verified against LightGBM.

    Raises ConvertError, by its kinds, for a model, rows or options that cannot be followed and for
    a single differing bit.
    """
    if carried is not None and request.exporter in APPROXIMATE:
        raise OptionError(f"--exporter {request.exporter} takes the booster alone, no pipeline")
    built = build(loaded, request.missing, carried)
    progress(f"built model.onnx, {len(built.content)} bytes")
    rows = _rows(request, built)
    for note in refused_by_default(rows, built.features):
        progress(note)
    scores = _scores(built.subject, rows)
    policy = request.policy.follow(built.task, rows, scores)
    reference = rows.X if rows else None
    report = verify(built.subject, built.model, reference, progress)
    if request.exporter in APPROXIMATE:
        built = approximated(built, request.exporter)
        scores = _scores(built.subject, rows)
        report = count_wrong(built, reference, policy.refuse_at if policy else None)
        progress(f"{request.exporter}: {report.mismatches} of {report.rows} rows are not exact")
    facts = Facts(built, policy, report, request.training, request.exporter)
    files = {"model.onnx": built.content, "model.txt": loaded.text.encode()}
    files |= _derived(facts, rows, scores)
    files["verification.md"] = verification_text(request.identity, facts).encode()
    files["manifest.json"] = json_bytes(manifest(request.identity, facts, hashes_of(files)))
    files["SHA256SUMS"] = sums(files)
    return files


def _rows(request: Request, built: Built) -> Rows | None:
    if request.reference is None:
        return None
    return read_rows(request.reference, built.features, request.label)


def _scores(subject: Subject, rows: Rows | None) -> Scores | None:
    if rows is None:
        return None
    raw = subject.runtime.raw(rows.X)
    return Scores(raw, subject.transform.apply(raw))


def _derived(facts: Facts, rows: Rows | None, scores: Scores | None) -> dict[str, bytes]:
    """The golden rows, and with reference rows their sample and their profile."""
    built = facts.built
    chosen = golden_rows(built.subject.pool, built.features, rows.X if rows else None)
    files = {"golden.json": json_bytes(golden(chosen, built.subject.runtime, built.transform))}
    if rows is not None and scores is not None:
        described = profile(rows.X, built.features, scores.prediction, facts.policy)
        files["profile.json"] = json_bytes(described)
        files["reference.parquet"] = parquet_bytes(reference_table(rows, scores))
    return files
