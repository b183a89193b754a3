"""Segments written by hand, as docs/record.md says they look: for the readers' tests."""

import base64
import hashlib
import json
import os
import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

NAN = float("nan")
BEGIN = datetime(2026, 11, 23, 21, 42, 56, 123456, UTC)
DAY = timedelta(days=1)


def row_of(values: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}d", *values)).decode()


def record(number: int, time: datetime | None = None, **changed: Any) -> dict[str, Any]:
    """A record as the server writes it; its features are those of applicant `number`."""
    when = time or BEGIN + timedelta(seconds=number)
    return {
        "v": 1, "kind": "score", "time": when.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "request_id": f"request-{number}", "index": 0, "model": "credit", "version": "01",
        "sha256": "ab" * 32, "policy": "1", "raw": -1.5 + number, "prediction": 0.1 + number / 1e7,
        "decision": "approve", "flags": [], "latency_us": 57.1,
        "row": row_of([float(number), NAN, -0.0, 5e-324]),
        "features": {"LIMIT_BAL": number, "SEX": None, "EDUCATION": "Höhere Schule", "x": 5e-324},
        **changed,
    }  # fmt: skip


def line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def chained(lines: Iterable[bytes], stem: str) -> list[bytes]:
    """Lines with the hash chain of docs/record.md, computed here a second time."""
    head, out = hashlib.sha256(stem.encode()).hexdigest(), []
    for each in lines:
        body = each.rstrip(b"\n").removesuffix(b"}")
        head = hashlib.sha256(head.encode() + body).hexdigest()
        out.append(body + b',"chain":"' + head.encode() + b'"}\n')
    return out


def stem_of(begin: datetime, host: str = "host", sequence: int = 0) -> str:
    return f"score-{begin:%Y%m%dT%H%M%S.%fZ}-{host}-123-0a1b2c3d-{sequence}"


def segment(
    folder: Path, lines: Iterable[bytes], begin: datetime = BEGIN, host: str = "host"
) -> Path:
    """Write a closed segment."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem_of(begin, host)}.jsonl"
    path.write_bytes(b"".join(lines))
    written = (BEGIN + 365 * DAY).timestamp()  # readers skip a file last written before --since
    os.utime(path, (written, written))
    return path
