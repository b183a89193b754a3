"""Overview: the verdict, what was refused, how much was scored, what was decided, the score."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from ..drift.choices import HOUR
from ..drift.compare import band
from ..drift.result import BANDS, DRIFT, STABLE, Drift, Refused
from ..drift.summary import days_of, notes, sign
from ..drift.verdict import said_of_refused
from ..markup import markdown
from . import charts, palette
from .files import Files

OLD = timedelta(days=2)
SHOWN_REASONS = 6
UNKNOWN = "?"
FIGURE_PIXELS = 160  # two beside each other on a phone
AGAINST = {
    "training": "its reference rows",
    "previous": "the window before",
    "file": "the reference file",
}
BOXES: dict[str, Callable[..., Any]] = {
    "none": st.success, "small": st.warning, "moderate": st.warning, "large": st.error,
}  # fmt: skip


def show(files: Files) -> None:
    """Show the page."""
    drift = files.drift()
    st.title(markdown(f"{drift.model.name} {drift.model.version}"))
    left, right = st.columns([3, 2])
    with left:
        _verdict(drift)
    with right:
        _refused(drift, drift.refused)
    _when(drift)
    _figures(drift)
    _decisions(drift)
    _score(drift)
    if drift.trend and len(drift.trend.periods) > 1:
        _over_time(drift)
    elif drift.trend and drift.trend.periods:
        st.caption(f"All rows are of one {drift.trend.by}: there is nothing to show over time.")
    elif drift.rows.current:
        st.caption("The rows carry no time, so there is nothing to show over time.")
    for note in notes(drift):
        st.caption(markdown(note))


def _verdict(drift: Drift) -> None:
    against = AGAINST[drift.baseline]
    if drift.status == STABLE:
        st.success(f"#### ✓ Stable\nagainst {against}")
    elif drift.status == DRIFT:
        level = palette.BAND_SIGNS[drift.level]
        BOXES[drift.level](f"#### Drift, {level}\nagainst {against}")
    else:
        st.info("#### ? Too few rows to tell\n" + markdown("; ".join(drift.reasons)))
    if drift.status == DRIFT:
        told_beside = bool(drift.refused and drift.refused.drifted)  # it is the first reason
        reasons = drift.reasons[told_beside:]
        st.markdown("\n".join(f"- {markdown(reason)}" for reason in reasons[:SHOWN_REASONS]))
        if len(reasons) > SHOWN_REASONS:
            st.caption(f"and {len(reasons) - SHOWN_REASONS} more: see Features")
    _last_period(drift)


def _last_period(drift: Drift) -> None:
    """Warn where the last period alone is in a higher band: a long window hides what is new."""
    judged = [p for p in drift.trend.periods if p.score_psi is not None] if drift.trend else []
    if len(judged) < 2 or not drift.score or judged[-1].score_psi is None:
        return
    last, psi = judged[-1], judged[-1].score_psi
    found = band(psi, drift.settings)
    if BANDS.index(found) > max(BANDS.index(drift.score.band), BANDS.index("small")):
        BOXES[found](
            f"**Lately more:** the {drift.trend.by if drift.trend else ''} of {last.start} alone"
            f" has a score PSI of {psi:.3f}, {palette.BAND_SIGNS[found]}"
        )


def _refused(drift: Drift, refused: Refused | None) -> None:
    """Show how many requests were refused and why, the most frequent faults first."""
    if refused is None:
        st.info("#### Refused requests: not known\nThe rows are a file's, not a log's.")
        return
    if not refused.requests and not refused.others:
        st.success(f"#### No refused request\namong {refused.asked:,} asked")
        return
    BOXES[refused.band](
        f"#### Refused requests: {refused.share:.1%}\n{markdown(said_of_refused(refused))}\n\n"
        f"95 % interval {refused.low:.1%} to {refused.high:.1%}:"
        f" {'DRIFTED' if refused.drifted else 'steady'}"
    )
    if refused.others:
        said = ", ".join(f"{n:,} with {status}" for status, n in refused.others.items())
        st.caption(f"Not among them, since their bodies could not be read: {markdown(said)}")
    rows = [
        {"requests": f.requests, "share of asked": f"{f.requests / refused.asked:.1%}",
         "feature": f.feature or "body", "wanted": f.wanted}
        for f in refused.faults
    ]  # fmt: skip
    if rows:
        with st.expander("Why requests were refused"):
            st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")


def _when(drift: Drift) -> None:
    looked = datetime.fromisoformat(drift.time)
    days = f"{days_of(drift.window)}, " if drift.window.first else ""
    st.caption(f"{days}looked at {looked:%Y-%m-%d %H:%M} UTC")
    age = datetime.now(UTC) - looked
    if age > OLD:
        st.warning(f"This verdict is {age.days} days old: has the nightly run stopped?")


def _figures(drift: Drift) -> None:
    count = sum(column.drifted for column in drift.columns)
    drifted = f"{count} of {len(drift.columns)}" if drift.enough else UNKNOWN
    score = drift.score if drift.enough else None
    size = f", {palette.BAND_SIGNS[score.band]}" if score else ""
    figures = {
        "Rows scored": (f"{drift.rows.current:,}", "in the window"),
        "Reference rows": (f"{drift.rows.reference:,}", "compared with"),
        "Features drifted": (drifted, "see Features"),
        f"Score PSI{size}": (f"{score.psi:.3f}" if score else UNKNOWN, "how far scores have moved"),
    }
    with st.container(horizontal=True):
        for label, (value, told) in figures.items():
            st.metric(label, value, help=told, width=FIGURE_PIXELS)


def _decisions(drift: Drift) -> None:
    for one in drift.decisions:
        change = (one.share.current - one.share.reference) * 100
        interval = f"{one.change_low * 100:+.1f} to {one.change_high * 100:+.1f} points"
        st.write(
            f"**{markdown(one.decision)}** {one.share.reference:.1%} → {one.share.current:.1%}"
            f" ({change:+.1f} points, 95 % interval {interval}):"
            f" {sign(drift, one.share.drifted)}"
        )


def _score(drift: Drift) -> None:
    st.subheader("Score")
    if drift.score is None:
        st.caption("One side holds no scores.")
        return
    said = f"Score distribution, reference and current; PSI {drift.score.psi:.3f}"
    marks = thresholds(drift)
    chart = charts.distributions(drift.score.bins, "score", marks)
    st.altair_chart(chart, width="stretch", alt=", ".join([said, *marks]))


def thresholds(drift: Drift) -> dict[str, float]:
    """Return what the policy decides by, each threshold by what happens from it on."""
    if drift.policy is None:
        return {}
    found = {"refer": drift.policy.refer_from, "refuse": drift.policy.refuse_at}
    return {f"{name} from {at:.4g}": at for name, at in found.items() if at is not None}


def _over_time(drift: Drift) -> None:
    assert drift.trend is not None  # noqa: S101 - the caller looked
    periods = drift.trend.periods
    starts = [period.start for period in periods]
    in_utc = " (UTC)" if drift.trend.by == HOUR else ""
    left, right = st.columns(2)
    with left:
        st.subheader(f"Rows per {drift.trend.by}{in_utc}")
        chart = charts.volume(starts, [period.rows for period in periods])
        st.altair_chart(chart, width="stretch", alt="Rows scored in each period")
    with right:
        st.subheader(f"Decisions per {drift.trend.by}")
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
        chart = charts.psi(psi, drift.settings)
        st.altair_chart(chart, width="stretch", alt="Score PSI of each period")
