"""The example notebook, run from the first cell to the last in a real kernel."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT

TOUR = ROOT / "docs" / "tour.ipynb"
LARGEST = 100_000


def load() -> Any:
    return nbformat.read(TOUR, as_version=4)  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def committed() -> Any:
    return load()


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook as it comes out today; a cell that raises fails the test."""
    folder = tmp_path_factory.mktemp("tour")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("TMPDIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR", "IPYTHONDIR"):
            patch.setenv(name, str(folder))
        patch.delenv("MPLBACKEND", raising=False)  # Streamlit, once imported, sets it to Agg
        notebook = load()
        NotebookClient(notebook, resources={"metadata": {"path": str(TOUR.parent)}}).execute()
    return notebook


def said(notebook: Any) -> list[str]:
    """Return what each code cell said in words."""
    return [
        "".join(
            out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell.outputs
        )
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.mark.parametrize("which", ["executed", "committed"])
def test_the_tour_goes_from_a_table_to_a_verdict(
    which: str, request: pytest.FixtureRequest
) -> None:
    whole = "\n".join(said(request.getfixturevalue(which)))
    for step in (
        "equal in every bit",
        "422",
        "small-loans/1: 601 of 601 bit-identical",
        "of 601 decisions would change",
        "DRIFT (large)",
        "the server ended with exit code 0",
    ):
        assert step in whole, whole


def test_what_speaks_today_speaks_in_the_committed_notebook(executed: Any, committed: Any) -> None:
    """`jupyter execute --inplace docs/tour.ipynb` renews what it says."""
    assert list(map(bool, said(executed))) == list(map(bool, said(committed)))


def test_the_committed_notebook_is_small_and_names_no_folder_of_a_machine(committed: Any) -> None:
    assert TOUR.stat().st_size < LARGEST
    assert any(
        "image/png" in out.get("data", {}) for c in committed.cells for out in c.get("outputs", [])
    )
    assert str(Path.home()) not in TOUR.read_text()
