"""SVG plots of the results; the same results give the same bytes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import result
from ..result import Row

COLOURS = {"ours": "#0b6e4f", "limit": "#9a9a9a", "peer": "#c1440e", "other": "#4a6fa5"}
KINDS = {"bound": "ours", "native": "ours", "floor": "limit"}
Draw = Callable[[list[Row]], Any]


@contextmanager
def figure(width: float, height: float, panels: int | None = None) -> Iterator[Any]:
    """Yield a figure and its axes (a list if `panels` is given), without display or date."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    with pyplot.rc_context({"svg.hashsalt": "bench", "svg.fonttype": "none", "font.size": 9}):
        drawn = pyplot.figure(figsize=(width, height), layout="constrained")
        axes = [drawn.add_subplot(1, panels or 1, i + 1) for i in range(panels or 1)]
        for each in axes:
            each.spines[["top", "right"]].set_visible(False)
        yield drawn, axes if panels else axes[0]
        pyplot.close(drawn)


def ladder(rows: list[Row], path: Path) -> None:
    """Draw p50 to p99 of each engine, for the largest model measured, on a logarithmic axis."""
    last = [row for row in rows if row["model"] == rows[-1]["model"]][::-1]
    with figure(8, 0.8 + 0.3 * len(last)) as (drawn, axes):
        for i, row in enumerate(last):
            colour = COLOURS[KINDS.get(row["engine"], "other")]
            end = row["p99_us"] or row["p50_us"]
            axes.plot([row["p50_us"], end], [i, i], color=colour, linewidth=2, alpha=0.5)
            axes.plot([row["p50_us"]], [i], "o", color=colour)
        axes.set_yticks(range(len(last)), [row["label"] for row in last])
        axes.set_xscale("log")
        axes.set_xlabel(f"microseconds per applicant, p50 (dot) to p99, {last[0]['model']}")
        save(drawn, path)


def saturation(rows: list[Row], path: Path) -> None:
    """Draw answers a second of each server at its best number of connections."""
    best: dict[str, Row] = {}
    for row in rows:
        if row["per_second"] >= best.get(row["label"], row)["per_second"]:
            best[row["label"]] = row
    chosen = list(best.values())[::-1]
    with figure(8, 0.8 + 0.3 * len(chosen)) as (drawn, axes):
        rates = [row["per_second"] for row in chosen]
        colours = [COLOURS[row["kind"]] for row in chosen]
        bars = axes.barh([row["label"] for row in chosen], rates, color=colours)
        axes.bar_label(bars, [f"{rate:,.0f}" for rate in rates], padding=3)
        axes.set_xlabel(f"answers a second, one worker on one core, {chosen[0]['model']}")
        save(drawn, path)


def latency(rows: list[Row], path: Path) -> None:
    """Draw p50 and p99 against the rate offered."""
    with figure(8, 4.5) as (drawn, axes):
        for label in dict.fromkeys(row["label"] for row in rows):
            mine = [row for row in rows if row["label"] == label]
            colour = COLOURS[mine[0]["kind"]]
            for key, style in (("p50_us", "-o"), ("p99_us", ":^")):
                known = [row for row in mine if row[key] is not None]
                xs, ys = [row["offered"] for row in known], [row[key] for row in known]
                axes.plot(xs, ys, style, color=colour, markersize=4)
            shown = [row for row in mine if row["p50_us"] is not None]
            if shown:
                axes.annotate(label, (shown[-1]["offered"], shown[-1]["p50_us"]), fontsize=7)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("requests offered a second")
        axes.set_ylabel("microseconds from the intended send: p50 (line), p99 (dotted)")
        save(drawn, path)


LINES = (("p50_us", "request", "-o", COLOURS["ours"]),
         ("engine_us", "trees alone", ":^", COLOURS["limit"]),
         ("applicant_us", "an applicant", "--s", COLOURS["other"]))  # fmt: skip
AXES = {"trees": "trees", "features": "features", "batch": "applicants in a request"}


def cost(rows: list[Row], path: Path) -> None:
    """Draw a request's and an applicant's cost against trees, features and batch, side by side."""
    known = [axis for axis in AXES if any(row["axis"] == axis for row in rows)]
    with figure(9, 3, len(known)) as (drawn, panels):
        for axis, axes in zip(known, panels, strict=True):
            mine = [row for row in rows if row["axis"] == axis]
            lines = LINES if axis == "batch" else LINES[:2]
            for key, label, style, colour in lines:
                axes.plot([row[axis] for row in mine], [row[key] for row in mine], style,
                          label=label, color=colour, markersize=4)  # fmt: skip
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xlabel(AXES[axis])
        panels[0].set_ylabel("microseconds, p50")
        panels[-1].legend(frameon=False)
        save(drawn, path)


PLOTS = {"ladder": ladder, "compilers": ladder, "cost": cost, "saturation": saturation,
         "latency": latency, "peers": saturation, "peers_latency": latency}  # fmt: skip


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
