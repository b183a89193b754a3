"""Bundles with a profile and logs of real shape, for the tests of drift: written, not served."""

import base64
import hashlib
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from convert.bundle.binning import edges_of
from convert.bundle.profile import counts_of
from tests.record_lines import BEGIN, line, segment

LABELS = ["car", "home", "study"]
EDGES = (0.2, 0.4)
MISSING = {"trained": True, "allowed": True, "policy": "trained", "value": None}


def rows(count: int, seed: int) -> pd.DataFrame:
    """Draw applicants of the small model: two numbers, one of them with missing, and a category."""
    random = np.random.default_rng(seed)
    income = random.lognormal(10, 1, count)
    income[random.random(count) < 0.1] = np.nan
    kind = random.choice([0.0, 1.0, 2.0, np.nan], count, p=[0.5, 0.3, 0.15, 0.05])
    return pd.DataFrame(
        {"AGE": random.integers(18, 80, count).astype(float), "INCOME": income, "KIND": kind}
    )


def write_bundle(folder: Path, reference: pd.DataFrame, version: str = "1") -> Path:
    """Write manifest.json and profile.json of a bundle whose model is three letters long."""
    folder.mkdir(parents=True)
    numbers = {"AGE": 0.5, "INCOME": 0.3}
    features: list[dict[str, Any]] = [
        {"name": name, "type": "number", "used": True, "importance": share, "missing": MISSING}
        for name, share in numbers.items()
    ]
    features.append(
        {"name": "KIND", "type": "category", "used": True, "importance": 0.2, "missing": MISSING,
         "categories": LABELS, "codes": [0.0, 1.0, 2.0]}
    )  # fmt: skip
    score = scores(reference)
    profile = {
        "schema_version": 1, "rows": len(reference),
        "features": [*(_number(n, reference[n].to_numpy()) for n in numbers), _kind(reference)],
        "prediction": {"edges": list(EDGES), "counts": counts_of(score, np.array(EDGES))},
        "decisions": {"approve": int((score < 0.4).sum()), "refuse": int((score >= 0.4).sum())},
    }  # fmt: skip
    manifest = {
        "schema_version": 1, "name": "tiny", "version": version, "task": "binary",
        "files": {"model.onnx": sha256(version)}, "features": features,
        "transform": {"name": "identity"},
        "policy": {"version": "1", "refuse_at": 0.4, "refer_from": None,
                   "chosen": {"by": "cost", "cost_fn": 5.0, "cost_fp": 1.0}},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "profile.json").write_text(json.dumps(profile, allow_nan=False))
    return folder


def sha256(version: str) -> str:
    return hashlib.sha256(version.encode()).hexdigest()


def scores(frame: pd.DataFrame) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """A score of a sort: the young are worse."""
    return np.asarray(0.5 - frame["AGE"].to_numpy() / 200)


def _number(name: str, values: "np.ndarray[Any, np.dtype[np.float64]]") -> dict[str, Any]:
    present = values[~np.isnan(values)]
    edges = edges_of(present)
    return {
        "name": name, "type": "number", "edges": edges.tolist(),
        "counts": counts_of(present, edges), "missing": int(np.isnan(values).sum()),
        "min": float(present.min()), "max": float(present.max()), "sentinels": [],
    }  # fmt: skip


def _kind(frame: pd.DataFrame) -> dict[str, Any]:
    counts = [int((frame["KIND"] == code).sum()) for code in range(len(LABELS))]
    missing = int(frame["KIND"].isna().sum())
    return {"name": "KIND", "type": "category", "counts": counts, "unseen": 0, "missing": missing}


def records(
    frame: pd.DataFrame, begin: datetime = BEGIN, version: str = "1", **changed: Any
) -> list[bytes]:
    """Return the log's lines for rows, one a second."""
    packed = frame.to_numpy(np.float64)
    said = scores(frame).tolist()
    return [
        line(
            {
                "v": 1, "kind": "score", "time": stamp(begin + timedelta(seconds=i)),
                "request_id": f"request-{begin:%d%H%M}-{i}", "index": 0, "model": "tiny",
                "version": version, "sha256": sha256(version), "policy": "1",
                "raw": 0.0, "prediction": score,
                "decision": "refuse" if score >= 0.4 else "approve", "flags": [],
                "latency_us": 50.0, "row": base64.b64encode(row.tobytes()).decode(),
                "features": sent(row), **changed,
            }
        )
        for i, (row, score) in enumerate(zip(packed, said, strict=True))
    ]  # fmt: skip


def sent(row: "np.ndarray[Any, np.dtype[np.float64]]") -> dict[str, Any]:
    """What the client sent for a row: null where it is missing, the category by its name."""
    age, income, kind = (None if np.isnan(value) else float(value) for value in row)
    return {"AGE": age, "INCOME": income, "KIND": None if kind is None else LABELS[int(kind)]}


def stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def write_log(folder: Path, frame: pd.DataFrame, begin: datetime = BEGIN, **changed: Any) -> Path:
    """Write one segment and return the folder."""
    segment(folder, records(frame, begin, **changed), begin)
    return folder


def refused(count: int, *faults: Any, status: int = 422, version: str = "1") -> list[bytes]:
    return [
        line(
            {
                "v": 1, "kind": "refused", "time": stamp(BEGIN + timedelta(seconds=i)),
                "request_id": f"refused-{status}-{version}-{len(faults)}-{i}", "model": "tiny",
                "version": version, "sha256": sha256(version), "policy": "1", "status": status,
                "faults": list(faults),
            }
        )
        for i in range(count)
    ]  # fmt: skip


def portfolio_frame(count: int, seed: int) -> pd.DataFrame:
    """Five columns of the usual shapes."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "income": random.lognormal(10, 1, count),
            "moved": np.where(random.random(count) < 0.03, np.nan, random.normal(size=count)),
            "few": random.integers(0, 4, count),
            "kind": random.choice(["a", "b, c", "d"], count, p=[0.5, 0.3, 0.2]),
            "flag": random.random(count) < 0.3,
        }
    )
