"""Why one decision fell: its reasons, a waterfall, the usual values, and the notice to copy."""

import pandas as pd
import streamlit as st

from ..errors import MonitoringError
from ..explain.breakdown import Explained
from ..explain.principal import APPROVED
from ..log.record import Record
from ..markup import markdown
from ..notice.decision import language_of
from ..notice.draft import draft
from ..replay.model import find
from . import waterfall
from .files import Files, explained

MOST_ROWS, ROW_PIXELS = 12, 35
TOWARDS = "towards refusal"


def show(record: Record, files: Files) -> None:
    """Show the part of the page that explains a decision."""
    st.markdown("##### Reasons")
    try:
        found = _explained(record, files)
    except MonitoringError as error:
        st.warning(f"The model cannot be read. {markdown(str(error))}")
        found = None
    language = _language(found) if found else None
    _reasons(record, found, language)
    if found is None:
        _say_why_not(record, files)
        return
    if record.row is None:
        st.caption("The log keeps no row of this request: it cannot be explained again.")
        return
    _waterfall(record, found, language)
    _values(record, found)
    if record.decision not in {None, APPROVED}:
        _notice(record, found, language)


def _explained(record: Record, files: Files) -> Explained | None:
    """Return what explains the model that decided, if it is there. Raises MonitoringError."""
    if files.models is None:
        return None
    folder = find(files.models).get((str(record.model), str(record.version)))
    if folder is None:
        return None
    changed = (folder / "manifest.json").stat().st_mtime_ns
    found = explained(folder, changed, record.reasons_version) or explained(folder, changed, None)
    same = found is not None and found.manifest.files.get("model.onnx") == record.sha256
    fits = record.row is None or (found and len(record.row) == 8 * len(found.manifest.features))
    return found if same and fits else None


def _say_why_not(record: Record, files: Files) -> None:
    name = markdown(f"{record.model}/{record.version}")
    if files.models is None:
        st.caption(
            "Start the dashboard with --models DIR to see texts, contributions and a notice."
        )
    else:
        where = markdown(str(files.models))
        st.caption(f"{name} is not below {where}, has no reasons, or was converted again since.")


def _language(found: Explained) -> str:
    languages = [*found.principal.codes.entries[0].text]
    if len(languages) < 2:
        return languages[0]
    return str(st.selectbox("Language of the applicant", languages, key="language"))


def _reasons(record: Record, found: Explained | None, language: str | None) -> None:
    """Show the reasons that were answered with the decision, the strongest first."""
    if record.reasons is None:
        st.caption("No reasons were recorded with this decision.")
        return
    if not record.reasons:
        st.caption("Nothing was to be explained: the answer held no reason.")
        return
    known = found.principal.codes if found else None
    same = known is not None and known.version == record.reasons_version
    for rank, (code, amount) in enumerate(record.reasons, start=1):
        said = _said(found, code, language) if found and same else ""
        st.markdown(markdown(f"{rank}. {code}: {said}" if said else f"{rank}. {code}")
                    + f" :gray[({markdown(f'{amount:+.2f}')})]")  # fmt: skip
    if known is not None and not same:
        st.caption("The bundle does not hold these reason codes: their texts are not known.")


def _said(found: Explained, code: str, language: str | None) -> str:
    """Return the text and the features of a code, "" if it is not known."""
    codes = found.principal.codes
    chosen = language_of(codes, language)
    for entry in codes.entries:
        for each in filter(None, (entry, entry.missing)):
            if each.code == code:
                return f"{each.text[chosen]} ({', '.join(entry.features)})"
    return ""


def _waterfall(record: Record, found: Explained, language: str | None) -> None:
    broken = found.breakdown(record)
    chosen = language_of(found.principal.codes, language)
    st.markdown(f"##### From the score of {found.among} to this one")
    st.caption(
        "The raw score in log-odds, to the right the more likely a refusal. Each bar is what a"
        f" reason adds beyond what is usual among {found.among}."
    )
    cutoffs = waterfall.cutoffs(found)
    steps = [(step.code.code, step.code.text[chosen], step.amount) for step in broken.steps]
    st.altair_chart(
        waterfall.draw(broken.usual, steps, broken.score, cutoffs), width="stretch",
        alt=f"Raw score {broken.score:.3f}, usual {broken.usual:.3f}, "
        + ", ".join(f"{code} {amount:+.3f}" for code, _, amount in steps[: waterfall.MOST]),
    )  # fmt: skip


def _values(record: Record, found: Explained) -> None:
    values = found.values(record)
    table = pd.DataFrame(
        {
            "feature": [each.feature for each in values],
            "this applicant": [each.value for each in values],
            found.among: [each.usual for each in values],
            TOWARDS: [each.amount for each in values],
            "reason": [each.code for each in values],
        }
    )
    height = min(len(table), MOST_ROWS) * ROW_PIXELS + ROW_PIXELS + 3
    st.dataframe(
        table.style.format({TOWARDS: "{:+.3f}"}), hide_index=True, width="stretch", height=height
    )
    st.caption(f"Of {found.among}: the median, or the most frequent category and its share.")


def _notice(record: Record, found: Explained, language: str | None) -> None:
    st.markdown("##### Notice to the applicant")
    try:
        text = draft(record, found.principal.codes, language)
    except MonitoringError as error:
        st.caption(markdown(str(error)))
        return
    st.caption("A draft to copy; python -m monitoring notice fills in a template of your own.")
    st.code(text, language=None, wrap_lines=True)
