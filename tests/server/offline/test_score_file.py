"""`python -m server score`: a file scores with the server's bits, and its columns stay."""

from pathlib import Path

import pandas as pd
import polars
import pyarrow as pa
import pytest
from pyarrow import feather

from server.offline.batches import batches_of
from tests.conftest import KINDS, Trained
from tests.server.command import refused, run

pytestmark = pytest.mark.slow

ADDED = ("raw_score", "probability", "decision", "policy", "model")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_scores_with_lightgbms_bits(
    bundle: Path, trained: Trained, tmp_path: Path, suffix: str
) -> None:
    """The input's columns stay, the scores come after them."""
    rows, source, out = (
        trained.held_out.assign(note="x"),
        tmp_path / f"in{suffix}",
        tmp_path / f"out{suffix}",
    )
    rows.to_csv(source, index=False) if suffix == ".csv" else rows.to_parquet(source)
    done = run("score", "--model", str(bundle), str(source), "-o", str(out))
    assert done.returncode == 0, done.stderr
    assert "1,000 rows scored" in done.stderr
    scored = (
        pd.read_csv(out, float_precision="round_trip") if suffix == ".csv" else pd.read_parquet(out)
    )
    assert [*scored.columns] == [*rows.columns, *ADDED]
    for column, wanted in (("raw_score", trained.raw), ("probability", trained.prediction)):
        assert scored[column].to_numpy().tobytes() == wanted(trained.held_out).tobytes()
    assert ((scored["decision"] == "refuse") == (scored["probability"] >= 0.4)).all()


def test_a_bad_row_of_a_file_is_named(bundle: Path, trained: Trained, tmp_path: Path) -> None:
    trained.held_out[:3].assign(AGE=[1.0, float("nan"), 3.0]).to_csv(
        tmp_path / "in.csv", index=False
    )
    arguments = (
        "score",
        "--model",
        str(bundle),
        str(tmp_path / "in.csv"),
        "-o",
        str(tmp_path / "o.csv"),
    )
    assert "row 2: AGE: wanted a finite number" in refused(run(*arguments))
    trained.held_out[["AGE"]].rename(columns={"AGE": "age"}).to_csv(tmp_path / "in.csv")
    assert "no column for AGE (is it age?), INCOME" in refused(run(*arguments))
    assert "nosuch.csv: No such file" in refused(run(*arguments[:3], "nosuch.csv", *arguments[4:]))


def test_a_file_that_is_no_table_is_named_and_nothing_is_written(
    bundle: Path, trained: Trained, tmp_path: Path
) -> None:
    """Not even the rows before the one that does not fit."""
    out = tmp_path / "o.csv"
    (tmp_path / "latin.csv").write_bytes(b"AGE,na\xefve\n1,2\n")
    trained.held_out[:3].assign(AGE=[1.0, 2.0, float("nan")]).to_csv(tmp_path / "late.csv")
    for name, wanted in (
        ("latin.csv", "wanted UTF-8, got byte 0xef"), ("late.csv", "row 3: AGE"),
    ):  # fmt: skip
        done = run("score", "--model", str(bundle), str(tmp_path / name), "-o", str(out))
        assert wanted in refused(done)
        assert str(tmp_path / name) in done.stderr
    nowhere = str(tmp_path / "in.csv" / "o.csv")
    trained.held_out[:3].to_csv(tmp_path / "in.csv")
    done = run("score", "--model", str(bundle), str(tmp_path / "in.csv"), "-o", nowhere)
    assert nowhere in refused(done)
    assert not [*tmp_path.rglob("*o*.csv")]


def test_a_damaged_parquet_file_is_named(bundle: Path, tmp_path: Path) -> None:
    file = tmp_path / "in.parquet"
    file.write_bytes(b"PAR1nope")
    done = run("score", "--model", str(bundle), str(file), "-o", str(tmp_path / "o.csv"))
    assert f"{file}: wanted Parquet" in refused(done)


def test_a_file_may_be_scored_in_place(bundle: Path, trained: Trained, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    trained.held_out[:5].to_csv(rows, index=False)
    assert run("score", "--model", str(bundle), str(rows), "-o", str(rows)).returncode == 0
    assert len(pd.read_csv(rows)["probability"]) == 5


def test_a_column_of_true_and_false_counts_as_numbers(
    bundle: Path, trained: Trained, tmp_path: Path
) -> None:
    """As LightGBM takes it from a data frame; what pandas makes of one-hot columns."""
    rows, out = trained.held_out[:6].assign(AGE=[True, False] * 3), tmp_path / "o.parquet"
    rows.to_parquet(tmp_path / "in.parquet")
    done = run("score", "--model", str(bundle), str(tmp_path / "in.parquet"), "-o", str(out))
    assert done.returncode == 0, done.stderr
    wanted = trained.prediction(rows.astype({"AGE": float}))
    assert pd.read_parquet(out)["probability"].to_numpy().tobytes() == wanted.tobytes()


def scored(bundle: Path, source: Path, out: Path, *more: str) -> pd.DataFrame:
    done = run("score", "--model", str(bundle), str(source), "-o", str(out), *more)
    assert done.returncode == 0, done.stderr
    return pd.read_parquet(out)


@pytest.fixture
def faulty(trained: Trained, tmp_path: Path) -> Path:
    """A file of ten rows; the second and the fifth are faulty."""
    rows = trained.held_out[:10].reset_index(drop=True).astype({"REGION": int})
    rows = rows.assign(id=range(10))
    rows.loc[1, "AGE"] = float("nan")
    rows.loc[4, "REGION"] = 99
    rows.to_parquet(tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


def test_faulty_rows_are_left_out_into_a_file_of_their_own(bundle: Path, faulty: Path) -> None:
    out = faulty.with_name("out.parquet")
    kept = scored(bundle, faulty, out, "--on-error", "skip")
    aside = faulty.with_name("refused-out.parquet")
    left_out = pd.read_parquet(aside)
    assert kept["id"].tolist() == [0, 2, 3, 5, 6, 7, 8, 9]
    assert left_out["id"].tolist() == [1, 4]
    assert left_out["error"][0].startswith("AGE: wanted a finite number, got")
    assert left_out["error"][1].startswith("REGION: wanted one of")
    again = run("score", "--model", str(bundle), str(faulty), "-o", str(out), "--on-error", "skip")
    assert f"2 refused (see {aside})" in again.stderr


def test_a_folder_of_bundles_is_told_from_a_bundle(bundle: Path, faulty: Path) -> None:
    out = str(faulty.with_name("out.parquet"))
    done = run("score", "--model", str(bundle.parent), str(faulty), "-o", out)
    assert "wanted a bundle's folder, models/NAME/VERSION" in refused(done)


def test_faulty_rows_say_why_they_have_no_score(bundle: Path, faulty: Path) -> None:
    found = scored(bundle, faulty, faulty.with_name("out.parquet"), "--on-error", "column")
    assert found["id"].tolist() == list(range(10))
    bad = found["error"].notna()
    assert found["id"][bad].tolist() == [1, 4]
    assert (found[[*ADDED]].isna().all(axis=1) == bad).all()


def test_a_folder_of_files_becomes_a_folder_and_goes_on_where_it_stopped(
    bundle: Path, trained: Trained, tmp_path: Path
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for part in range(3):
        rows = trained.held_out[part * 100 : part * 100 + 100]
        rows.assign(part=part).to_parquet(source / f"part-{part}.parquet")
    found = scored(bundle, source, out)
    assert found["part"].value_counts().to_dict() == {0: 100, 1: 100, 2: 100}
    (out / "part-1.parquet").unlink()
    kept = (out / "part-0.parquet").stat().st_mtime_ns
    done = run("score", "--model", str(bundle), str(source), "-o", str(out))
    assert "wanted an empty folder, or --resume" in refused(done)
    assert scored(bundle, source, out, "--resume").equals(found)
    assert (out / "part-0.parquet").stat().st_mtime_ns == kept
    other = run(
        "score", "--model", str(bundle), str(source), "-o", str(out), "--resume",
        "--on-error", "column",
    )  # fmt: skip
    assert "was begun with --on-error refuse, got column; wanted the same" in refused(other)
    again = run("score", "--model", str(bundle), str(source), "-o", str(out), "--resume")
    assert "0 rows scored" in again.stderr
    assert "3 parts were there already" in again.stderr


def test_it_goes_on_only_in_a_folder_that_it_began(
    bundle: Path, trained: Trained, tmp_path: Path
) -> None:
    """Otherwise the rows themselves, their own folder named as the output, count as scored."""
    source = tmp_path / "in"
    source.mkdir()
    trained.held_out[:9].to_parquet(source / "0.parquet")
    command = ("score", "--model", str(bundle), str(source), "-o", str(source), "--resume")
    assert "wanted an empty folder, or --resume and one begun before" in refused(run(*command))
    assert [each.name for each in source.iterdir()] == ["0.parquet"]


def test_it_goes_on_where_the_disk_was_full_at_once(
    bundle: Path, trained: Trained, tmp_path: Path
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    out.mkdir()
    (out / "_scored.json").touch()
    trained.held_out[:9].to_parquet(source / "0.parquet")
    assert len(scored(bundle, source, out, "--resume")) == 9


def test_a_line_of_another_width_is_named_as_an_editor_counts_it(
    bundle: Path, tmp_path: Path
) -> None:
    source = tmp_path / "in.csv"
    source.write_text('AGE,INCOME,DEBT-RATIO,KIND,REGION,note\n\n30,1,1,car,1,"a\nb"\n31\n')
    done = run("score", "--model", str(bundle), str(source), "-o", str(tmp_path / "out.csv"))
    assert "in.csv: line 5: wanted 6 cells, got 1" in refused(done)


def test_a_folder_may_become_one_file(bundle: Path, trained: Trained, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for part in range(2):
        trained.held_out[part * 9 : part * 9 + 9].to_parquet(source / f"{part}.parquet")
    found = scored(bundle, source, tmp_path / "out.parquet", "--threads", "3")
    wanted = trained.prediction(trained.held_out[:18])
    assert found["probability"].to_numpy().tobytes() == wanted.tobytes()
    trained.held_out[:9].assign(AGE=lambda rows: rows["AGE"].astype("float32")).to_parquet(
        source / "1.parquet"
    )
    done = run("score", "--model", str(bundle), str(source), "-o", str(tmp_path / "two.parquet"))
    assert "one file: wanted AGE (double) as in 0.parquet, got AGE (float)" in refused(done)


@pytest.mark.parametrize("suffix", [".csv", ".CSV", ".csv.gz", ".parquet", ".arrow"])
def test_it_writes_what_it_reads(
    bundle: Path, trained: Trained, tmp_path: Path, suffix: str
) -> None:
    """Scored once and again, from one form to another: the same bits."""
    trained.held_out[:50].to_parquet(tmp_path / "rows.parquet")
    first = scored(bundle, tmp_path / "rows.parquet", tmp_path / "one.parquet")
    first.drop(columns=[*ADDED]).to_parquet(tmp_path / "again.parquet")
    middle = tmp_path / f"middle{suffix}"
    arguments = ("score", "--model", str(bundle), str(tmp_path / "again.parquet"), "-o")
    assert run(*arguments, str(middle)).returncode == 0
    table = [*batches_of(middle)]
    raw = [float(cell) for batch in table for cell in batch.column("raw_score").to_pylist()]
    assert raw == first["raw_score"].tolist()


def test_an_arrow_file_of_polars_scores(bundle: Path, trained: Trained, tmp_path: Path) -> None:
    """Its categories are dictionaries of string views, which Arrow itself decodes to nothing."""
    rows = trained.held_out
    polars.from_pandas(rows).write_ipc(tmp_path / "rows.arrow")
    (batch, *_) = batches_of(tmp_path / "rows.arrow")
    assert batch.schema.field("KIND").type.value_type == pa.string_view()
    found = scored(bundle, tmp_path / "rows.arrow", tmp_path / "out.parquet")
    assert found["raw_score"].to_numpy().tobytes() == trained.raw(rows).tobytes()


@pytest.mark.parametrize("kind", [pa.binary_view(), pa.binary(4)])
def test_bytes_of_any_kind_are_texts(
    bundle: Path, trained: Trained, tmp_path: Path, kind: pa.DataType
) -> None:
    lone = trained.held_out.assign(KIND="lone")
    table = pa.Table.from_pandas(lone, preserve_index=False)
    place = table.schema.get_field_index("KIND")
    feather.write_feather(
        table.set_column(place, "KIND", pa.array([b"lone"] * len(lone), kind)),
        tmp_path / "rows.arrow",
    )
    lone["KIND"] = pd.Categorical(lone["KIND"], categories=KINDS)
    found = scored(bundle, tmp_path / "rows.arrow", tmp_path / "out.parquet")
    assert found["raw_score"].to_numpy().tobytes() == trained.raw(lone).tobytes()


def test_a_table_that_the_wanted_format_cannot_hold_is_one_line(
    bundle: Path, trained: Trained, tmp_path: Path
) -> None:
    """Categories of their own in each file, but an Arrow file has one dictionary for all."""
    source, out = tmp_path / "in", tmp_path / "out.arrow"
    source.mkdir()
    for part, order in enumerate((KINDS, KINDS[::-1])):
        rows = trained.held_out.assign(KIND=pd.Categorical(["lone"] * 1000, categories=order))
        rows.to_parquet(source / f"{part}.parquet", index=False)
    said = refused(run("score", "--model", str(bundle), str(source), "-o", str(out)))
    assert "out.arrow: this format cannot hold the table: Dictionary replacement" in said
    assert [*tmp_path.iterdir()] == [source]
    assert len(scored(bundle, source, tmp_path / "out.parquet")) == 2000
