"""A plot of reasons over time: the share of decisions that name each code, period by period."""

from collections.abc import Sequence
from pathlib import Path

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..markup import harmless
from .report import Reasons
from .text import ordered

MOST_CODES, MOST_PLOTS, TALL, LONGEST = 10, 12, 420, 60


def save(found: Sequence[Reasons], path: Path) -> None:
    """Write an HTML page that works offline, a plot for each model version and policy."""
    shown = [report for report in found if report.explained][:MOST_PLOTS]
    figure = make_subplots(
        rows=max(len(shown), 1), cols=1,
        subplot_titles=[
            harmless(f"{report.model} {report.version}, policy {report.policy}") for report in shown
        ],
    )  # fmt: skip
    for place, report in enumerate(shown, start=1):
        for line in lines(report):
            figure.add_trace(line, row=place, col=1)
    figure.update_yaxes(
        title="share of decisions with reasons", tickformat=".0%", rangemode="tozero"
    )
    figure.update_layout(
        title="Reasons for what was not approved", height=TALL * max(len(shown), 1) + 80,
        template="plotly_white", hovermode="x unified",
    )  # fmt: skip
    figure.write_html(str(path), include_plotlyjs=True)


def lines(report: Reasons) -> list[go.Scatter]:
    """Return a line for each of the most frequent codes."""
    periods = [group for group in report.periods if group.explained]
    starts = [group.name for group in periods]
    return [
        go.Scatter(
            x=starts,
            y=[
                group.codes[code].named / group.explained if code in group.codes else 0.0
                for group in periods
            ],
            mode="lines+markers",
            name=harmless(called(code, report)),
            legendgroup=f"{report.model} {report.version} {report.policy}",
        )
        for code in ordered(report.periods)[:MOST_CODES]
    ]


def called(code: str, report: Reasons) -> str:
    """Return a code with its text, as far as it is known and fits."""
    text = report.texts.get(code, "")
    return f"{code} {text[:LONGEST]}".strip()
