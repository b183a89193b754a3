"""A folder of files, several at once: what is written is what one thread writes."""

import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import Trained
from tests.server.command import refused, run

FILES, ROWS = 7, 40


@pytest.fixture
def folder(trained: Trained, tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for part in range(FILES):
        rows = trained.held_out[part * ROWS : (part + 1) * ROWS]
        rows.to_parquet(folder / f"{part}.parquet")
    return folder


def spoil(folder: Path, part: int, trained: Trained) -> None:
    """Make row 3 of a part one that the server refuses."""
    rows = trained.held_out[part * ROWS : (part + 1) * ROWS].reset_index(drop=True)
    rows.loc[2, "AGE"] = float("nan")
    rows.to_parquet(folder / f"{part}.parquet")


def score(bundle: Path, source: Path, out: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    return run("score", "--model", str(bundle), str(source), "-o", str(out), *more)


def test_threads_write_the_files_that_one_thread_writes(
    bundle: Path, folder: Path, trained: Trained, tmp_path: Path
) -> None:
    for part in (2, 5):
        spoil(folder, part, trained)
    one, many = tmp_path / "one", tmp_path / "many"
    for out, threads in ((one, "1"), (many, "3")):
        said = score(bundle, folder, out, "--threads", threads, "--on-error", "skip")
        assert f"{FILES * ROWS} rows scored" in said.stderr
        assert f"2 refused (see {out / '_refused'})" in said.stderr
    written = sorted(file.relative_to(one) for file in one.rglob("*.parquet"))
    assert written == sorted(file.relative_to(many) for file in many.rglob("*.parquet"))
    assert len(written) == 2 * FILES
    for file in written:
        assert pq.read_table(one / file).equals(pq.read_table(many / file))


def test_the_first_file_that_is_refused_is_named_and_what_was_scored_stays(
    bundle: Path, folder: Path, trained: Trained, tmp_path: Path
) -> None:
    for part in (3, 6):
        spoil(folder, part, trained)
    out = tmp_path / "out"
    assert "3.parquet: row 3: AGE" in refused(score(bundle, folder, out, "--threads", "2"))
    there = {file.name for file in out.glob("*.parquet")}
    assert there >= {"0.parquet", "1.parquet", "2.parquet"}
    assert there.isdisjoint({"3.parquet", "6.parquet"})
    assert not [*out.glob(".*.part")]
    for part in (3, 6):
        trained.held_out[part * ROWS : (part + 1) * ROWS].to_parquet(folder / f"{part}.parquet")
    done = score(bundle, folder, out, "--threads", "2", "--resume")
    assert done.returncode == 0, done.stderr
    found = pq.read_table(out)["probability"].to_numpy()
    assert found.tobytes() == trained.prediction(trained.held_out[: FILES * ROWS]).tobytes()
