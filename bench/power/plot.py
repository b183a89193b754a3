"""The result as one picture: detection by size of sample, a panel per method."""

import io
from typing import TYPE_CHECKING

from .study import EVIDENTLY, FIXED, OURS, Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANELS = {
    OURS: "ours: PSI, significant and no trifle",
    FIXED: "PSI > 0.1",
    EVIDENTLY: "Evidently default",
}


def svg(study: Study) -> str:
    """Return the picture as SVG, the same text for the same result."""
    import matplotlib as mpl  # late: it takes a second to import
    from matplotlib.figure import Figure

    cells = [c for c in study.cells if c.reference_rows == study.cells[0].reference_rows]
    changes = list(dict.fromkeys(c.change for c in cells))
    sizes = list(dict.fromkeys(c.rows for c in cells))
    methods = [m for m in PANELS if m in cells[0].flagged]
    with mpl.rc_context({"svg.hashsalt": "drift", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(3.2 + 2.3 * len(methods), 0.34 * len(changes) + 1.2))
        axes = figure.subplots(1, len(methods), sharey=True, squeeze=False)[0]
        for axis, method in zip(axes, methods, strict=True):
            share = {(c.change, c.rows): c.flagged[method] / c.runs for c in cells}
            grid = [[share[change, rows] for rows in sizes] for change in changes]
            axis.imshow(grid, cmap="cividis", vmin=0, vmax=1, aspect="auto")
            axis.set_title(PANELS[method], fontsize=9)
            axis.set_xticks(range(len(sizes)), [f"{n:,}" for n in sizes])
            axis.set_yticks(range(len(changes)), changes)
            for i, row in enumerate(grid):
                for j, value in enumerate(row):
                    axis.text(j, i, f"{100 * value:.0f}", ha="center", va="center",
                              color="black" if value > 0.5 else "white")  # fmt: skip
        figure.supxlabel("current rows; % of runs flagged", fontsize=9)
        figure.tight_layout()
        return _text(figure)


def _text(figure: "Figure") -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"
