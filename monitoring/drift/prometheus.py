"""drift.prom: the verdict as Prometheus text, for a textfile collector or the server's /metrics."""

from collections.abc import Iterator
from datetime import datetime

from .result import BANDS, EXIT_CODES, Drift

Sample = tuple[dict[str, str], float]


def to_text(drift: Drift) -> str:
    """Return the Prometheus text; every gauge carries the model and its version."""
    model = {"model": drift.model.name, "version": drift.model.version}
    lines = []
    for name, meaning, samples in _gauges(drift):
        lines += [f"# HELP {name} {meaning}", f"# TYPE {name} gauge"]
        lines += [f"{name}{{{_labels(model | labels)}}} {value!r}" for labels, value in samples]
    return "\n".join(lines) + "\n"


def _gauges(drift: Drift) -> Iterator[tuple[str, str, list[Sample]]]:
    code = EXIT_CODES[drift.status]
    yield "credit_drift_status", "0 stable, 1 drift, 2 too few rows to tell.", [({}, code)]
    yield (
        "credit_drift_level",
        "Largest band of any drift: 0 none, 1 small, 2 moderate, 3 large.",
        [({}, BANDS.index(drift.level))],
    )
    when = datetime.fromisoformat(drift.time).timestamp()
    yield "credit_drift_run_timestamp_seconds", "When drift was last checked.", [({}, when)]
    rows = [
        ({"side": "reference"}, drift.rows.reference),
        ({"side": "current"}, drift.rows.current),
    ]
    yield "credit_drift_rows", "Rows compared.", [(labels, n) for labels, n in rows]
    if drift.score:
        psi = drift.score.psi
        yield "credit_drift_score_psi", "Population stability index of the score.", [({}, psi)]
    if drift.decisions:
        shares = [({"decision": d.decision}, d.share.current) for d in drift.decisions]
        yield "credit_drift_decision_share", "Share of the current rows.", shares
    yield from _refused_gauges(drift)
    yield from _feature_gauges(drift)


def _refused_gauges(drift: Drift) -> Iterator[tuple[str, str, list[Sample]]]:
    refused = drift.refused
    if refused is None:
        return
    yield (
        "credit_drift_refused_share",
        "Share of all requests that were refused (422).",
        [({}, refused.share)],
    )
    yield (
        "credit_drift_refused_drifted",
        "1 if that share is drift (--max-refused).",
        [({}, float(refused.drifted))],
    )
    shares: list[Sample] = [
        ({"feature": n}, k / refused.asked) for n, k in refused.features.items()
    ]
    if shares:
        meaning = "Share of all requests that were refused because of a feature."
        yield "credit_drift_refused_feature_share", meaning, shares


def _feature_gauges(drift: Drift) -> Iterator[tuple[str, str, list[Sample]]]:
    columns = sorted(drift.columns, key=lambda column: column.name)
    psi: list[Sample] = [({"feature": c.name}, c.psi) for c in columns]
    yield "credit_drift_feature_psi", "Population stability index of a feature.", psi
    drifted: list[Sample] = [({"feature": c.name}, float(c.drifted)) for c in columns]
    yield "credit_drift_feature_drifted", "1 if the feature drifted.", drifted
    missing: list[Sample] = [({"feature": c.name}, c.missing.current) for c in columns]
    yield "credit_drift_feature_missing_share", "Share of rows without a value.", missing


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
