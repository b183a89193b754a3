"""The committed results, and the page and plot that are rendered from them."""

from pathlib import Path
from typing import TypeVar

import msgspec

from monitoring.errors import MonitoringError

from .. import marks
from . import page, plot, scale, study

PAGE, PLOT = "drift.md", "drift-power.svg"
POWER_JSON, SCALE_JSON = "drift-power.json", "drift-scale.json"
Result = TypeVar("Result")


def render(folder: Path) -> None:
    """Write a folder's results into its drift.md and drift-power.svg. Raises MonitoringError."""
    result = read(folder / POWER_JSON, study.Study)
    (folder / PAGE).write_text(rendered(folder))
    (folder / PLOT).write_text(plot.svg(result))


def rendered(folder: Path) -> str:
    """Return the folder's drift.md with the tables of its results. Raises MonitoringError."""
    power, scale_ = read(folder / POWER_JSON, study.Study), read(folder / SCALE_JSON, scale.Scale)
    text = marks.filled((folder / PAGE).read_text(), page.POWER, page.tables(power))
    return marks.filled(text, page.SCALE, "\n".join(scale.table(scale_)))


def read(path: Path, kind: type[Result]) -> Result:
    """Read a committed result. Raises MonitoringError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError) as error:
        raise MonitoringError(f"{path}: not a result of a study: {error}") from error
