"""Keys open their scopes; a damaged file of keys refuses the start, and later changes nothing."""

import json
import os
from pathlib import Path

import httpx
import pytest

from server.http.keys import KeysError, read
from tests.conftest import Serve
from tests.ports import free_ports
from tests.server.asking import post
from tests.server.command import run
from tests.waiting import until, until_said

BOTH_LANES = True


def test_a_key_opens_its_scope_and_no_other(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    made = {
        scope: run("key", "--keys", str(keys), "--id", scope, "--scopes", scope).stdout.strip()
        for scope in ("score", "metrics")
    }
    assert keys.stat().st_mode & 0o777 == 0o600
    assert made["score"] not in keys.read_text()
    with serve(bundle, tmp_path, "--keys", str(keys)) as up:
        assert post(up).status_code == 401
        assert post(up).headers["www-authenticate"].startswith("Bearer")
        assert post(up, x_api_key="wrong").status_code == 401
        assert post(up, x_api_key=made["score"]).status_code == 200
        assert post(up, authorization=f"Bearer {made['score']}").status_code == 200
        assert post(up, x_api_key=made["metrics"]).status_code == 403
        assert httpx.get(f"{up.url}/metrics").status_code == 401
        with_key = {"x-api-key": made["metrics"]}
        assert httpx.get(f"{up.url}/metrics", headers=with_key).status_code == 200
        assert httpx.get(f"{up.url}/v2/models/small").status_code == 401
        assert httpx.get(f"{up.url}/livez").status_code == 200
        revoke(keys, "score")
        until(lambda: post(up, x_api_key=made["score"]).status_code == 401)
        assert "revoked" in post(up, x_api_key=made["score"]).json()["detail"]


def revoke(keys: Path, name: str) -> None:
    lines = [json.loads(line) for line in keys.read_text().splitlines()]
    changed = [line | {"revoked": True} if line["id"] == name else line for line in lines]
    keys.write_text("".join(json.dumps(line) + "\n" for line in changed))


KEY = {"id": "a", "sha256": "0" * 64, "scopes": ["score"]}


@pytest.mark.parametrize(
    "line",
    [
        b'{"id": 1}', b'{"id": "\xff"}', json.dumps(KEY | {"revokd": True}).encode(),
        json.dumps(KEY | {"sha256": "A" * 64}).encode(),
        json.dumps(KEY | {"scopes": ["x"]}).encode(),
    ],
)  # fmt: skip
def test_a_file_of_keys_that_is_none_refuses_the_start(
    bundle: Path, tmp_path: Path, line: bytes
) -> None:
    (tmp_path / "keys").write_bytes(line + b"\n")
    done = run("--check", "--model", str(bundle), "--keys", str(tmp_path / "keys"))
    assert done.returncode == 2
    assert done.stderr.startswith(f"server: {tmp_path / 'keys'}: ")
    assert done.stderr.count("\n") == 1


def test_a_file_of_keys_that_breaks_while_serving_keeps_the_keys(
    bundle: Path, serve: Serve, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also one that is not text; a key made behind an open last line is a line of its own."""
    keys, port = tmp_path / "keys", free_ports()
    keys.write_text(json.dumps(KEY))
    made = run("key", "--keys", str(keys), "--id", "b", "--scopes", "score", "admin").stdout.strip()
    flags = ("--keys", str(keys), "--port", str(port), "--admin-port", str(port + 1))
    with serve(bundle, tmp_path, *flags) as up:
        workers = up.workers()
        keys.write_bytes(b'{"id": "\xff"}\n')
        until_said(capfd, "kept the keys: ")
        assert post(up, x_api_key=made).status_code == 200
        head = {"x-api-key": made}
        assert httpx.get(f"http://127.0.0.1:{port + 1}/models", headers=head).status_code == 200
        assert up.workers() == workers


def test_a_keys_file_without_a_valid_key_closes_every_door_and_says_so(
    bundle: Path, serve: Serve, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """At the start, and when it is emptied while serving: it must not open everything."""
    keys, said = tmp_path / "keys", "no valid key in it: every request that needs one gets 401"
    keys.write_text(json.dumps(KEY | {"revoked": True}) + "\n")
    done = run("--check", "--model", str(bundle), "--keys", str(keys))
    assert (done.returncode, done.stderr.count(said)) == (0, 1)
    made = run("key", "--keys", str(keys), "--id", "b", "--scopes", "score").stdout.strip()
    with serve(bundle, tmp_path, "--keys", str(keys)) as up:
        assert post(up, x_api_key=made).status_code == 200
        assert said not in capfd.readouterr().err
        keys.write_text("")
        until(lambda: post(up, x_api_key=made).status_code == 401)
        assert post(up).status_code == 401
        until(lambda: said in capfd.readouterr().err)


def test_a_keys_file_that_is_no_regular_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "keys")
    with pytest.raises(KeysError, match="wanted a regular file, got a FIFO"):
        read(tmp_path / "keys")
