"""Overview: the verdict, how much was scored, what was decided, how the score lies."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import streamlit as st

from ..drift.result import DRIFT, STABLE, Drift, Refused
from ..drift.summary import days_of, notes, sign
from ..markup import markdown
from . import charts, palette
from .files import Files

OLD = timedelta(days=2)
TOO_FEW = "too few rows"


def show(files: Files) -> None:
    """Show the page."""
    drift = files.drift()
    st.title(markdown(f"{drift.model.name} {drift.model.version}"))
    _verdict(drift)
    _figures(drift)
    _score(drift)
    if drift.trend and drift.trend.periods:
        _over_time(drift)
    elif drift.rows.current:
        st.caption("The rows carry no time, so there is nothing to show over time.")
    for note in notes(drift):
        st.caption(markdown(note))


def _verdict(drift: Drift) -> None:
    against = {
        "training": "its reference rows",
        "previous": "the window before",
        "file": "the reference file",
    }
    if drift.status == STABLE:
        st.success(f"Stable against {against[drift.baseline]}.")
    elif drift.status == DRIFT:
        level = palette.BAND_SIGNS[drift.level]
        st.warning(f"Drift, {level}, against {against[drift.baseline]}.")
        st.markdown("\n".join(f"- {markdown(reason)}" for reason in drift.reasons[:6]))
        if len(drift.reasons) > 6:
            st.caption(f"and {len(drift.reasons) - 6} more: see Features")
    else:
        st.info("Too few rows to tell: " + markdown("; ".join(drift.reasons)))
    window = drift.window
    days = f"{days_of(window)}, " if window.first else ""
    looked = datetime.fromisoformat(drift.time)
    st.caption(f"{days}looked at {looked:%Y-%m-%d %H:%M} UTC")
    age = datetime.now(UTC) - looked
    if age > OLD:
        st.warning(f"This verdict is {age.days} days old: has the nightly run stopped?")


def _figures(drift: Drift) -> None:
    drifted = sum(column.drifted for column in drift.columns)
    figures = st.columns(5)
    figures[0].metric("Rows", f"{drift.rows.current:,}", help="scored in the window")
    figures[1].metric("Reference", f"{drift.rows.reference:,}", help="rows compared with")
    few = None if drift.enough else TOO_FEW
    figures[2].metric("Refused", _refused(drift), help="got no score (422), of all that were asked")
    told = few or f"{drifted} of {len(drift.columns)}"
    figures[3].metric("Features drifted", told)
    psi = few or (f"{drift.score.psi:.3f}" if drift.score else "none")
    figures[4].metric("Score PSI", psi, help="0.1 moderate, 0.25 large")
    if drift.refused and drift.refused.requests:
        _refusals(drift, drift.refused)
    for one in drift.decisions:
        change = (one.share.current - one.share.reference) * 100
        interval = f"{one.change_low * 100:+.1f} to {one.change_high * 100:+.1f} points"
        st.write(
            f"**{markdown(one.decision)}** {one.share.reference:.1%} → {one.share.current:.1%}"
            f" ({change:+.1f} points, 95 % interval {interval}):"
            f" {sign(drift, one.share.drifted).lower()}"
        )


def _refused(drift: Drift) -> str:
    return "not known" if drift.refused is None else f"{drift.refused.share:.1%}"


def _refusals(drift: Drift, refused: Refused) -> None:
    """Show how many requests were refused and why, the most frequent faults first."""
    st.write(
        f"**refused** {refused.requests:,} of {refused.asked:,} asked, {refused.share:.1%}"
        f" (95 % interval {refused.low:.1%} to {refused.high:.1%}):"
        f" {sign(drift, refused.drifted).lower()}"
    )
    rows = [
        {"requests": f.requests, "share of asked": f"{f.requests / refused.asked:.1%}",
         "feature": f.feature or "body", "wanted": f.wanted}
        for f in refused.faults
    ]  # fmt: skip
    if rows:
        with st.expander("Why requests were refused"):
            st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")


def _score(drift: Drift) -> None:
    st.subheader("Score")
    if drift.score is None:
        st.caption("One side holds no scores.")
        return
    said = f"Score distribution, reference and current; PSI {drift.score.psi:.3f}"
    st.altair_chart(charts.distributions(drift.score.bins, "score"), width="stretch", alt=said)


def _over_time(drift: Drift) -> None:
    assert drift.trend is not None  # noqa: S101 - the caller looked
    periods = drift.trend.periods
    starts = [period.start for period in periods]
    left, right = st.columns(2)
    with left:
        st.subheader(f"Rows per {drift.trend.by}")
        chart = charts.volume(starts, [period.rows for period in periods])
        st.altair_chart(chart, width="stretch", alt="Rows scored in each period")
    with right:
        st.subheader("Decisions")
        shares = [
            {"period": period.start, "decision": name, "share": period.decisions.get(name)}
            for period in periods
            for name in sorted({name for one in periods for name in one.decisions})
        ]
        if shares:
            chart = charts.lines(pd.DataFrame(shares), "share", "decision", percent=True)
            st.altair_chart(chart, width="stretch", alt="Share of each decision over time")
        else:
            st.caption("No row holds a decision.")
    psi = pd.DataFrame({"period": starts, "PSI": [period.score_psi for period in periods]})
    if psi["PSI"].notna().any():
        st.subheader("Score PSI over time")
        chart = charts.with_bands(charts.lines(psi, "PSI", None, percent=False), [0.1, 0.25])
        st.altair_chart(chart, width="stretch", alt="Score PSI of each period")
