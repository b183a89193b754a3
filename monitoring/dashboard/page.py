"""The dashboard as Streamlit runs it: `streamlit run page.py -- OUT [LOG ...]`."""

import sys
from functools import partial
from pathlib import Path

import streamlit as st

from monitoring.dashboard import decision, evidently_report, features, outcomes, overview
from monitoring.dashboard.files import Files


def main() -> None:
    """Choose the page and show it."""
    st.set_page_config(page_title="Credit Express", layout="wide")
    out, *logs = map(Path, sys.argv[1:])
    files = Files(out, logs)
    pages = {
        "overview": (overview.show, "Overview"),
        "features": (features.show, "Features"),
        "decision": (decision.show, "One decision"),
        "outcomes": (outcomes.show, "Outcomes"),
        "report": (evidently_report.show, "Evidently report"),
    }
    shown = [
        st.Page(partial(show, files), title=title, url_path=path, default=not i)
        for i, (path, (show, title)) in enumerate(pages.items())
    ]
    st.navigation(shown, position="top").run()


main()
