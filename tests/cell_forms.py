"""The same rows in every form that people keep tables in."""

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

Cells = list[Any]
Columns = dict[str, Cells]


class FormError(Exception):
    """A form that is not there on this machine, and why."""


def csv(columns: Columns, folder: Path) -> Path:
    """Texts are written as they are, true as pandas writes it, missing as nothing."""
    file = folder / "rows.csv"
    pd.DataFrame({name: list(map(text, cells)) for name, cells in columns.items()}).to_csv(
        file, index=False
    )
    return file


def csv_gz(columns: Columns, folder: Path) -> Path:
    plain = csv(columns, folder)
    file = plain.with_name("rows.csv.gz")
    file.write_bytes(pa.compress(plain.read_bytes(), codec="gzip", asbytes=True))
    return file


def pandas(columns: Columns, folder: Path) -> Path:
    """With pandas' own nullable types; texts as categories, so as dictionaries."""
    frame = pd.DataFrame({name: series(cells) for name, cells in columns.items()})
    frame.to_parquet(folder / "pandas.parquet")
    return folder / "pandas.parquet"


def arrow(columns: Columns, folder: Path) -> Path:
    table = pa.table({name: pa.array(cells) for name, cells in columns.items()})
    sink = pa.OSFile(str(folder / "rows.arrow"), "wb")
    with sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return folder / "rows.arrow"


def polars(columns: Columns, folder: Path) -> Path:
    module = imported("polars")
    module.DataFrame(columns).write_parquet(folder / "polars.parquet")
    return folder / "polars.parquet"


def duckdb(columns: Columns, folder: Path) -> Path:
    module = imported("duckdb")
    file = folder / "duckdb.parquet"
    table = pa.table({name: pa.array(cells) for name, cells in columns.items()})
    with module.connect() as connection:
        connection.register("given", table)
        connection.sql("select * from given").write_parquet(str(file))
    return file


def spark(columns: Columns, folder: Path) -> Path:
    """A folder of parts, as Spark writes one."""
    if shutil.which("java") is None:
        raise FormError("Spark needs Java, which is not on this machine")
    module = imported("pyspark.sql")
    session = module.SparkSession.builder.master("local[1]").getOrCreate()
    frame = session.createDataFrame(list(zip(*columns.values(), strict=True)), list(columns))
    frame.coalesce(1).write.parquet(str(folder / "spark.parquet"))
    return folder / "spark.parquet"


FORMS: dict[str, Callable[[Columns, Path], Path]] = {
    "CSV": csv, "CSV.gz": csv_gz, "Parquet, pandas": pandas, "Parquet, polars": polars,
    "Parquet, DuckDB": duckdb, "Parquet, Spark": spark, "Arrow": arrow,
}  # fmt: skip


def imported(name: str) -> Any:
    try:
        return __import__(name, fromlist=["sql"])
    except ImportError as error:
        raise FormError(f"{name} is not installed here") from error


def text(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    return format(cell, "f") if isinstance(cell, Decimal) else repr(cell)


def series(cells: Cells) -> "pd.Series[Any]":
    kinds = {type(cell) for cell in cells if cell is not None}
    nullable = {int: "Int64", float: "Float64", bool: "boolean", str: "category"}
    if len(kinds) == 1 and (kind := nullable.get(next(iter(kinds)))):
        return pd.Series(cells, dtype=kind)
    return pd.Series(cells, dtype=object)
