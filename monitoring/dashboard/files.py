"""What the dashboard shows: the files of the last drift run, read again when they change."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from ..drift.result import Drift
from ..explain.breakdown import Explained, explained_of
from ..markup import markdown
from ..nightly import output
from ..outcomes.result import Outcomes
from ..rows.errors import DriftError

DEPTHS = ("", "*/", "*/*/")


def verdicts(out: Path) -> dict[Path, str]:
    """Return the folders in and below `out` that a drift run wrote to, each by its model."""
    found = {path.parent for depth in DEPTHS for path in out.glob(f"{depth}{output.JSON}")}
    return {folder: _called(folder, out) for folder in sorted(found)}


def _called(folder: Path, out: Path) -> str:
    """Name a folder's model and version, and the folder where it is not named by them."""
    below = str(folder.relative_to(out))
    try:
        model = _drift(folder, (folder / output.JSON).stat().st_mtime_ns).model
    except DriftError:
        return f"{below}: cannot be read"
    named = below in {".", f"{model.name}/{model.version}"}
    return f"{model.name} {model.version}" + ("" if named else f" ({below})")


@dataclass(frozen=True)
class Files:
    """The folder a drift run wrote, the log's folders, and that of the bundles."""

    out: Path
    logs: list[Path]
    models: Path | None = None

    def drift(self) -> Drift:
        """Return the last verdict; where there is none, say so and end the page."""
        path = self.out / output.JSON
        if not path.is_file():
            st.title("No verdict yet")
            st.info("There is no verdict yet. Look for drift first, with your model's folder:")
            log = self.logs[0].name if self.logs else "log"
            st.code(
                "python -m monitoring drift --model models/NAME/VERSION"
                f" --log {log} --out {self.out.name}",
                wrap_lines=True,
            )
            st.stop()
        try:
            return _drift(self.out, path.stat().st_mtime_ns)
        except DriftError as error:
            st.warning(f"The last verdict cannot be read. {markdown(str(error))}")
            st.stop()

    def is_older_than_the_verdict(self, path: Path) -> bool:
        """Whether a file is of an earlier run: a run writes its verdict first."""
        verdict = self.out / output.JSON
        return verdict.is_file() and path.stat().st_mtime_ns < verdict.stat().st_mtime_ns

    def outcomes(self) -> Outcomes | None:
        """Return the outcomes; None where no run was given any."""
        path = self.out / output.OUTCOMES
        if not path.is_file():
            return None
        try:
            return _outcomes(self.out, path.stat().st_mtime_ns)
        except DriftError as error:
            st.warning(f"The outcomes cannot be read. {markdown(str(error))}")
            st.stop()


@st.cache_resource(show_spinner="Reading the model ...", max_entries=10)
def explained(folder: Path, changed: int, version: str | None) -> Explained | None:
    """Return what explains the decisions of a bundle by a version of its reason codes, or by the
    present ones; read again when it changes.

    Raises MonitoringError.
    """
    return explained_of(folder, version)


@st.cache_data(show_spinner="Reading the verdict ...", max_entries=50)
def _drift(folder: Path, changed: int) -> Drift:
    return output.read(folder)


@st.cache_data(show_spinner="Reading the outcomes ...", max_entries=2)
def _outcomes(folder: Path, changed: int) -> Outcomes:
    return output.read_outcomes(folder)
