"""The committed model and the Home Credit recipe, whole path: rows in, LightGBM's bits out."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightgbm as lgb
import msgspec
import numpy as np
import pandas as pd
import pytest

from models.uci_credit import LABEL, DataError, fetch
from tests.conftest import ROOT, Running, Serve, applicants, convert
from tests.shared_data import shared

pytestmark = pytest.mark.slow

BUNDLE = ROOT / "models" / "credit-express" / "1"
HELD_OUT = ROOT / "models" / "credit-express" / "held-out.parquet"


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def as_trained(booster: lgb.Booster, rows: pd.DataFrame, bundle: Path) -> pd.DataFrame:
    """Return `rows` in the model's order, its categories as LightGBM wants to be given them."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    nominal = [f["name"] for f in manifest["features"] if f["type"] == "category"]
    return rows[booster.feature_name()].astype(dict.fromkeys(nominal, "category"))


def score_file(bundle: Path, rows: pd.DataFrame, folder: Path) -> pd.DataFrame:
    rows.to_parquet(folder / "rows.parquet")
    arguments = ["--model", str(bundle), str(folder / "rows.parquet")]
    run("server", "score", *arguments, "-o", str(folder / "scored.parquet"))
    return pd.read_parquet(folder / "scored.parquet")


def post(server: Running, body: bytes, kind: str) -> Any:
    request = urllib.request.Request(f"{server.url}/score", body, {"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = response.read()
    return msgspec.json.decode(answer) if kind.endswith("json") else msgspec.msgpack.decode(answer)


def score_over_http(server: Running, sent: list[dict[str, Any]]) -> Iterator[float]:
    """Every tenth batch in MessagePack, the others in JSON; the first ten applicants one by one."""
    for applicant in sent[:10]:
        yield post(server, msgspec.json.encode(applicant), "application/json")["probability"]
    for number, start in enumerate(range(10, len(sent), 500)):
        codec, kind = (msgspec.json, "json") if number % 10 else (msgspec.msgpack, "msgpack")
        body = codec.encode(sent[start : start + 500])
        yield from (a["probability"] for a in post(server, body, f"application/{kind}"))


def assert_lightgbms_bits(
    bundle: Path, rows: pd.DataFrame, serve: Serve, folder: Path, count: int
) -> None:
    """Score `rows` from a file and over HTTP; compare raw scores and probabilities bit for bit."""
    booster = lgb.Booster(model_file=bundle / "model.txt")
    frame = as_trained(booster, rows, bundle)
    raw = np.asarray(booster.predict(frame, raw_score=True, num_threads=1))
    probability = np.asarray(booster.predict(frame, num_threads=1))
    scored = score_file(bundle, rows, folder)
    with serve(bundle, folder) as server:
        answered = np.array(list(score_over_http(server, applicants(rows[frame.columns]))))
        recorded = np.array([record["raw"] for record in server.records()])
    assert len(rows) == len(answered) == count
    assert scored["raw_score"].to_numpy().tobytes() == raw.tobytes() == recorded.tobytes()
    assert scored["probability"].to_numpy().tobytes() == probability.tobytes()
    assert answered.tobytes() == probability.tobytes()


def test_3000_held_out_applicants_score_with_lightgbms_bits(serve: Serve, tmp_path: Path) -> None:
    rows = pd.read_parquet(HELD_OUT).drop(columns=LABEL)
    assert_lightgbms_bits(BUNDLE, rows, serve, tmp_path, 3000)


def test_home_credit_scores_with_lightgbms_bits(serve: Serve, tmp_path: Path) -> None:
    """Missing values, text categories and the 365243 sentinel, 17,631 real applications."""
    data = shared("homecredit", "application_train_sample.csv.gz")
    build = tmp_path / "build"
    printed = run("models.home_credit", str(data), "--out", str(build))
    convert(
        build / "model.txt", "--name", "home-credit", "--version", "1", "--out", str(tmp_path),
        "--reference", str(build / "reference.parquet"), "--label", "TARGET",
        "--cost-fn", "10", "--cost-fp", "1", "--training-info", str(build / "training.json"),
    )  # fmt: skip
    assert 0.72 < json.loads((build / "training.json").read_text())["auc"] < 0.80, printed
    rows = pd.read_csv(data).drop(columns=["TARGET", "SK_ID_CURR"])
    assert_lightgbms_bits(tmp_path / "home-credit" / "1", rows, serve, tmp_path, 17631)


def test_the_committed_bundle_comes_out_again_to_the_bit(tmp_path: Path) -> None:
    """`make model` in another folder: the same SHA256SUMS, so the same bytes in every file."""
    try:
        fetch(tmp_path / "data")
    except DataError as error:
        pytest.skip(f"the training data could not be fetched: {error}")
    make = ["make", "model", f"BUILD={tmp_path}", f"DATA={tmp_path / 'data'}"]
    make += [f"MODELS={tmp_path / 'models'}", f"SAMPLES={tmp_path}"]
    done = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    again = tmp_path / "models" / "credit-express" / "1" / "SHA256SUMS"
    assert again.read_bytes() == (BUNDLE / "SHA256SUMS").read_bytes()
    assert (tmp_path / "held-out.parquet").read_bytes() == HELD_OUT.read_bytes()
