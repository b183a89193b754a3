"""Records as Arrow columns, for reading in bulk: compaction, export, replay and drift."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .record import ABSENT, DamagedLogError, Numbers, Record, decode_with_rest
from .segment import Segment

ROWS = 4096
PARTITION = ("model", "version")
REASON = pa.struct([("code", pa.string()), ("contribution", pa.float64())])
SCHEMA = pa.schema(
    [
        pa.field("model", pa.string()),
        pa.field("version", pa.string()),
        pa.field("v", pa.int16(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("request_id", pa.string(), nullable=False),
        pa.field("index", pa.int32()),
        pa.field("sha256", pa.string()),
        pa.field("policy", pa.string()),
        pa.field("raw", pa.float64()),
        pa.field("prediction", pa.float64()),
        pa.field("raw_all", pa.list_(pa.float64())),
        pa.field("prediction_all", pa.list_(pa.float64())),
        pa.field("decision", pa.string()),
        pa.field("flags", pa.list_(pa.string())),
        pa.field("latency_us", pa.float64()),
        pa.field("status", pa.int16()),
        pa.field("faults", pa.string()),
        pa.field("body", pa.string()),
        pa.field("row", pa.binary()),
        pa.field("row_hash", pa.string()),
        pa.field("features", pa.string()),
        pa.field("reasons", pa.list_(REASON)),
        pa.field("reasons_version", pa.string()),
        pa.field("contributions", pa.list_(pa.float64())),
        pa.field("chain", pa.string()),
        pa.field("rest", pa.string()),
    ]
)
PLAIN = (
    "model", "version", "v", "kind", "request_id", "index", "sha256", "policy", "decision", "flags",
    "latency_us", "status", "body", "row", "row_hash", "reasons_version", "contributions", "chain",
)  # fmt: skip


def batches(segment: Segment, rows: int = ROWS) -> Iterator[pa.RecordBatch]:
    """Yield the records of a segment as batches of SCHEMA. Raises DamagedLogError."""
    records: list[tuple[Record, bytes | None]] = []
    for _, record in segment.decoded(decode_with_rest):
        records.append(record)
        if len(records) == rows:
            yield to_batch(records, segment)
            records = []
    if records:
        yield to_batch(records, segment)


def to_batch(records: Sequence[tuple[Record, bytes | None]], segment: Segment) -> pa.RecordBatch:
    """Return records and their unknown keys as one batch. Raises DamagedLogError for a bad time."""
    plain = [record for record, _ in records]
    columns: dict[str, Any] = {name: [getattr(r, name) for r in plain] for name in PLAIN}
    columns["time"] = _times([r.time for r in plain], segment)
    for name in ("raw", "prediction"):
        values = [getattr(r, name) for r in plain]
        columns[name] = [None if isinstance(v, list) else v for v in values]
        columns[f"{name}_all"] = [v if isinstance(v, list) else None for v in values]
    columns["reasons"] = [r.reasons and [*map(_reason, r.reasons)] for r in plain]
    columns["faults"] = [_text(r.faults) for r in plain]
    columns["features"] = [_text(r.features) for r in plain]
    columns["rest"] = [rest.decode() if rest else None for _, rest in records]
    arrays = [pa.array(columns[field.name], field.type) for field in SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def to_lines(batch: pa.RecordBatch) -> Iterator[bytes]:
    """Yield each record of a batch as a JSON line, newline included.

    Keys and values are those of the original line; a number may be spelled differently.
    """
    times = np.datetime_as_string(
        batch["time"].cast(pa.timestamp("us")).to_numpy(zero_copy_only=False), unit="us"
    )
    names = [name for name in batch.schema.names if name not in {"time", "rest"}]
    columns = {name: batch[name].to_pylist() for name in names}
    for i, rest in enumerate(batch["rest"].to_pylist()):
        record = _record({name: column[i] for name, column in columns.items()}, f"{times[i]}Z")
        line = msgspec.json.encode(record)
        yield (line[:-1] + b"," + rest[1:].encode() if rest else line) + b"\n"


def by_version(
    batch: pa.RecordBatch,
) -> list[tuple[tuple[str | None, str | None], pa.RecordBatch]]:
    """Split a batch by model and version."""
    pairs = list(zip(batch["model"].to_pylist(), batch["version"].to_pylist(), strict=True))
    keys = list(dict.fromkeys(pairs))
    if len(keys) == 1:
        return [(keys[0], batch)]
    which = np.array([keys.index(pair) for pair in pairs])
    return [(key, batch.filter(pa.array(which == i))) for i, key in enumerate(keys)]


def rows_matrix(batch: pa.RecordBatch) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return the rows as the model saw them, [N, F] float64; every record must hold its row.

    Raises DamagedLogError.
    """
    column = batch["row"]
    joined = b"".join(column.to_pylist())
    if len({*pc.binary_length(column).to_pylist()}) > 1 or len(joined) % (8 * len(column) or 1):
        raise DamagedLogError("the log's rows differ in length, or hold no whole numbers")
    return np.frombuffer(joined, "<f8").reshape(len(column), -1)


def _record(values: dict[str, Any], time: str) -> Record:
    """Return a record from one row of columns."""
    every: dict[str, Numbers | None] = {
        name: values.pop(f"{name}_all") for name in ("raw", "prediction")
    }
    values |= {name: value for name, value in every.items() if value is not None}
    for name in ("faults", "features"):
        values[name] = ABSENT if values[name] is None else msgspec.Raw(values[name].encode())
    if values["reasons"]:
        values["reasons"] = [(each["code"], each["contribution"]) for each in values["reasons"]]
    return Record(**values, time=time)


def _reason(told: tuple[str, float]) -> dict[str, str | float]:
    return dict(zip(("code", "contribution"), told, strict=True))


def _text(raw: msgspec.Raw) -> str | None:
    """Return raw JSON as text; None if the key was absent."""
    return bytes(raw).decode() if raw != ABSENT else None


def _times(times: Iterable[str], segment: Segment) -> pa.Array:
    """Return `2026-11-23T21:42:56.123456Z` as UTC microseconds. Raises DamagedLogError."""
    try:
        stamps = np.array([time.removesuffix("Z") for time in times], "datetime64[us]")
    except ValueError as error:
        raise DamagedLogError(f"{segment.path}: not a time: {error}") from error
    return pa.array(stamps).cast(pa.timestamp("us", tz="UTC"))
