"""Outcomes: how well the score told good from bad, as far as it is known."""

import pandas as pd
import streamlit as st

from ..markup import markdown
from ..nightly import output
from ..outcomes.result import Estimate, Outcomes
from . import charts
from .files import Files

FIGURE_PIXELS = 160  # two beside each other on a phone
MEANS = {
    "AUC": "the chance that a bad applicant has the higher score than a good one; 0.5 is guessing",
    "Gini": "twice the AUC, less 1; 0 is guessing",
    "KS": "the widest gap between the shares of bad and of good found below any score",
    "Brier": "the mean squared error of the probabilities; lower is better",
    "Bad rate": "the share that turned bad, of those whose outcome is known",
}


def show(files: Files) -> None:
    """Show the page."""
    st.title("Outcomes")
    outcomes = files.outcomes()
    if outcomes is None:
        st.info("No outcomes have come in yet. When they have:")
        st.code("python -m monitoring drift ... --labels outcomes.csv")
        return
    if files.is_older_than_the_verdict(files.out / output.OUTCOMES):
        st.warning(
            f"These are of an earlier run, {markdown(outcomes.time)}: the last one was given none."
        )
    st.caption(
        f"{outcomes.labelled:,} of {outcomes.scored:,} scored have an outcome{_of(outcomes)}."
    )
    for note in outcomes.notes:
        st.caption(markdown(note))
    _figures(outcomes)
    _calibration(outcomes)
    _over_time(outcomes)
    _cost(outcomes)


def _of(outcomes: Outcomes) -> str:
    """Say how many of each decision have one; of the refused there should be none."""
    known = outcomes.labelled_by_decision.items()
    said = ", ".join(f"{decision} {n:,} of {of:,}" for decision, (n, of) in known)
    return f": {markdown(said)}" if said else ""


def _figures(outcomes: Outcomes) -> None:
    quality = outcomes.quality
    figures = {
        "AUC": quality.auc, "Gini": quality.gini, "KS": quality.ks, "Brier": quality.brier,
        "Bad rate": quality.bad_rate,
    }  # fmt: skip
    if quality.auc is None:
        good = quality.rows - quality.bad
        st.info(f"{quality.bad} bad and {good} good: too few to judge discrimination by.")
    with st.container(horizontal=True):
        for name, estimate in figures.items():
            if estimate:
                st.metric(
                    name, f"{estimate.value:.3f}", _interval(estimate), "off", delta_arrow="off",
                    help=f"{MEANS[name]}. Below it, its 95 % interval.", width=FIGURE_PIXELS,
                )  # fmt: skip


def _interval(estimate: Estimate) -> str:
    return f"{estimate.low:.3f} to {estimate.high:.3f}"


def _calibration(outcomes: Outcomes) -> None:
    st.subheader("Calibration by score band")
    st.caption("On the dashed line, as many turned bad as predicted; above it, more.")
    known = [band for band in outcomes.bands if band.bad_rate]
    if not known:
        st.caption("No band holds an outcome yet.")
        return
    table = pd.DataFrame(
        [
            {
                "promised": band.mean_prediction, "seen": band.bad_rate.value,
                "low": band.bad_rate.low, "high": band.bad_rate.high, "rows": band.labelled,
            }
            for band in known
            if band.bad_rate
        ]
    )  # fmt: skip
    st.altair_chart(
        charts.calibration(table), width="stretch", alt="Bad rate seen against predicted, by band"
    )


def _over_time(outcomes: Outcomes) -> None:
    judged = [(p.start, p.quality.auc) for p in outcomes.periods if p.quality.auc]
    if len(judged) < 2:
        return
    st.subheader(f"AUC per {outcomes.by}")
    rows = [{"period": s, "AUC": e.value, "low": e.low, "high": e.high} for s, e in judged]
    chart = charts.with_band(pd.DataFrame(rows), "AUC")
    st.altair_chart(chart, width="stretch", alt="AUC of each period with its interval")


def _cost(outcomes: Outcomes) -> None:
    cost = outcomes.cost
    if cost is None:
        return
    st.subheader("Cost at the threshold")
    st.write(
        f"Refusing from {cost.refuse_at:.4g} on: {cost.approved_bad:,} bad approved at"
        f" {cost.cost_fn:g} each and {cost.refused_good:,} good refused at {cost.cost_fp:g} each,"
        f" {cost.per_row.value:.3f} a row ({_interval(cost.per_row)})."
    )
