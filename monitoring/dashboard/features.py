"""Features: all of them in the order of concern, one of them looked at closely."""

import pandas as pd
import streamlit as st

from ..drift.result import ColumnDrift, Drift
from ..drift.summary import sign
from ..markup import markdown
from . import charts, palette
from .files import Files

MOST_ROWS, ROW_PIXELS = 10, 35


def show(files: Files) -> None:
    """Show the page."""
    drift = files.drift()
    st.title("Features")
    st.caption(
        markdown(f"{drift.model.name} {drift.model.version}")
        + ", in the order of concern: the larger shift first, then what moves the score most."
    )
    height = min(len(drift.columns), MOST_ROWS) * ROW_PIXELS + ROW_PIXELS + 3
    shown = table(drift).style.apply(lambda _: _paint(drift), subset=["drift"])
    st.dataframe(shown.format(precision=3), hide_index=True, width="stretch", height=height)
    names = [column.name for column in drift.columns]
    chosen = st.selectbox("Feature", names, key="feature")
    column = next((column for column in drift.columns if column.name == chosen), None)
    if column:
        _one(drift, column)


def table(drift: Drift) -> pd.DataFrame:
    """Return the features as people read them."""
    shown = pd.DataFrame(
        {
            "feature": [c.name for c in drift.columns],
            "drift": [_band(drift, c) for c in drift.columns],
            "PSI": [c.psi for c in drift.columns],
            "by chance up to": [c.critical for c in drift.columns],
            "missing before": [f"{c.missing.reference:.1%}" for c in drift.columns],
            "missing now": [f"{c.missing.current:.1%}" for c in drift.columns],
            "importance": [f"{c.importance:.1%}" for c in drift.columns],
        }
    )
    weighed = any(column.importance for column in drift.columns)
    return shown if weighed else shown.drop(columns="importance")


def _band(drift: Drift, column: ColumnDrift) -> str:
    """Name the band a feature is in, or say that it cannot be told."""
    return palette.BAND_SIGNS[column.band] if drift.enough else sign(drift, column.drifted)


def _paint(drift: Drift) -> list[str]:
    return [palette.BAND_CELLS.get(c.band, "") if drift.enough else "" for c in drift.columns]


def _one(drift: Drift, column: ColumnDrift) -> None:
    st.subheader(markdown(column.name))
    st.write(markdown(_said(drift, column)))
    if column.absent:
        st.warning("The current rows do not have this column at all.")
    if not column.used:
        st.caption("The model does not use it.")
    said = f"Distribution of {column.name}, reference and current; PSI {column.psi:.3f}"
    st.altair_chart(charts.distributions(column.bins, column.name), width="stretch", alt=said)
    if column.outside and column.outside.rows:
        values = ", ".join(
            f"{value:g}" + (f" ({n} times)" if n > 1 else "") for value, n in column.outside.values
        )
        st.caption(f"{column.outside.rows:,} values outside the range seen, such as {values}")
    if drift.trend and len(drift.trend.periods) > 1:
        _over_time(drift, column.name)


def _said(drift: Drift, column: ColumnDrift) -> str:
    if not drift.enough:
        return "Too few rows to tell."
    return "; ".join(column.reasons) or "Nothing has changed that chance would not explain."


def _over_time(drift: Drift, name: str) -> None:
    assert drift.trend is not None  # noqa: S101 - the caller looked
    starts = [period.start for period in drift.trend.periods]
    missing = pd.DataFrame({"period": starts, "missing": drift.trend.missing[name]})
    by, least = drift.trend.by, drift.settings.min_rows
    psi = pd.DataFrame({"period": starts, "PSI": drift.trend.psi[name]})
    left, right = st.columns(2)
    with left:
        st.subheader(f"Missing per {by}")
        if any(drift.trend.missing[name]):
            chart = charts.lines(missing, "missing", None, percent=True)
            st.altair_chart(chart, width="stretch", alt=f"Share of {name} missing over time")
        else:
            st.caption("Never missing in this window.")
    with right:
        st.subheader(f"PSI per {by}")
        if psi["PSI"].notna().any():
            chart = charts.psi(psi, drift.settings)
            st.altair_chart(chart, width="stretch", alt=f"PSI of {name} over time")
        else:
            st.caption(f"No {by} holds {least} rows, the least to tell anything by.")
