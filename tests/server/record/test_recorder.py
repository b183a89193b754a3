"""The record under stress: kill -9, a full disk, a deleted folder, and what each setting keeps."""

import base64
import hashlib
import hmac
import http.client
import json
import re
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import msgspec
import pytest

from monitoring.__main__ import main
from server.settings import Settings
from tests.conftest import ROOT, Serve, environment
from tests.server.record.sending import UNFIT, post
from tests.server.wire import FIT

pytestmark = pytest.mark.slow

BOTH_LANES = True
EMPTY = "a file without a byte"


def test_a_segment_ends_at_its_size_and_no_record_is_cut(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    batch = [FIT] * 500
    with serve(bundle, tmp_path, "--log-segment-mb", "1") as server:
        for number in range(16):
            assert post(server, batch, f"batch-{number}").status_code == 200
        assert len(server.records()) == 16 * 500
    segments = sorted(tmp_path.glob("*.jsonl"))
    assert [path.stem.rpartition("-")[2] for path in segments] == list("0123")[: len(segments)]
    assert len(segments) > 1
    assert all(path.stat().st_size < 1_400_000 for path in segments)


def test_only_the_owner_can_read_the_log(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serve(bundle, tmp_path, "--log-dir", str(log)) as server:
        post(server)
    assert log.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in log.iterdir()] == [0o600]


def test_every_restart_begins_a_segment_behind_a_torn_one(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    for number in range(2):
        with serve(bundle, tmp_path) as server:
            post(server, request_id=f"run-{number}")
        newest = max(tmp_path.glob("*.jsonl"))
        newest.write_bytes(newest.read_bytes() + b'{"v":1,"torn')
    assert main(["log", "get", "run-0", str(tmp_path)]) == 0
    assert main(["log", "get", "run-1", str(tmp_path)]) == 0


def test_the_chain_of_a_real_server_verifies_and_one_digit_breaks_it(
    bundle: Path, serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(bundle, tmp_path, "--log-chain", "true") as server:
        for number in range(5):
            post(server, [FIT] * 3, f"batch-{number}")
    assert main(["log", "verify", str(tmp_path)]) == 0
    assert '"records":15,"chained":true' in capsys.readouterr().out
    [path] = tmp_path.glob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"AGE": 40', b'"AGE": 41').replace(b":40", b":41"))
    assert main(["log", "verify", str(tmp_path)]) == 1
    assert f"{path}, byte 0:" in capsys.readouterr().err


def test_refused_requests_are_recorded_without_what_was_sent(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    with serve(bundle, tmp_path) as server:
        assert post(server, UNFIT, "unfit").status_code == 422
        [record] = server.records()
    assert (record["kind"], record["status"], record["request_id"]) == ("refused", 422, "unfit")
    assert [fault["feature"] for fault in record["faults"]] == ["AGE", "KIND"]
    assert "forty-seven" not in json.dumps(record)
    assert "boat" not in json.dumps(record)


def test_refused_requests_are_recorded_with_their_body_where_asked(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    with serve(bundle, tmp_path, "--log-refused", "body") as server:
        post(server, UNFIT)
        httpx.post(
            f"{server.url}/score", content=b"\xff{", headers={"content-type": "application/json"}
        )
        first, second = server.records()
    assert json.loads(first["body"]) == UNFIT
    assert first["faults"][0]["got"] == '"forty-seven"'
    assert second["body"] == "\N{REPLACEMENT CHARACTER}{"


def test_an_applicant_refused_in_a_partial_batch_is_recorded_in_its_place(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    with serve(bundle, tmp_path, "--log-refused", "body") as server:
        answer = httpx.post(
            f"{server.url}/score?partial=true",
            json=[FIT, UNFIT, FIT],
            headers={"X-Request-Id": "partly"},
        )
        assert answer.status_code == 200
        records = server.records()
    told = [(record["kind"], record["request_id"], record["index"]) for record in records]
    assert told == [("score", "partly", 0), ("refused", "partly", 1), ("score", "partly", 2)]
    assert [fault["feature"] for fault in records[1]["faults"]] == ["AGE", "KIND"]
    assert (records[1]["status"], json.loads(records[1]["body"])) == (422, UNFIT)


def test_values_can_be_left_out(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    with serve(bundle, tmp_path, "--log-features", "none", "--log-refused", "body") as server:
        post(server)
        post(server, UNFIT)
        score, refused = server.records()
    assert not {"row", "row_hash", "features"} & set(score)
    assert "body" not in refused
    assert "forty-seven" not in json.dumps(refused)


def test_values_can_be_hashed_with_a_salt(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    """With the salt and the applicant's row anyone can show that this row was scored."""
    salt = tmp_path / "salt"
    salt.write_bytes(bytes(range(32)))
    plain, hashed = tmp_path / "plain", tmp_path / "hashed"
    plain.mkdir()
    hashed.mkdir()
    with serve(bundle, plain) as server:
        post(server)
        row = base64.b64decode(server.records()[0]["row"])
    flags = ("--log-features", "hashed", "--log-salt-file", str(salt))
    with serve(bundle, hashed, *flags) as server:
        post(server)
        [record] = server.records()
    assert record["row_hash"] == hmac.new(salt.read_bytes(), row, hashlib.sha256).hexdigest()
    assert not {"row", "features"} & set(record)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--log-features", "hashed"), "needs log_salt_file"),
        (("--log-features", "hashed", "--log-salt-file", "/dev/null"), "wanted a regular file"),
        (("--log-features", "hashed", "--log-salt-file", EMPTY), "wanted a salt of 16"),
        (("--log-fsync", "sometimes"), "sometimes"),
        (("--log-dir", "/proc/nowhere"), "/proc/nowhere"),
    ],
)
def test_a_server_that_could_not_record_does_not_start(
    bundle: Path, flags: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    given = [str(empty) if each == EMPTY else each for each in flags]
    command = [sys.executable, "-m", "server", "--model", str(bundle), "--port", "0", *given]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("mode", ["never", "interval", "always"])
def test_every_fsync_mode_records_and_stops_cleanly(
    bundle: Path, serve: Serve, tmp_path: Path, mode: str
) -> None:
    flags = ("--log-fsync", mode, "--log-fsync-seconds", "0.01", "--log-segment-mb", "1")
    with (
        serve(bundle, tmp_path, *flags) as server,
        closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection,
    ):
        body = json.dumps([FIT] * 200)
        for _ in range(20):
            connection.request("POST", "/score", body, {"Content-Type": "application/json"})
            assert connection.getresponse().read()
        assert len(server.records()) == 4000


def test_a_stopped_server_has_released_its_segments(
    bundle: Path, serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(bundle, tmp_path) as server:
        post(server)
        main(["log", "ls", str(tmp_path)])
        assert capsys.readouterr().out.startswith("open ")
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(20)
        main(["log", "ls", str(tmp_path)])
        assert capsys.readouterr().out.startswith("closed ")


def test_the_document_lists_every_setting_of_the_log_with_its_default() -> None:
    document = (ROOT / "docs" / "record.md").read_text()
    table = re.findall(r"^\| `(LOG_\w+)` \| ?(.*?) ?\|", document, re.MULTILINE)
    documented = {name.lower(): default.strip("`") for name, default in table}
    defaults = {
        field.name: "" if field.default is None else str(field.default)
        for field in msgspec.structs.fields(Settings)
        if field.name.startswith("log_") and field.name != "log_level"
    }
    assert documented == {
        name: default.lower() if default in {"True", "False"} else default
        for name, default in defaults.items()
    }


def test_open_inference_requests_are_recorded_scored_and_refused(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    tensor = {"name": "X", "datatype": "FP64", "shape": [2, 5]}
    rows = [40, 1000.5, 0.5, 0, 1, 41, None, 0.5, 1, 2]
    with serve(bundle, tmp_path) as server:
        url = f"{server.url}/v2/models/small/infer"
        good = httpx.post(url, json={"id": "two", "inputs": [{**tensor, "data": rows}]})
        bad = httpx.post(url, json={"inputs": [{**tensor, "data": rows[:-1]}]})
        assert (good.status_code, bad.status_code) == (200, 400)
        first, second, refused = server.records()
    assert [(r["request_id"], r["index"]) for r in (first, second)] == [("two", 0), ("two", 1)]
    assert len(base64.b64decode(second["row"])) == 5 * 8
    assert "features" not in first
    assert (refused["kind"], refused["status"]) == ("refused", 400)
