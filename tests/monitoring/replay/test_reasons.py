"""Replay recomputes what was answered with a decision: codes, totals, contributions, to the bit."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from monitoring.__main__ import main
from monitoring.log.segment import PATTERN
from tests.conftest import Trained, applicants, convert, running
from tests.monitoring.explained import REFER, Told

MULTICLASS = {"objective": "multiclass", "num_class": 3, "verbose": -1, "num_threads": 1}


def replay(log: Path, bundle: Path, capsys: pytest.CaptureFixture[str], wanted: int = 0) -> Any:
    arguments = ["--log", str(log), "--models", str(bundle.parents[1]), "--json"]
    assert main(["replay", *arguments]) == wanted
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def copy(told: Told, tmp_path: Path) -> Path:
    shutil.copytree(told.log, tmp_path / "log", ignore=shutil.ignore_patterns("stdout"))
    return tmp_path / "log"


def alter(log: Path, change: Callable[[dict[str, Any]], bool]) -> str:
    """Change the first record for which `change` returns True; return its request id."""
    [path] = log.glob(PATTERN)
    lines = path.read_bytes().splitlines(keepends=True)
    for number, line in enumerate(lines):
        record = json.loads(line)
        if change(record):
            lines[number] = json.dumps(record).encode() + b"\n"
            path.write_bytes(b"".join(lines))
            return str(record["request_id"])
    raise AssertionError("no such record")


def test_every_reason_that_was_answered_comes_out_bit_for_bit(
    told: Told, reasoned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    explained = [answer for answer in told.answers if "reasons" in answer]
    assert {answer["decision"] for answer in explained} == {"approve", "refer", "refuse"}
    codes = {reason["code"] for answer in explained for reason in answer["reasons"]}
    assert codes == {"OLD", "OLD0", "INC", "INC0", "OWE", "HOM"}
    report = replay(told.log, reasoned, capsys)
    assert report["identical"] == report["records"] == len(told.answers) == 600
    assert report["explained"] == len(explained)


def test_from_parquet_too(
    copy: Path, reasoned: Path, told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["log", "compact", str(copy)]) == 0
    capsys.readouterr()
    assert replay(copy, reasoned, capsys) == replay(told.log, reasoned, capsys)


def exchange(record: dict[str, Any]) -> bool:
    """Swap the contributions of the two largest reasons, which keeps their sum."""
    if len(record.get("reasons") or ()) < 2:
        return False
    first, second = record["reasons"][:2]
    first[1], second[1] = second[1], first[1]
    return True


def nudge(record: dict[str, Any]) -> bool:
    if not record.get("reasons"):
        return False
    record["reasons"][0][1] *= 1 + 2**-52
    return True


def rename(record: dict[str, Any]) -> bool:
    """Say that nothing was sent where something was."""
    for reason in record.get("reasons") or ():
        if reason[0] == "OLD":
            reason[0] = "OLD0"
            return True
    return False


def drop(record: dict[str, Any]) -> bool:
    return bool(record.get("reasons")) and bool(record["reasons"].pop())


def excuse(record: dict[str, Any]) -> bool:
    """Give an approved applicant a reason."""
    if record["decision"] != "approve" or "reasons" not in record:
        return False
    record["reasons"].append(["OWE", 0.1])
    return True


@pytest.mark.parametrize("change", [exchange, nudge, rename, drop, excuse])
def test_one_altered_explanation_is_named(
    copy: Path, reasoned: Path, capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, Any]], bool],
) -> None:  # fmt: skip
    request_id = alter(copy, change)
    report = replay(copy, reasoned, capsys, wanted=1)
    assert (report["identical"], report["different"]) == (599, 1)
    [found] = report["examples"]
    assert (found["request_id"], found["what"]) == (request_id, "reasons")
    assert found["recorded"] != found["replayed"]


def test_reasons_of_other_codes_are_told_and_the_scores_still_compared(
    copy: Path, reasoned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def relabel(record: dict[str, Any]) -> bool:
        return bool(record.get("reasons")) and not record.update(reasons_version="0" * 12)

    alter(copy, relabel)
    report = replay(copy, reasoned, capsys, wanted=1)
    assert (report["identical"], report["other_reasons"], report["different"]) == (599, 1, 0)
    assert report["reasons"] == ["0" * 12]
    arguments = ["--log", str(copy), "--models", str(reasoned.parents[1])]
    assert main(["replay", *arguments]) == 1
    said = capsys.readouterr().out
    assert "1 score bit-identically, but were given reasons not in the bundle (0000" in said


def test_a_bundle_without_reasons_replays_the_scores_of_a_log_with_them(
    told: Told, tmp_path: Path, reasoned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = tmp_path / "models"
    shutil.copytree(reasoned.parents[1], models)
    manifest = models / "home" / "1" / "manifest.json"
    changed = json.loads(manifest.read_text())
    del changed["files"]["reasons.json"]
    manifest.write_text(json.dumps(changed))
    report = replay(told.log, models / "home" / "1", capsys, wanted=1)
    explained = sum("reasons" in answer for answer in told.answers)
    assert (report["other_reasons"], report["different"]) == (explained, 0)


def test_records_of_a_server_without_reasons_are_compared_as_ever(
    reasoned: Path, trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(reasoned, tmp_path, "--reasons", "none") as up:
        for applicant in applicants(trained.held_out.head(30)):
            httpx.post(f"{up.url}/score", json=applicant).raise_for_status()
    report = replay(tmp_path, reasoned, capsys)
    assert (report["identical"], report["explained"], report["other_reasons"]) == (30, 0, 0)


def tensor(rows: pd.DataFrame) -> list[list[float | None]]:
    """Rows as the Open Inference Protocol takes them: categories by code, null for missing."""
    kinds = ("KIND", "REGION")
    codes = {name: rows[name].cat.codes.where(rows[name].notna(), np.nan) for name in kinds}
    matrix = rows.assign(**codes).to_numpy(np.float64).tolist()
    return [[None if value != value else value for value in row] for row in matrix]


def infer(url: str, model: str, rows: pd.DataFrame, *outputs: str) -> None:
    """Ask for what explains the rows by the Open Inference Protocol."""
    data = tensor(rows)
    values = {"name": "X", "shape": [len(data), 5], "datatype": "FP64", "data": data}
    body = {"inputs": [values], "outputs": [{"name": name} for name in outputs]}
    httpx.post(f"{url}/v2/models/{model}/infer", json=body).raise_for_status()


def test_what_the_open_inference_protocol_explained_comes_out_too(
    reasoned: Path, trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row of numbers without an age: the record cannot tell which of two codes was meant."""
    rows = trained.held_out.head(40).copy()
    rows.loc[rows.index[::2], "AGE"] = np.nan
    with running(reasoned, tmp_path) as up:
        infer(up.url, "home", rows, "contributions", "reasons")
        infer(up.url, "home", rows, "contributions")
        infer(up.url, "home", rows, "reasons")
        infer(up.url, "home", rows, "prediction")
    report = replay(tmp_path, reasoned, capsys)
    refused = int((trained.prediction(rows.fillna({"AGE": 40.0})) >= float(REFER)).sum())
    assert (report["identical"], report["explained"]) == (160, 80 + refused)


def test_contributions_of_several_classes_and_one_altered(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = pd.qcut(trained.rows["DEBT-RATIO"], 3, labels=False)
    booster = lgb.train(MULTICLASS, lgb.Dataset(trained.rows, labels), 5)
    booster.save_model(tmp_path / "model.txt")
    trained.rows.to_parquet(tmp_path / "rows.parquet")
    convert(
        tmp_path / "model.txt", "--name", "three", "--version", "1", "--out", str(tmp_path / "m"),
        "--reference", str(tmp_path / "rows.parquet"),
    )  # fmt: skip
    bundle, log = tmp_path / "m" / "three" / "1", tmp_path / "log"
    log.mkdir()
    with running(bundle, log) as up:
        infer(up.url, "three", trained.held_out.head(50), "contributions")
    report = replay(log, bundle, capsys)
    assert (report["identical"], report["explained"]) == (50, 50)

    def exchange_two(record: dict[str, Any]) -> bool:
        numbers = record["contributions"]
        numbers[0], numbers[2] = numbers[2], numbers[0]
        return True

    request_id = alter(log, exchange_two)
    [found] = replay(log, bundle, capsys, wanted=1)["examples"]
    assert (found["request_id"], found["what"]) == (request_id, "contributions")
