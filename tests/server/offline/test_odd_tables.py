"""Tables and folders of which something is not as it should be: one line, and nothing is lost."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT, Trained, environment
from tests.server.command import refused, run
from tests.waiting import until


def score(bundle: Path, source: Path, out: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    return run("score", "--model", str(bundle), str(source), "-o", str(out), *more)


@pytest.fixture
def folder(trained: Trained, tmp_path: Path) -> Path:
    """Two parts of nine rows each."""
    made = tmp_path / "in"
    made.mkdir()
    for part in range(2):
        trained.held_out[part * 9 : part * 9 + 9].to_parquet(made / f"{part}.parquet")
    return made


@pytest.mark.parametrize(("change", "said"), [
    (lambda rows: rows.assign(more=1), "wanted none as in 0.parquet, got more (int64)"),
    (lambda rows: rows.drop(columns="REGION"), "as in 0.parquet, got none"),
])  # fmt: skip
def test_a_part_with_other_columns_is_told(
    bundle: Path, trained: Trained, folder: Path, tmp_path: Path, change: object, said: str
) -> None:
    assert callable(change)
    change(trained.held_out[:9].reset_index(drop=True)).to_parquet(folder / "1.parquet")
    trained.held_out[:9].reset_index(drop=True).to_parquet(folder / "0.parquet")
    assert said in refused(score(bundle, folder, tmp_path / "out.parquet"))


def test_refused_rows_are_not_written_over_those_that_are_read(
    bundle: Path, trained: Trained, tmp_path: Path
) -> None:
    source = tmp_path / "refused-rows.parquet"
    trained.held_out[:9].to_parquet(source)
    before = source.read_bytes()
    said = refused(score(bundle, source, tmp_path / "rows.parquet", "--on-error", "skip"))
    assert f"wanted a file outside {source}" in said
    assert source.read_bytes() == before


def test_no_file_is_written_into_the_folder_that_is_read(bundle: Path, folder: Path) -> None:
    """It would be one of its parts the next time."""
    said = refused(score(bundle, folder, folder / "all.parquet"))
    assert f"wanted a file outside {folder}" in said
    assert len([*folder.iterdir()]) == 2


def test_resuming_scores_a_part_again_that_was_written_later(
    bundle: Path, trained: Trained, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert score(bundle, folder, out).returncode == 0
    kept = (out / "1.parquet").stat().st_mtime_ns
    trained.held_out[50:53].to_parquet(folder / "0.parquet")
    later = (out / "0.parquet").stat().st_mtime_ns + 1
    os.utime(folder / "0.parquet", ns=(later, later))
    assert "1 part was there already" in score(bundle, folder, out, "--resume").stderr
    found = pq.read_table(out / "0.parquet")["probability"].to_numpy()
    assert found.tobytes() == trained.prediction(trained.held_out[50:53]).tobytes()
    assert (out / "1.parquet").stat().st_mtime_ns == kept


@pytest.mark.parametrize("option", [("--decimal", ","), ("--separator", ";")])
def test_resuming_wants_the_options_that_a_folder_was_begun_with(
    bundle: Path, folder: Path, tmp_path: Path, option: tuple[str, str]
) -> None:
    assert score(bundle, folder, tmp_path / "out").returncode == 0
    said = refused(score(bundle, folder, tmp_path / "out", "--resume", *option))
    assert f"was begun with {option[0]} " in said


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view()])
def test_bytes_that_are_no_text_are_a_fault_of_their_row(
    bundle: Path, trained: Trained, tmp_path: Path, kind: pa.DataType
) -> None:
    rows = trained.held_out[:4].assign(KIND="lone")
    table = pa.Table.from_pandas(rows, preserve_index=False)
    place = table.schema.get_field_index("KIND")
    cells = pa.array([b"lone", b"lone\xff", None, b"lone"], kind)
    with pa.ipc.new_file(tmp_path / "in.arrow", table.set_column(place, "KIND", cells).schema) as w:
        w.write_table(table.set_column(place, "KIND", cells))
    done = score(
        bundle, tmp_path / "in.arrow", tmp_path / "out.parquet", "--on-error", "column"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    errors = pq.read_table(tmp_path / "out.parquet")["error"].to_pylist()
    assert [error is None for error in errors] == [True, False, True, True]
    assert "KIND: wanted one of" in errors[1]


@pytest.mark.parametrize(
    ("number", "files"), [(signal.SIGTERM, 1), (signal.SIGINT, 1), (signal.SIGINT, 3)]
)
def test_what_was_begun_is_removed_when_it_is_told_to_stop(
    bundle: Path, trained: Trained, tmp_path: Path, number: signal.Signals, files: int
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for part in range(files):
        pd.concat([trained.held_out] * 1500).to_parquet(source / f"{part}.parquet")
    command = [sys.executable, "-m", "server", "score", "--model", str(bundle), str(source)]
    command += ["-o", str(out if files > 1 else out / "out.parquet"), "--threads", "2"]
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)  # what is started inherits it
    try:
        begun = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stderr=subprocess.PIPE, text=True
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with begun:
        until(lambda: out.is_dir() and any(out.glob(".*.part")))
        begun.send_signal(number)
        said = begun.communicate()[1]
    assert begun.returncode == 128 + number
    assert "Traceback" not in said
    assert [*out.glob("*.parquet"), *out.glob(".*.part")] == []
