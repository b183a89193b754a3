"""One decision, the latest or one looked up by its request id, beside what the reference holds."""

import base64
import json
import re
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from ..drift.result import ColumnDrift, Drift
from ..errors import MonitoringError
from ..log.get import records
from ..log.latest import latest
from ..log.record import decode
from ..markup import markdown
from ..nightly import output
from ..rows.errors import DriftError
from . import charts, why
from .files import Files

LATEST = 50
# A policy's version is its rule: "refer>=0.12 refuse>=0.18".
THRESHOLD = re.compile(r"\b(refer|refuse)>=(\S+)")


def show(files: Files) -> None:
    """Show the page."""
    st.title("One decision")
    if not files.logs:
        st.info("No log was named: start the dashboard with --log DIR to look decisions up.")
        return
    drift = _drift(files)
    try:
        found = _chosen(files, drift)
    except MonitoringError as error:
        st.warning(f"The log cannot be read. {markdown(str(error))}")
        return
    if not found:
        return
    chosen = found[0]
    if len(found) > 1:
        place = st.number_input(f"Which of its {len(found)} applicants", 1, len(found))
        chosen = found[int(place) - 1]
    _one(chosen, drift, files)


def _chosen(files: Files, drift: Drift | None) -> list[dict[str, Any]]:
    """Return the records of the request asked for, the latest unless told; [] where none is."""
    model = (drift.model.name, drift.model.version) if drift else None
    newest: dict[str, list[dict[str, Any]]] = {}
    for record, line in latest(files.logs, LATEST, model):
        newest.setdefault(record.request_id, []).append(json.loads(line))
    linked = st.query_params.get("request_id", "")
    options = [*([linked] if linked and linked not in newest else []), *newest]
    asked = st.selectbox(
        "Request id",
        options,
        index=options.index(linked) if linked else 0 if options else None,
        format_func=lambda one: _label(newest[one][0]) if one in newest else str(one),
        accept_new_options=True,
        placeholder="the request_id that was answered with a score",
        help=f"One of the latest {LATEST}, or any: paste its request_id and press Enter.",
    )
    if not asked:
        st.info("The log holds no score yet.")
        return []
    if asked in newest:
        return newest[asked]
    with st.spinner("Searching the log ..."):
        found = [json.loads(line) for line in records(files.logs, asked.strip())]
    if not found:
        st.warning("The log holds no such request.")
    return found


def _label(record: dict[str, Any]) -> str:
    parts = (record["request_id"], _moment(record), record.get("decision"))
    return "  ·  ".join(filter(None, parts))


def _moment(record: dict[str, Any]) -> str:
    return str(record["time"])[:19].replace("T", " ") + " UTC"


def _drift(files: Files) -> Drift | None:
    try:
        return output.read(files.out)
    except DriftError:
        return None  # a decision can be looked up before drift was ever looked for


def _one(record: dict[str, Any], drift: Drift | None, files: Files) -> None:
    st.subheader(markdown(f"{record['kind']} at {_moment(record)}"))
    prediction = record.get("prediction")
    decides = {f"{name} from": at for name, at in THRESHOLD.findall(record.get("policy") or "")}
    figures = {
        "Decision": str(record.get("decision") or "none"),
        "Score": f"{prediction:.4f}" if isinstance(prediction, float) else str(prediction),
        **{name.capitalize(): f"{float(at):.4g}" for name, at in decides.items()},
        "Model": f"{record.get('model')} {record.get('version')}",
    }
    with st.container(horizontal=True, gap="medium"):
        for label, value in figures.items():
            st.metric(label, markdown(value), width="content")
    st.caption(_rule(record))
    _warnings(record)
    why.show(decode(json.dumps(record).encode()), files)
    if drift and drift.score and isinstance(prediction, float):
        marks = {f"{name} {float(at):.4g}": float(at) for name, at in decides.items()}
        marks[f"this score {prediction:.4g}"] = prediction
        st.markdown("##### Where the score stands")
        st.altair_chart(
            charts.distributions(drift.score.bins, "score", marks), width="stretch",
            alt=f"Score {prediction:.4f} among the scores of the reference",
        )  # fmt: skip
    _features(record, {column.name: column for column in drift.columns} if drift else {})
    with st.expander("The record as it was written"):
        st.json(record)


def _rule(record: dict[str, Any]) -> str:
    """Say by which policy it was decided; a policy's version is its rule."""
    policy = record.get("policy")
    return markdown(f"by policy {policy}") if policy else "The model has no policy."


def _warnings(record: dict[str, Any]) -> None:
    if record.get("flags"):
        st.warning("Warnings given: " + markdown(", ".join(map(str, record["flags"]))))
    else:
        st.caption("No warnings were given.")


def _features(record: dict[str, Any], columns: dict[str, ColumnDrift]) -> None:
    st.markdown("##### What was sent")
    features = record.get("features")
    if features:
        st.dataframe(_table(features, columns), hide_index=True, width="stretch")
    elif record.get("row"):
        st.caption("The client sent a row of numbers, in the manifest's order:")
        row = np.frombuffer(base64.b64decode(record["row"]), "<f8")
        st.dataframe(pd.DataFrame({"value": row}), width="stretch", height=250)
    else:
        st.caption("The log keeps no features of this request.")


def _table(features: dict[str, Any], columns: dict[str, ColumnDrift]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "feature": list(features),
            "value": ["missing" if v is None else str(v) for v in features.values()],
            "among the reference": [
                standing(columns[name], value) if name in columns else ""
                for name, value in features.items()
            ],
        }
    )


def standing(column: ColumnDrift, value: object) -> str:
    """Say how common a value is in the reference: its bin's share, or that it was never seen."""
    bins = column.bins
    total = max(sum(bins.reference), 1)
    if value is None:
        return f"missing in {bins.reference[-1] / total:.1%}"
    if bins.labels:
        label = str(value)
        if label not in bins.labels:
            return "never seen"
        return f"{bins.reference[bins.labels.index(label)] / total:.1%} of rows"
    if not isinstance(value, int | float):
        return ""
    where = int(np.searchsorted(bins.edges, float(value), side="right"))
    below = sum(bins.reference[:where]) / total
    return f"rank {below:.0%} to {below + bins.reference[where] / total:.0%}"
