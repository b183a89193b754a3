"""The dashboard as Streamlit runs it: `streamlit run page.py -- OUT MODELS [LOG ...]`."""

import sys
from functools import partial
from pathlib import Path

import streamlit as st

from monitoring.dashboard import decision, evidently_report, features, outcomes, overview
from monitoring.dashboard.files import Files, verdicts

LESS_ROOM_ABOVE = "<style>[data-testid=stMainBlockContainer] {padding-top: 4rem}</style>"


def main() -> None:
    """Choose the page and show it."""
    st.set_page_config(page_title="Credit Express", layout="wide")
    st.html(LESS_ROOM_ABOVE)
    out, models, *logs = sys.argv[1:]
    files = Files(choose(Path(out)), [*map(Path, logs)], Path(models) if models else None)
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


def choose(out: Path) -> Path:
    """Ask which model and version to show, where there are verdicts of several."""
    found = verdicts(out)
    if len(found) < 2:
        return next(iter(found), out)
    said = list(found.values())
    chosen = st.selectbox("Model and version", said, key="model", bind="query-params")
    return list(found)[said.index(chosen)] if chosen in said else out


main()
