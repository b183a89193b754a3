"""Replay: records a real server wrote come out again bit for bit; anything altered is named."""

import base64
import hashlib
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import lightgbm as lgb
import numpy as np
import pytest

from monitoring.__main__ import main
from monitoring.log.batch import rows_matrix
from monitoring.log.segment import PATTERN
from monitoring.log.sources import batches
from tests.conftest import Serve, Trained, applicants, convert, label

SINGLES = 60


@pytest.fixture(scope="module")
def answers() -> list[dict[str, Any]]:
    """What the server answered, in the order asked; filled by `log`."""
    return []


@pytest.fixture(scope="module")
def log(
    bundle: Path, trained: Trained, serve: Serve, answers: list[dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:  # fmt: skip
    """The log of a server that scored the held-out rows, one by one and in batches."""
    folder = tmp_path_factory.mktemp("log")
    asked = applicants(trained.held_out)
    with serve(bundle, folder) as server, httpx.Client(base_url=server.url) as client:
        for applicant in asked[:SINGLES]:
            answers.append(client.post("/score", json=applicant).raise_for_status().json())
        for begin in range(SINGLES, len(asked), 100):
            batch = client.post("/score", json=asked[begin : begin + 100])
            answers.extend(batch.raise_for_status().json())
    return folder


@pytest.fixture
def copy(log: Path, tmp_path: Path) -> Path:
    shutil.copytree(log, tmp_path / "log", ignore=shutil.ignore_patterns("stdout"))
    return tmp_path / "log"


def alter(folder: Path, number: int, change: Callable[[dict[str, Any]], None]) -> str:
    """Change one record in its segment; return its request id."""
    [path] = folder.glob(PATTERN)
    lines = path.read_bytes().splitlines(keepends=True)
    record = json.loads(lines[number])
    change(record)
    lines[number] = json.dumps(record).encode() + b"\n"
    path.write_bytes(b"".join(lines))
    return str(record["request_id"])


def replay(log: Path, bundle: Path, *arguments: str) -> int:
    models = str(bundle.parents[1])
    return main(["replay", "--log", str(log), "--models", models, *arguments])


def test_the_reader_gets_over_http_what_lightgbm_says(
    log: Path, trained: Trained, answers: list[dict[str, Any]]
) -> None:
    """The round trip of the contract: sent over HTTP, written by the server, read here."""
    rows = list(batches([log]))
    raw = np.concatenate([batch["raw"].to_numpy() for batch in rows])
    prediction = np.concatenate([batch["prediction"].to_numpy() for batch in rows])
    assert raw.tobytes() == trained.raw(trained.held_out).tobytes()
    assert prediction.tobytes() == trained.prediction(trained.held_out).tobytes()
    ids = [i for batch in rows for i in batch["request_id"].to_pylist()]
    assert ids == [answer["request_id"] for answer in answers]
    sent = [json.loads(text) for batch in rows for text in batch["features"].to_pylist()]
    assert sent == applicants(trained.held_out)
    seen = np.concatenate([rows_matrix(batch) for batch in rows])
    codes = trained.held_out.copy()
    for name in ("KIND", "REGION"):
        codes[name] = codes[name].cat.codes.astype(float).replace(-1.0, np.nan)
    assert seen.tobytes() == codes.to_numpy(np.float64).tobytes()


def test_every_record_comes_out_bit_for_bit(
    log: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay(log, bundle) == 0
    assert "small/1: 1,000 of 1,000 bit-identical" in capsys.readouterr().out


def test_from_parquet_too(copy: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", "compact", str(copy)]) == 0
    assert replay(copy, bundle) == 0
    assert "1,000 of 1,000 bit-identical" in capsys.readouterr().out


def flip_last_bit(number: float) -> float:
    [bits] = struct.unpack("<q", struct.pack("<d", number))
    return float(struct.unpack("<d", struct.pack("<q", bits ^ 1))[0])


def alter_raw(record: dict[str, Any]) -> None:
    record["raw"] = flip_last_bit(record["raw"])


def alter_prediction(record: dict[str, Any]) -> None:
    record["prediction"] = flip_last_bit(record["prediction"])


def alter_decision(record: dict[str, Any]) -> None:
    record["decision"] = "refuse" if record["decision"] == "approve" else "approve"


def alter_row(record: dict[str, Any]) -> None:
    row = np.frombuffer(base64.b64decode(record["row"]), "<f8").copy()
    row[0] += 40
    record["row"] = base64.b64encode(row.tobytes()).decode()


def list_raw(record: dict[str, Any]) -> None:
    record["raw"] = [record["raw"], 0.0]


ALTERATIONS = [list_raw, alter_raw, alter_prediction, alter_decision, alter_row]


@pytest.mark.parametrize("change", ALTERATIONS)
def test_one_altered_record_is_named_and_the_exit_code_says_so(
    copy: Path, bundle: Path, capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, Any]], None],
) -> None:  # fmt: skip
    request_id = alter(copy, 17, change)
    assert replay(copy, bundle) == 1
    out = capsys.readouterr().out
    assert "999 of 1,000 bit-identical" in out
    assert request_id in out


@pytest.mark.parametrize("row", ["AAAA", "AAAAAAAAAAA=", ""])
def test_a_row_of_another_length_is_told_in_one_line(
    copy: Path, bundle: Path, capsys: pytest.CaptureFixture[str], row: str
) -> None:
    alter(copy, 17, lambda record: record.update(row=row))
    assert replay(copy, bundle) == 2
    assert "the log's rows differ in length" in capsys.readouterr().err


def test_a_model_that_is_not_there_or_not_the_same_is_said_so(
    copy: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "none").mkdir()
    assert main(["replay", "--log", str(copy), "--models", str(tmp_path / "none")]) == 1
    assert "1,000 not among the models" in capsys.readouterr().out
    alter(copy, 3, lambda record: record.update(sha256="00" * 32))
    assert replay(copy, bundle) == 1
    assert "1 the bundle of that name holds another model.onnx" in capsys.readouterr().out


def test_a_changed_model_file_is_refused(
    copy: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(bundle.parents[1], tmp_path / "models")
    [path] = (tmp_path / "models").rglob("model.onnx")
    path.write_bytes(path.read_bytes() + b"\n")
    models = str(tmp_path / "models")
    assert main(["replay", "--log", str(copy), "--models", models]) == 2
    assert "not the file listed in its manifest" in capsys.readouterr().err


def test_records_without_a_row_and_refused_ones_are_counted_not_failed(
    copy: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alter(copy, 0, lambda record: record.pop("row"))
    alter(copy, 1, lambda record: record.update(kind="refused", status=422, row=None))
    assert replay(copy, bundle) == 0
    out = capsys.readouterr().out
    assert "998 of 998 bit-identical" in out
    assert "1 hold no row" in out
    assert "1 were refused" in out


@pytest.fixture(scope="module")
def models(bundle: Path, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two further versions: 2 with features in another order, 3 with another threshold."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(bundle.parents[1], folder, dirs_exist_ok=True)
    manifest = folder / "small" / "1" / "manifest.json"
    shutil.copytree(manifest.parent, folder / "small" / "3")
    changed = json.loads(manifest.read_text())
    changed["version"], changed["policy"]["version"] = "3", "3"
    changed["policy"]["refuse_at"] = 0.2
    (folder / "small" / "3" / "manifest.json").write_text(json.dumps(changed))
    reordered_version(folder, trained)
    return folder


def reordered_version(models: Path, trained: Trained) -> None:
    columns = ["REGION", "AGE", "KIND", "INCOME"]
    rows = trained.rows[columns].copy()
    rows["KIND"] = rows["KIND"].cat.reorder_categories(["lone", "car", 'quo"ted', "home, shared"])
    options = {"objective": "binary", "num_leaves": 7, "verbose": -1, "num_threads": 1, "seed": 1}
    data = lgb.Dataset(rows, label(trained.rows, 2))
    lgb.train(options, data, num_boost_round=20).save_model(models / "model.txt")
    rows.to_parquet(models / "rows.parquet")
    convert(
        models / "model.txt", "--name", "small", "--version", "2", "--out", str(models),
        "--reference", str(models / "rows.parquet"), "--threshold", "0.4",
    )  # fmt: skip


def trial(log: Path, models: Path, other: str, capsys: pytest.CaptureFixture[str]) -> Any:
    arguments = ["--log", str(log), "--models", str(models), "--with", other, "--json"]
    assert main(["replay", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_same_version_changes_no_decision(
    log: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = trial(log, models, "small/1", capsys)
    assert found["shift_largest"] == 0.0
    assert set(found["changes"]) == {"approve -> approve", "refuse -> refuse"}
    assert sum(found["changes"].values()) == 1000


def test_another_threshold_changes_those_between_the_two(
    log: Path, models: Path, trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    p = trained.prediction(trained.held_out)
    found = trial(log, models, "small/3", capsys)
    assert found["changes"]["approve -> refuse"] == int(((p >= 0.2) & (p < 0.4)).sum()) > 0
    assert found["shift_largest"] == 0.0


def test_another_model_with_other_places_scores_as_lightgbm_does(
    log: Path, models: Path, trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    other = lgb.Booster(model_file=models / "model.txt")
    now = np.asarray(other.predict(trained.held_out[other.feature_name()]))
    was = trained.prediction(trained.held_out)
    found = trial(log, models, "small/2", capsys)
    assert found["shift_largest"] == np.abs(now - was).max()
    assert found["changes"]["approve -> refuse"] == int(((was < 0.4) & (now >= 0.4)).sum())
    assert found["changes"]["refuse -> approve"] == int(((was >= 0.4) & (now < 0.4)).sum())


def test_the_table_and_an_offline_plot(
    log: Path, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot = tmp_path / "trial.html"
    arguments = ["--log", str(log), "--models", str(models), "--with", "small/3"]
    assert main(["replay", *arguments, "--plot", str(plot)]) == 0
    out = capsys.readouterr().out
    assert "decisions would change" in out
    page = plot.read_text()
    assert "decisions would change with" in page
    assert "<script src=" not in page
    assert "<link" not in page


def test_a_version_that_is_not_there_is_refused_naming_those_that_are(
    log: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", "--log", str(log), "--models", str(models), "--with", "small/9"]) == 2
    assert "there are: small/1, small/2, small/3" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"no graph", b"\x08\x07" * 50])
def test_a_model_file_that_is_no_graph_is_told_in_one_line(
    log: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    """Even where the manifest names those very bytes."""
    changed = tmp_path / "models" / "small" / "1"
    shutil.copytree(bundle, changed)
    (changed / "model.onnx").write_bytes(content)
    manifest = json.loads((changed / "manifest.json").read_text())
    manifest["files"]["model.onnx"] = hashlib.sha256(content).hexdigest()
    (changed / "manifest.json").write_text(json.dumps(manifest))
    assert main(["replay", "--log", str(log), "--models", str(tmp_path / "models")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert len(said.splitlines()) == 1
