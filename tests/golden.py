"""The golden rows of a bundle as a client sends them, with the scores they must get."""

import json
from pathlib import Path
from typing import Any


def golden(bundle: Path) -> tuple[list[dict[str, Any]], list[float], list[float]]:
    """Return the golden rows as a client sends them, their raw scores and their probabilities."""
    features = json.loads((bundle / "manifest.json").read_bytes())["features"]
    rows = json.loads((bundle / "golden.json").read_bytes())["rows"]
    sent = [dict(client_value(f, v) for f, v in zip(features, r["row"], strict=True)) for r in rows]
    known = [i for i, row in enumerate(sent) if None not in row.values()]
    assert known
    return (
        [sent[i] for i in known],
        [rows[i]["raw"][0] for i in known],
        [rows[i]["prediction"][0] for i in known],
    )


def client_value(feature: dict[str, Any], value: float | None) -> tuple[str, Any]:
    if feature["type"] == "category" and value is not None:
        place = feature["codes"].index(value) if value in feature["codes"] else None
        return feature["name"], None if place is None else feature["categories"][place]
    return feature["name"], value


def bits(values: list[float]) -> list[str]:
    return [value.hex() for value in values]
