"""The waterfall of one decision: from the usual score to its own, one bar for each reason."""

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from textwrap import wrap
from typing import Any

import altair as alt
import pandas as pd

from ..explain.breakdown import Explained
from . import palette

MOST = 10
WORDS = 24  # letters in a line of a label
LINES = 2
STUB = 0.08  # of the way, for the shortest bar of a whole score
BAR_PIXELS, ABOVE_PIXELS = 42, 70
USUAL, SCORE, OTHERS = "usual", "this score", "(others)"
TOWARDS, AWAY, TOTAL = "towards refusal", "towards approval", "score"
PAINT = alt.Scale(
    domain=[TOWARDS, AWAY, TOTAL],
    range=[palette.DECISIONS["refuse"], palette.DECISIONS["approve"], palette.QUIET],
)
Labelled = tuple[str, str, float]  # code, text, amount


def draw(usual: float, steps: Sequence[Labelled], score: float, marks: Mapping[str, float]) -> Any:
    """Draw the bars; `marks` are lines across, each by its name."""
    table = bars(usual, steps, score)
    place = alt.Y(
        "label:N", sort=list(table["label"]), title=None,
        axis=alt.Axis(labelExpr="split(datum.label, '\\n')", labelLimit=190, labelLineHeight=13),
    )  # fmt: skip
    ends = [*table["from"], *table["to"], *marks.values()]
    room = 0.12 * (max(ends) - min(ends) or 1.0)
    scale = alt.Scale(domain=[min(ends) - room, max(ends) + room], zero=False, nice=False)
    base = alt.Chart(table).encode(y=place)
    drawn = base.mark_bar(size=18).encode(
        x=alt.X("from:Q", title="raw score, log-odds", scale=scale, axis=alt.Axis(tickCount=8)),
        x2="to:Q",
        color=alt.Color("way:N", scale=PAINT, legend=alt.Legend(title=None, orient="top")),
        tooltip=[
            "label",
            alt.Tooltip("amount:Q", format="+.4f"),
            alt.Tooltip("to:Q", format=".4f"),
        ],
    )
    words = base.mark_text(align="left", dx=4, color=palette.INK).encode(x="right:Q", text="said")
    layers = [drawn, words, *(across(name, at) for name, at in marks.items())]
    return alt.layer(*layers).properties(height=BAR_PIXELS * len(table) + ABOVE_PIXELS)


def bars(usual: float, steps: Sequence[Labelled], score: float) -> pd.DataFrame:
    """Return a row for each bar, from the top down; the smallest steps are added up in one."""
    kept, rest = [*steps[:MOST]], steps[MOST:]
    if rest:
        kept.append((OTHERS, f"{len(rest)} reasons", sum(amount for *_, amount in rest)))
    reached = [*accumulate((amount for *_, amount in kept), initial=usual)]
    axis = min(reached) - STUB * (max(reached) - min(reached) or 1.0)
    rows = [(USUAL, axis, usual, TOTAL, f"{usual:.2f}", usual)]
    for (code, text, amount), begin, end in zip(kept, reached, reached[1:], strict=False):
        way = TOWARDS if amount > 0 else AWAY
        rows.append((labelled(code, text), begin, end, way, f"{amount:+.2f}", amount))
    rows.append((SCORE, axis, score, TOTAL, f"{score:.2f}", score))
    table = pd.DataFrame(rows, columns=["label", "from", "to", "way", "said", "amount"])
    return table.assign(right=table[["from", "to"]].max(axis=1))


def labelled(code: str, text: str) -> str:
    """Return a code with as much of its text as fits in two lines."""
    lines = wrap(f"{code} {text}", WORDS, max_lines=LINES, placeholder=" …")
    return "\n".join(lines)


def across(name: str, at: float) -> Any:
    """Draw a line for a cut-off, with its name above the bars."""
    point = alt.Chart(pd.DataFrame({"at": [at], "name": [name]}))
    rule = point.mark_rule(color=palette.INK, strokeDash=[4, 3]).encode(x="at:Q")
    word = point.mark_text(
        align="left", baseline="bottom", dx=3, color=palette.INK, fontWeight="bold"
    ).encode(x="at:Q", y=alt.value(0), text="name")
    return rule + word


def cutoffs(found: Explained) -> dict[str, float]:
    """Return the raw scores from which the policy refuses and refers, in the direction of a
    refusal; none where the probability is more than a sigmoid of the raw score.
    """
    policy, transform = found.rule, found.manifest.transform
    if policy is None or transform.calibrator is not None or "sigmoid" not in transform.name:
        return {}
    ends = {"refer from": policy.refer_from, "refuse from": policy.refuse_at}
    return {
        name: math.log(at / (1 - at)) / transform.sigmoid
        for name, at in ends.items()
        if at is not None and 0 < at < 1
    }
