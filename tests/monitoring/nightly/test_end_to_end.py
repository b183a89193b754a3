"""A real server scores, the log feeds drift, the verdict turns and comes back to /metrics."""

import json
from pathlib import Path

import httpx
import pandas as pd

from monitoring.__main__ import main
from tests.conftest import Serve, Trained, applicants, make_rows


def score(url: str, rows: pd.DataFrame) -> None:
    for start in range(0, len(rows), 500):
        answer = httpx.post(f"{url}/score", json=applicants(rows[start : start + 500]), timeout=60)
        answer.raise_for_status()


def test_a_shift_turns_the_verdict_and_the_metrics(
    bundle: Path, serve: Serve, trained: Trained, tmp_path: Path
) -> None:
    """2,000 rows like the reference, then 2,000 with an income in another currency."""
    log, out = tmp_path / "log", tmp_path / "drift"
    log.mkdir()
    assert len(trained.rows) >= 2000
    given = ["--model", str(bundle), "--log", str(log), "--out", str(out), "--no-report"]
    with serve(bundle, log, "--drift-metrics", str(out / "drift.prom")) as server:
        score(server.url, make_rows(2000, 71))
        assert main(["drift", *given]) == 0
        assert "credit_drift_status{" in httpx.get(f"{server.url}/metrics").text

        shifted = make_rows(2000, 72)
        shifted["INCOME"] *= 25.0
        score(server.url, shifted)
        assert main(["drift", *given]) == 1
        metrics = httpx.get(f"{server.url}/metrics").text
    drift = json.loads((out / "drift.json").read_bytes())
    assert drift["rows"]["current"] == 4000
    assert drift["columns"][0]["name"] == "INCOME"
    assert [c["name"] for c in drift["columns"] if c["drifted"]] == ["INCOME"]
    assert 'credit_drift_status{model="small",version="1"} 1' in metrics
    assert 'credit_drift_feature_drifted{model="small",version="1",feature="INCOME"} 1.0' in metrics
