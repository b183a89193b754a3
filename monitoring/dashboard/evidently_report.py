"""The Evidently report of the last run, embedded; it holds all it needs and works offline."""

import streamlit as st

from ..report.make import DRIFT_REPORT, OUTCOME_REPORT
from .files import Files

TITLES = {DRIFT_REPORT: "Drift and data summary", OUTCOME_REPORT: "Classification quality"}


def show(files: Files) -> None:
    """Show the page."""
    st.title("Evidently report")
    made = {n: p for n in TITLES if (p := files.out / f"{n}.html").is_file()}
    if not made:
        st.info(
            "There is no report yet. `python -m monitoring drift --out` makes one, unless there are"
            " too few rows, the bundle holds no reference rows, or --no-report is given."
        )
        return
    chosen = st.radio("Report", list(made), format_func=TITLES.__getitem__, horizontal=True)
    st.caption("Of at most 5,000 rows a side, for looking at. The verdict counts every row.")
    if files.is_older_than_the_verdict(made[chosen]):
        st.warning("This report is of an earlier run: the last one made none.")
    st.caption("Evidently lays it out for a wide screen: on a phone, scroll it sideways.")
    content = made[chosen].read_bytes()
    st.download_button("Download", content, f"{chosen}.html", "text/html")
    with st.spinner("Loading the report ..."):
        st.iframe(made[chosen], height=900)
