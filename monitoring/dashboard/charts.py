"""The charts, each from plain numbers; every one of them also says what it shows in words."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import altair as alt
import pandas as pd

from ..drift.result import Bins, Settings
from . import palette

SIDES = alt.Scale(
    domain=["reference", "current"], range=[palette.REFERENCE, palette.CURRENT]
)  # fmt: skip
LEGEND = alt.Legend(title=None, orient="top")
# "2026-11-28" or "2026-11-28T09", as short as people write them; what does not fit is left out.
MOMENT = alt.Axis(
    labelExpr="length(datum.value) > 10 ? slice(datum.value, 11) + ':00'"
    " : utcFormat(utcParse(datum.value, '%Y-%m-%d'), '%-d %b')",
    labelAngle=0, labelOverlap="greedy", labelSeparation=6,
)  # fmt: skip
BIN_AXIS = alt.Axis(labelAngle=-40, labelLimit=130)
HEIGHT = 260
LONG = 12
MOST_BARS = 20
TALL = 340  # bin names take a third of it
ROOM, WORD_PIXELS = 0.1, 16  # above the bars, for a line of words
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


def distributions(bins: Bins, what: str, marks: Mapping[str, float] | None = None) -> Any:
    """Draw the reference and the current rows as bars side by side.

    `marks`: values to draw across, each by what it is called; only where bins have edges.
    """
    names, *sides = _most_held(bin_names(bins), _shares(bins.reference), _shares(bins.current))
    rows = pd.concat(
        pd.DataFrame({"bin": names, "share": shares, "side": side})
        for side, shares in zip(("reference", "current"), sides, strict=True)
    )
    empty = rows.groupby("bin")["share"].transform("max") == 0
    rows = rows[~(empty & rows["bin"].isin(["(unseen)", "(missing)"]))]
    place = partial(alt.X, "bin:N", sort=names, title=what, axis=BIN_AXIS)
    room = 1 + ROOM * len(marks or {})
    scale = alt.Scale(domain=[0, max(LEAST_SHARE, *rows["share"]) * room])
    bars = alt.Chart(rows).mark_bar()
    bars = bars.encode(
        x=place(),
        xOffset=alt.XOffset("side:N", sort=["reference", "current"]),
        y=alt.Y("share:Q", title="share of rows", axis=alt.Axis(format="%"), scale=scale),
        color=alt.Color("side:N", scale=SIDES, legend=LEGEND),
        tooltip=["side", "bin", alt.Tooltip("share:Q", format=".1%")],
    )
    lines = [
        _across(bins, names, place, *mark, line=i) for i, mark in enumerate((marks or {}).items())
    ]
    return alt.layer(bars, *lines).properties(height=TALL)


def _across(
    bins: Bins, names: list[str], place: Callable[..., alt.X], called: str, value: float, line: int
) -> Any:
    """Draw a line where a value lies within its bin."""
    i, within = placed(bins.edges, value)
    point = alt.Chart(pd.DataFrame({"bin": [names[i]], "called": [called], "value": [value]}))
    where = place(bandPosition=within)
    top = alt.value(line * WORD_PIXELS)
    rule = point.mark_rule(color=palette.INK, strokeWidth=2).encode(
        x=where, y=top, y2=alt.value("height"), tooltip=["called", "value"]
    )
    left = i > len(names) / 2  # the name stands where there is room
    word = point.mark_text(
        align="right" if left else "left", dx=-5 if left else 5, baseline="top", color=palette.INK,
        fontWeight="bold",
    )  # fmt: skip
    return rule + word.encode(x=where, y=top, text="called")


def placed(edges: Sequence[float], value: float) -> tuple[int, float]:
    """Return the bin of a value and how far into it the value is, 0 to 1.

    A bin without an end has no length: there it is at the beginning or in the middle.
    """
    i = bisect_right(edges, value)
    if i and value == edges[i - 1]:
        return i, 0.0
    return i, (value - edges[i - 1]) / (edges[i] - edges[i - 1]) if 0 < i < len(edges) else 0.5


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


def _period() -> alt.X:
    return alt.X("period:O", title=None, axis=MOMENT)


def volume(starts: Sequence[str], rows: Sequence[int]) -> Any:
    """Draw how many rows were scored in each period."""
    table = pd.DataFrame({"period": starts, "rows": rows})
    chart = alt.Chart(table).mark_bar(color=palette.QUIET)
    return chart.encode(
        x=_period(),
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
        x=_period(),
        y=alt.Y(f"{value}:Q", axis=alt.Axis(format="%" if percent else ".2f"), scale=scale),
        tooltip=["period", *([series] if series else []), alt.Tooltip(f"{value}:Q", format=style)],
    )
    if series:
        names = sorted(table[series].unique())
        colours = iter(palette.OTHERS)
        paint = [palette.DECISIONS.get(name) or next(colours) for name in names]
        encoded = encoded.encode(
            color=alt.Color(
                f"{series}:N", scale=alt.Scale(domain=names, range=paint), legend=LEGEND
            ),
            shape=alt.Shape(f"{series}:N", legend=LEGEND),
        )
    return encoded.properties(height=HEIGHT)


def psi(table: pd.DataFrame, settings: Settings) -> Any:
    """Draw `PSI` over `period`, and from where on it is called moderate and large."""
    chart = lines(table, "PSI", None, percent=False)
    for band, at, below in (
        ("moderate", settings.moderate_psi, True), ("large", settings.large_psi, False)
    ):  # fmt: skip
        named = alt.Chart(pd.DataFrame({"band": [band], "level": [at]}))
        level = alt.Y("level:Q", title="PSI")
        chart += named.mark_rule(strokeDash=[4, 3], color=palette.INK).encode(y=level)
        # One under its line and one over it: they lie close together where the axis is long.
        word = named.mark_text(align="left", dx=4, dy=9 if below else -7, color=palette.INK)
        chart += word.encode(x=alt.value(0), y=level, text="band")
    return chart


def with_band(table: pd.DataFrame, value: str) -> Any:
    """Draw `value` over `period` with its interval `low` to `high`."""
    base = alt.Chart(table).encode(x=_period())
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
        x=alt.X("promised:Q", axis=alt.Axis(format="%", tickCount=8), title="mean prediction")
    )
    seen = alt.Y("seen:Q", axis=alt.Axis(format="%"), title="bad rate seen")
    errors = base.mark_errorbar(color=palette.QUIET).encode(
        y=alt.Y("low:Q", title="bad rate seen"), y2="high:Q"
    )
    points = base.mark_point(filled=True, size=70, color=palette.CURRENT, opacity=1).encode(
        y=seen, tooltip=["rows", alt.Tooltip("seen:Q", format=".1%")]
    )
    most = float(table[["promised", "high"]].max().max())
    diagonal = pd.DataFrame({"promised": [0.0, most], "seen": [0.0, most]})
    line = alt.Chart(diagonal).mark_line(color=palette.REFERENCE, strokeDash=[4, 2])
    return (line.encode(x="promised:Q", y="seen:Q") + errors + points).properties(height=HEIGHT)
