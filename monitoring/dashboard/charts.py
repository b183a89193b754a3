"""The charts, each from plain numbers; every one of them also says what it shows in words."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import altair as alt
import pandas as pd

from ..drift.result import Bins
from . import palette

SIDES = alt.Scale(
    domain=["reference", "current"], range=[palette.REFERENCE, palette.CURRENT]
)  # fmt: skip
HEIGHT = 260
LONG = 12
MOST_BARS = 20
TALL = 340  # bin names take a third of it
LEAST_PSI = 0.3  # so that the bands are on the axis
LEAST_SHARE = 0.05  # so that an axis of zeros is still an axis


def bin_names(bins: Bins) -> list[str]:
    """Name the bins of a histogram, as many as it has counts."""
    if bins.labels:
        return [*bins.labels, "(unseen)", "(missing)"]
    edges = _told_apart(bins.edges)
    if not edges:
        names = ["any"]
    else:
        between = [f"{low} to {high}" for low, high in pairwise(edges)]
        names = [f"under {edges[0]}", *between, f"{edges[-1]} and over"]
    return [*names, "(missing)"][: len(bins.reference)]


def _told_apart(edges: Sequence[float]) -> list[str]:
    """Write edges with as few digits as keep them different."""
    names: list[str] = []
    for digits in range(3, 18):
        names = [_plain(f"{edge:.{digits}g}") for edge in edges]
        if len(set(names)) == len(names):
            break
    return names


def _plain(number: str) -> str:
    """Write 1.25e+04 as people do."""
    return f"{float(number):,.0f}" if "e+" in number and len(number) < LONG else number


def distributions(bins: Bins, what: str) -> Any:
    """Draw the reference as bars and the current rows over it as points on a line."""
    names, *sides = _most_held(bin_names(bins), _shares(bins.reference), _shares(bins.current))
    rows = pd.concat(
        pd.DataFrame({"bin": names, "share": shares, "side": side})
        for side, shares in zip(("reference", "current"), sides, strict=True)
    )
    empty = rows.groupby("bin")["share"].transform("max") == 0
    rows = rows[~(empty & rows["bin"].isin(["(unseen)", "(missing)"]))]
    base = alt.Chart(rows).encode(
        x=alt.X("bin:N", sort=names, title=what, axis=alt.Axis(labelAngle=-40, labelLimit=130)),
        y=alt.Y("share:Q", title="share of rows", axis=alt.Axis(format="%")),
        color=alt.Color("side:N", scale=SIDES, legend=alt.Legend(title=None, orient="top")),
        tooltip=["side", "bin", alt.Tooltip("share:Q", format=".1%")],
    )
    bars = base.transform_filter("datum.side == 'reference'").mark_bar(opacity=0.55)
    now = base.transform_filter("datum.side == 'current'")
    points = now.mark_point(filled=True, size=70, shape="diamond", opacity=1)
    return (bars + now.mark_line(strokeDash=[4, 2]) + points).properties(height=TALL)


def _most_held(
    names: list[str], before: list[float], now: list[float]
) -> tuple[list[str], list[float], list[float]]:
    """Return the bins that fit on a chart, in their order; the rarest added up in one bin."""
    rank = sorted(range(len(names)), key=lambda i: -max(before[i], now[i]))
    kept, rest = sorted(rank[:MOST_BARS]), rank[MOST_BARS:]
    if not rest:
        return names, before, now
    before, now = ([*(s[i] for i in kept), sum(s[i] for i in rest)] for s in (before, now))
    return [*(names[i] for i in kept), f"({len(rest)} others)"], before, now


def _shares(counts: Sequence[int]) -> list[float]:
    total = max(sum(counts), 1)
    return [count / total for count in counts]


def volume(starts: Sequence[str], rows: Sequence[int]) -> Any:
    """Draw how many rows were scored in each period."""
    table = pd.DataFrame({"period": starts, "rows": rows})
    chart = alt.Chart(table).mark_bar(color=palette.QUIET)
    return chart.encode(
        x=alt.X("period:O", title=None),
        y=alt.Y("rows:Q", axis=alt.Axis(format=",d", tickMinStep=1)),
        tooltip=["period", "rows"],
    ).properties(height=HEIGHT)


def lines(table: pd.DataFrame, value: str, series: str | None, percent: bool) -> Any:
    """Draw `value` over `period`, a line per `series` where there are several."""
    style = ".1%" if percent else ".3f"
    least = LEAST_SHARE if percent else LEAST_PSI
    scale = alt.Scale(domain=[0, max(least, float(table[value].max()))], nice=True)
    points = True if series else {"color": palette.CURRENT}  # blue points would be the reference
    chart = alt.Chart(table).mark_line(point=points, color=palette.CURRENT)
    encoded = chart.encode(
        x=alt.X("period:O", title=None),
        y=alt.Y(f"{value}:Q", axis=alt.Axis(format="%" if percent else ".2f"), scale=scale),
        tooltip=["period", *([series] if series else []), alt.Tooltip(f"{value}:Q", format=style)],
    )
    if series:
        names = sorted(table[series].unique())
        colours = iter(palette.OTHERS)
        paint = [palette.DECISIONS.get(name) or next(colours) for name in names]
        legend = alt.Legend(title=None, orient="top")
        encoded = encoded.encode(
            color=alt.Color(
                f"{series}:N", scale=alt.Scale(domain=names, range=paint), legend=legend
            ),
            shape=alt.Shape(f"{series}:N", legend=legend),
        )
    return encoded.properties(height=HEIGHT)


def with_bands(chart: Any, values: Sequence[float]) -> Any:
    """Draw the bands of the PSI over a chart of it."""
    levels = pd.DataFrame({"level": values})
    rules = alt.Chart(levels).mark_rule(strokeDash=[2, 3], color=palette.QUIET)
    return chart + rules.encode(y=alt.Y("level:Q", title="PSI"))


def with_band(table: pd.DataFrame, value: str) -> Any:
    """Draw `value` over `period` with its interval `low` to `high`."""
    base = alt.Chart(table).encode(x=alt.X("period:O", title=None))
    band = base.mark_errorbar(color=palette.QUIET).encode(
        y=alt.Y("low:Q", title=value, scale=alt.Scale(zero=False)), y2="high:Q"
    )
    points = base.mark_line(point={"color": palette.CURRENT}, color=palette.CURRENT).encode(
        y=alt.Y(f"{value}:Q", scale=alt.Scale(zero=False))
    )
    return (band + points).properties(height=HEIGHT)


def calibration(table: pd.DataFrame) -> Any:
    """Draw the bad rate seen, with its interval, against the one promised, band by band."""
    base = alt.Chart(table).encode(
        x=alt.X("promised:Q", axis=alt.Axis(format="%"), title="mean prediction")
    )
    seen = alt.Y("seen:Q", axis=alt.Axis(format="%"), title="bad rate seen")
    errors = base.mark_errorbar(color=palette.QUIET).encode(
        y=alt.Y("low:Q", title="bad rate seen"), y2="high:Q"
    )
    points = base.mark_point(filled=True, size=70, color=palette.CURRENT).encode(
        y=seen, tooltip=["rows", alt.Tooltip("seen:Q", format=".1%")]
    )
    most = float(table[["promised", "high"]].max().max())
    diagonal = pd.DataFrame({"promised": [0.0, most], "seen": [0.0, most]})
    line = alt.Chart(diagonal).mark_line(color=palette.REFERENCE, strokeDash=[4, 2])
    return (line.encode(x="promised:Q", y="seen:Q") + errors + points).properties(height=HEIGHT)
