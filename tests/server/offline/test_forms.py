"""The same rows in every form that people keep tables in: the same bits, the same errors."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cell_forms import FORMS, FormError
from tests.conftest import Trained, applicants
from tests.server.command import refused, run

ADDED = ["raw_score", "probability", "decision", "policy", "model"]


def cells(rows: pd.DataFrame) -> dict[str, list[Any]]:
    """Return plain cells, None where missing."""
    sent = applicants(rows)
    return {name: [row[name] for row in sent] for name in map(str, rows)}


def score(bundle: Path, source: Path, out: Path, *more: str) -> pa.Table:
    done = run("score", "--model", str(bundle), str(source), "-o", str(out), *more)
    assert done.returncode == 0, done.stderr
    return pq.read_table(out, partitioning=None)


@pytest.mark.parametrize("form", FORMS)
def test_a_table_in_every_form_has_the_same_bits_and_errors(
    form: str, bundle: Path, trained: Trained, tmp_path: Path
) -> None:
    rows = trained.held_out.head(300).astype({"REGION": int}).reset_index(drop=True)
    rows.loc[7, "AGE"], rows.loc[9, "REGION"] = float("nan"), 99
    columns = cells(rows)
    try:
        source = FORMS[form](columns, tmp_path)
    except FormError as error:
        pytest.skip(str(error))
    scored = score(bundle, source, tmp_path / "scored.parquet", "--on-error", "column")
    good = scored["error"].is_null().to_numpy()
    assert np.flatnonzero(~good).tolist() == [7, 9]
    wanted = trained.raw(trained.held_out.head(300))[good]
    assert scored["raw_score"].to_numpy()[good].tobytes() == wanted.tobytes()
    errors = scored["error"].to_pylist()
    assert errors[7].startswith("AGE: wanted a finite number, got ")
    assert errors[9].startswith("REGION: wanted one of 1, 2, 3, 4, got ")
    kept = score(bundle, source, tmp_path / "kept.parquet", "--on-error", "skip")
    assert kept["raw_score"].to_numpy().tobytes() == wanted.tobytes()
    left_out = pq.read_table(tmp_path / "refused-kept.parquet")
    assert left_out["error"].to_pylist() == [errors[7], errors[9]]
    out = ("-o", str(tmp_path / "out.parquet"))
    said = refused(run("score", "--model", str(bundle), str(source), *out))
    assert f"row 8: {errors[7]}" in said


@pytest.mark.parametrize(
    ("name", "separator", "option"),
    [("a.csv", ";", ";"), ("A.CSV", "\t", "tab"), ("a.csv.gz", "|", "|"), ("A.CSV.GZ", ";", ";")],
)
def test_a_csv_with_another_separator_and_a_decimal_comma_scores(
    bundle: Path, trained: Trained, tmp_path: Path, name: str, separator: str, option: str
) -> None:
    rows = trained.held_out.assign(note="1,5")
    text = rows.to_csv(index=False, sep=separator, decimal=",").encode()
    source = tmp_path / name
    source.write_bytes(gzip.compress(text) if name.lower().endswith(".gz") else text)
    out = tmp_path / "out.parquet"
    found = score(bundle, source, out, "--separator", option, "--decimal", ",")
    wanted = trained.raw(trained.held_out)
    assert found["raw_score"].to_numpy().tobytes() == wanted.tobytes()
    assert set(found["note"].to_pylist()) == {"1,5"}
    given = ("score", "--model", str(bundle), str(source), "-o", str(out))
    hint = f"it looks like {separator!r}-separated: --separator "
    assert hint in refused(run(*given))
    assert "if that is a decimal comma: --decimal ," in refused(run(*given, "--separator", option))


def test_with_a_decimal_comma_a_point_is_no_number(bundle: Path, tmp_path: Path) -> None:
    """1.500 may be fifteen hundred: nothing is guessed."""
    source = tmp_path / "in.csv"
    source.write_text('AGE;INCOME;DEBT-RATIO;KIND;REGION\n30;1.500;0,5;"home, shared";1,0\n')
    given = ("score", "--model", str(bundle), str(source), "-o", str(tmp_path / "out.csv"))
    said = refused(run(*given, "--separator", ";", "--decimal", ","))
    assert 'row 1: INCOME: wanted a finite number, got "1.500"' in said
    source.write_text(source.read_text().replace("1.500", "1500"))
    assert run(*given, "--separator", ";", "--decimal", ",").returncode == 0
    assert "argument --separator: invalid" in run(*given, "--separator", ";;").stderr


WRITERS: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "pandas": lambda rows, to: rows.to_parquet(to, partition_cols=["part", "KIND"]),
    "polars": lambda rows, to: polars.from_pandas(rows).write_parquet(
        to, partition_by=["part", "KIND"]
    ),
    "duckdb": lambda rows, to: duckdb.from_df(rows).write_parquet(
        str(to), partition_by=["part", "KIND"]
    ),
}


@pytest.fixture
def keyed(trained: Trained) -> pd.DataFrame:
    """Rows with a key, a column to part them by, and a category as text, missing in some."""
    rows = trained.held_out.assign(key=range(1000), part=[f"a/{i % 3}" for i in range(1000)])
    return rows.assign(KIND=pd.Series(cells(rows)["KIND"], dtype=object))


@pytest.mark.parametrize("writer", WRITERS)
def test_the_folders_of_a_partitioned_table_are_columns(
    writer: str, bundle: Path, trained: Trained, keyed: pd.DataFrame, tmp_path: Path
) -> None:
    """Whether one of them is a feature or only passes through, into one file or into folders."""
    source = tmp_path / "in"
    WRITERS[writer](keyed, source)
    (source / "_SUCCESS").touch()
    one = score(bundle, source, tmp_path / "out.parquet").sort_by("key")
    wanted = trained.raw(trained.held_out)
    assert one["raw_score"].to_numpy().tobytes() == wanted.tobytes()
    assert one["part"].to_pylist() == keyed["part"].tolist()
    assert one["KIND"].to_pylist() == cells(keyed)["KIND"]
    done = run("score", "--model", str(bundle), str(source), "-o", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    parts = sorted(each.relative_to(source) for each in source.rglob("*.parquet"))
    assert (
        sorted(each.relative_to(tmp_path / "out") for each in (tmp_path / "out").rglob("*.parquet"))
        == parts
    )
    names = [name for name in one.column_names if name not in {"part", "KIND"}]
    files = [pq.ParquetFile(tmp_path / "out" / part) for part in parts]
    many = pa.concat_tables(file.read(names) for file in files).sort_by("key")
    assert many.equals(one.select(names))
    assert all(
        file.schema_arrow.names[:-5] == pq.read_schema(source / part).names
        for file, part in zip(files, parts, strict=True)
    )


def test_eight_processes_share_a_folder(bundle: Path, trained: Trained, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for part in range(7):
        trained.held_out[part * 100 : part * 100 + 100].to_parquet(source / f"{part}.parquet")
    command = ("score", "--model", str(bundle), str(source), "-o", str(out), "--resume", "--part")
    for index in (2, 0, 1):
        done = run(*command, f"{index}/3")
        assert done.returncode == 0, done.stderr
        here = sorted(int(each.stem) for each in out.glob("*.parquet"))
        assert {*range(index, 7, 3)} <= {*here}
    assert here == [*range(7)]
    raw = pq.read_table(out)["raw_score"].to_numpy()
    assert raw.tobytes() == trained.raw(trained.held_out[:700]).tobytes()
    assert "0 rows scored" in run(*command, "8/9").stderr
    assert "argument --part: wanted 0/2 or 1/2" in run(*command, "3/3").stderr
    into_file = run(*command[:3], str(source), "-o", str(tmp_path / "a.parquet"), "--part", "0/2")
    assert "--part wants a folder" in refused(into_file)
