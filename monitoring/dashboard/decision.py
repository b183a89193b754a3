"""One decision, looked up in the log by its request id, beside what the reference holds."""

import base64
import json
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from ..drift.result import ColumnDrift
from ..errors import MonitoringError
from ..log.get import records
from ..markup import markdown
from ..nightly import output
from ..rows.errors import DriftError
from .files import Files


def show(files: Files) -> None:
    """Show the page."""
    st.title("One decision")
    if not files.logs:
        st.info("No log was named: start the dashboard with --log DIR to look decisions up.")
        return
    asked = st.text_input("Request id", value=st.query_params.get("request_id", "")).strip()
    if not asked:
        st.caption("The id that was answered with the score, in `request_id`.")
        return
    st.query_params["request_id"] = asked
    try:
        with st.spinner("Searching the log ..."):
            found = [json.loads(line) for line in records(files.logs, asked)]
    except MonitoringError as error:
        st.warning(f"The log cannot be read. {markdown(str(error))}")
        return
    if not found:
        st.warning("The log holds no such request.")
        return
    chosen = found[0]
    if len(found) > 1:
        place = st.number_input(f"Which of its {len(found)} applicants", 1, len(found))
        chosen = found[int(place) - 1]
    _one(chosen, _columns(files))


def _columns(files: Files) -> dict[str, ColumnDrift]:
    try:
        return {column.name: column for column in output.read(files.out).columns}
    except DriftError:
        return {}  # a decision can be looked up before drift was ever looked for


def _one(record: dict[str, Any], columns: dict[str, ColumnDrift]) -> None:
    st.subheader(markdown(f"{record['kind']} at {record['time']}"))
    figures = st.columns(3)
    figures[0].metric("Decision", markdown(str(record.get("decision") or "none")))
    figures[0].caption(_rule(record))
    prediction = record.get("prediction")
    shown = f"{prediction:.4f}" if isinstance(prediction, float) else str(prediction)
    figures[1].metric("Score", markdown(shown))
    model = f"{record.get('model')} {record.get('version')}"
    figures[2].metric("Model", markdown(model))
    if record.get("flags"):
        st.write("Warnings given: " + markdown(", ".join(map(str, record["flags"]))))
    features = record.get("features")
    if features:
        st.dataframe(_table(features, columns), hide_index=True, width="stretch")
    elif record.get("row"):
        st.caption("The client sent a row of numbers, in the manifest's order:")
        row = np.frombuffer(base64.b64decode(record["row"]), "<f8")
        st.dataframe(pd.DataFrame({"value": row}), width="stretch", height=250)
    with st.expander("The record as it was written"):
        st.json(record)


def _rule(record: dict[str, Any]) -> str:
    """Say by which policy it was decided; a policy's version is its rule."""
    policy = record.get("policy")
    return markdown(f"by policy {policy}") if policy else "The model has no policy."


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
