"""A plot of a trial: each applicant's recorded prediction against the other version's."""

from pathlib import Path

import numpy as np
import plotly.graph_objects as go

from ..markup import harmless
from .trial import BINS, Trial


def save(trial: Trial, path: Path) -> None:
    """Write an HTML page that works offline."""
    model = harmless(trial.model)
    counts = np.array(trial.grid, dtype=float).T
    shown = np.log10(counts, where=counts > 0, out=np.full_like(counts, np.nan))
    middles = (np.arange(BINS) + 0.5) / BINS
    figure = go.Figure(
        go.Heatmap(
            x=middles, y=middles, z=shown, customdata=counts, colorscale="Viridis",
            hovertemplate="%{x:.2f} to %{y:.2f}: %{customdata} applicants<extra></extra>",
            colorbar={"title": "applicants (log10)"},
        )
    )  # fmt: skip
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line={"dash": "dot"})
    figure.update_layout(
        title=f"{trial.changed:,} of {trial.compared:,} decisions would change with {model}",
        xaxis_title="prediction recorded",
        yaxis_title=f"prediction of {model}",
        width=760, height=680,
    )  # fmt: skip
    figure.write_html(str(path), include_plotlyjs=True)
