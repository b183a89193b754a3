"""SVG plots of the results; the same results give the same bytes.

They are as wide as a page, and their type is large enough for a phone: a name stands above what it
names, and axes have plain numbers.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from .. import result
from ..result import Row
from .tables import number

COLOURS = {"ours": "#0b6e4f", "limit": "#8a8a8a", "peer": "#c1440e", "other": "#3f6ea8"}
KINDS = {"bound": "ours", "native": "ours", "floor": "limit"}
WIDTH, TYPE, LINE, MARGIN = 5.8, 12, 0.52, 0.9  # inches, points, inches a line and around all
FEW = 100  # an axis that ends so many times higher has too few powers of ten
NAME_ABOVE, BELOW = 0.16, 0.22  # of a line: where a name begins, and a second mark stands
Draw = Callable[[list[Row], Path], None]


class Mark(msgspec.Struct, frozen=True):
    """A median and where the line from it ends, both on the axis; faint if `second`."""

    middle: float
    end: float
    second: bool = False


class Line(msgspec.Struct, frozen=True):
    """A name, what stands opposite, its colour, and its marks or the length of its bar."""

    name: str
    kind: str
    opposite: str = ""
    marks: tuple[Mark, ...] = ()
    bar: float | None = None


@contextmanager
def figure(height: float, panels: int = 1) -> Iterator[Any]:
    """Yield a figure and its axes, one above the other, without display or date."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    with pyplot.rc_context({"svg.hashsalt": "bench", "svg.fonttype": "none", "font.size": TYPE}):
        drawn = pyplot.figure(figsize=(WIDTH, height), layout="constrained")
        axes = [drawn.add_subplot(panels, 1, i + 1) for i in range(panels)]
        for each in axes:
            each.spines[["top", "right"]].set_visible(False)
        yield drawn, axes
        pyplot.close(drawn)


def plain_log(axis: Any) -> None:
    """Make an axis logarithmic, with numbers as people write them."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < FEW else (1,), numticks=9))
    axis.set_minor_formatter(NullFormatter())
    plain(axis)


def plain(axis: Any) -> None:
    """Give an axis numbers as people write them."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def lines(found: Sequence[Line], label: str, path: Path) -> None:
    """Draw one line of the picture for each, the first above: its name, and its marks or bar."""
    with figure(MARGIN + LINE * len(found)) as (drawn, [axes]):
        for place, line in enumerate(found):
            draw_line(axes, place, line)
        axes.set_ylim(len(found) - 0.5, -0.6)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        if any(line.marks for line in found):
            plain_log(axes.xaxis)
            axes.grid(axis="x", color="#dddddd", linewidth=0.6)
        else:
            plain(axes.xaxis)
        axes.set_xlabel(label)
        save(drawn, path)


def draw_line(axes: Any, place: int, line: Line) -> None:
    """Draw one line at a place."""
    colour, across = COLOURS[line.kind], axes.get_yaxis_transform()
    axes.text(0, place - NAME_ABOVE, line.name, transform=across, va="bottom")
    axes.text(1, place - NAME_ABOVE, line.opposite, transform=across, va="bottom", ha="right")
    for mark in line.marks:
        height, alpha = place + BELOW * mark.second, 0.45 if mark.second else 1
        axes.plot([mark.middle, mark.end], [height] * 2, color=colour, linewidth=3, alpha=alpha / 2)
        axes.plot([mark.middle], [height], "o", color=colour, alpha=alpha)
    if line.bar is not None:
        axes.barh([place + NAME_ABOVE / 2], [line.bar], height=0.3, color=colour)


def mark(row: Row, second: bool = False) -> tuple[Mark, ...]:
    """Return the median and the 99th percentile of a row, if it has them."""
    middle = row["p50_us"]
    return () if middle is None else (Mark(middle, row["p99_us"] or middle, second),)


WITHIN = "µs: half of all within (dot), 99 % within (end of the line)"


def steps(rows: list[Row], path: Path) -> None:
    """Draw the latency of each step, with its answers a second opposite."""
    found = [Line(row["label"], row["kind"], f"{row['per_second']:,.0f} a second", mark(row))
             for row in rows]  # fmt: skip
    lines(found, WITHIN, path)


def ladder(rows: list[Row], path: Path) -> None:
    """Draw the time of each engine, for the largest model measured."""
    last = [row for row in rows if row["model"] == rows[-1]["model"]]
    found = [Line(row["label"], KINDS.get(row["engine"], "other"), f"{number(row['p50_us'])} µs",
                  mark(row)) for row in last]  # fmt: skip
    lines(found, f"{WITHIN}, {last[0]['model']}", path)


def saturation(rows: list[Row], path: Path) -> None:
    """Draw answers a second of each server at its best number of connections."""
    best: dict[str, Row] = {}
    for row in (row for row in rows if row["model"] == rows[0]["model"]):
        if row["per_second"] >= best.get(row["label"], row)["per_second"]:
            best[row["label"]] = row
    found = [Line(row["label"], row["kind"], f"{row['per_second']:,.0f}", bar=row["per_second"])
             for row in best.values()]  # fmt: skip
    lines(found, f"answers a second, one worker on one core, {rows[0]['model']}", path)


def latency(rows: list[Row], path: Path) -> None:
    """Draw the latency of each server at half of its capacity, and below it at the larger share."""
    found = []
    for label in dict.fromkeys(row["label"] for row in rows):
        mine = sorted((row for row in rows if row["label"] == label), key=lambda row: row["share"])
        marks = [each for place, row in enumerate(mine) for each in mark(row, place > 0)]
        rates = " and ".join(f"{row['offered']:,.0f}" for row in mine)
        found.append(Line(label, mine[0]["kind"], f"{rates} a second", tuple(marks)))
    lines(found, f"{WITHIN};\nabove at 50 % of its capacity, below at 80 %", path)


LINES = (("p50_us", "a request", "-o", COLOURS["ours"]),
         ("engine_us", "the trees alone", ":^", COLOURS["limit"]),
         ("applicant_us", "an applicant", "--s", COLOURS["other"]))  # fmt: skip
AXES = {"trees": "trees", "features": "features", "batch": "applicants in a request"}


def cost(rows: list[Row], path: Path) -> None:
    """Draw a request's and an applicant's cost against trees, features and batch."""
    known = [axis for axis in AXES if any(row["axis"] == axis for row in rows)]
    with figure(2.6 * len(known), len(known)) as (drawn, panels):
        for axis, axes in zip(known, panels, strict=True):
            mine = [row for row in rows if row["axis"] == axis]
            for key, label, style, colour in LINES if axis == "batch" else LINES[:2]:
                axes.plot([row[axis] for row in mine], [row[key] for row in mine], style,
                          label=label, color=colour, markersize=5)  # fmt: skip
            plain_log(axes.xaxis)
            plain_log(axes.yaxis)
            axes.set_xticks([row[axis] for row in mine])
            axes.set_xlabel(AXES[axis])
            axes.set_ylabel("µs, half within")
            axes.legend(frameon=False, fontsize=TYPE - 1)
        save(drawn, path)


PLOTS: dict[str, Draw] = {
    "before_after": steps, "ladder": ladder, "cost": cost, "saturation": saturation,
    "latency": latency, "peers": saturation, "peers_latency": latency,
}  # fmt: skip


def save(drawn: Any, path: Path) -> None:
    """Write the SVG."""
    drawn.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def draw_all(folder: Path = result.FOLDER) -> list[Path]:
    """Draw the plot of every result that exists, beside it; raises result.ResultError."""
    drawn = []
    for name, draw in PLOTS.items():
        found = result.read(name, folder)
        rows = [row for row in found.rows if "error" not in row] if found else []
        if rows:
            draw(rows, folder / f"{name}.svg")
            drawn.append(folder / f"{name}.svg")
    return drawn
