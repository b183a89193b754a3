"""Feature names as LightGBM takes them: odd ones from end to end, or refused by `convert`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import lightgbm as lgb
import msgspec
import numpy as np
import pytest

from convert.__main__ import main as convert_main
from tests.conftest import ROOT, Serve, convert, environment

ODD = [
    "a'b", "a/b", "<b>", "a%sb", "a\x7fb", "😀", "a=b", "f0", "__proto__", "$ref", "&amp;",
    "a\u202eb", "é", "~", "`x`", "a;b", "(a)", "index",
]  # fmt: skip
UNFIT = ["a\\b", "\\", "a\tb", "a\x01b", "a\x1bm", "a\\u0041", "C\\x", "\x02", "x\x10", "\\n"]


def booster(
    names: list[str],
) -> tuple[lgb.Booster, "np.ndarray[tuple[int, int], np.dtype[np.float64]]"]:
    rows = np.random.default_rng(3).normal(size=(800, len(names)))
    options = {"objective": "binary", "verbose": -1, "num_threads": 1, "num_leaves": 7}
    bad = rows.sum(axis=1) > 0
    return lgb.train(options, lgb.Dataset(rows, bad, feature_name=names), 40), rows


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, env=environment(), capture_output=True,
        text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", UNFIT, ids=range(len(UNFIT)))
def test_a_name_that_no_client_could_send_is_refused_by_convert(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    model, _ = booster([name, "other"])
    assert model.feature_name()[0] == name
    model.save_model(tmp_path / "m.txt")
    given = [str(tmp_path / "m.txt"), "--name", "m", "--version", "1"]
    assert convert_main([*given, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert f"feature {name!r}: wanted a name without backslashes, quotes or control" in said
    assert not (tmp_path / "out" / "m" / "1").exists()


def test_odd_names_work_from_end_to_end(serve: Serve, tmp_path: Path) -> None:
    """Convert, start, JSON, MessagePack, OIP, OpenAPI, metrics, record, replay."""
    model, rows = booster(ODD)
    model.save_model(tmp_path / "m.txt")
    convert(tmp_path / "m.txt", "--name", "m", "--version", "1", "--out", str(tmp_path / "models"))
    (tmp_path / "log").mkdir()
    wanted = np.asarray(model.predict(rows[:5])).tolist()
    with serve(tmp_path / "models" / "m" / "1", tmp_path / "log") as up:
        bodies = [dict(zip(ODD, row, strict=True)) for row in rows[:5].tolist()]
        for kind, encode, decode in (
            ("json", msgspec.json.encode, msgspec.json.decode),
            ("msgpack", msgspec.msgpack.encode, msgspec.msgpack.decode),
        ):
            head = {"content-type": f"application/{kind}"}
            said = httpx.post(f"{up.url}/score", content=encode(bodies), headers=head)
            assert [each["probability"] for each in decode(said.content)] == wanted
        escaped = json.dumps(bodies[0]).encode()  # as most clients write them
        assert (
            httpx.post(
                f"{up.url}/score", content=escaped, headers={"content-type": "application/json"}
            ).json()["probability"]
            == wanted[0]
        )
        refused = httpx.post(f"{up.url}/score", json={}).json()["errors"]
        assert [fault["feature"] for fault in refused] == ODD
        known = httpx.get(f"{up.url}/models/m/versions/1").json()["features"]
        assert [feature["name"] for feature in known] == ODD
        assert httpx.get(f"{up.url}/v2/models/m").json()["inputs"][0]["shape"] == [-1, len(ODD)]
        schema = httpx.get(f"{up.url}/openapi.json").json()["paths"]["/score"]["post"][
            "requestBody"
        ]
        one = schema["content"]["application/json"]["schema"]["oneOf"][0]
        assert list(one["properties"]) == ODD
        assert httpx.get(f"{up.url}/docs").status_code == 200
        assert "credit_applicants_total 11" in httpx.get(f"{up.url}/metrics").text
    records = [record for record in up.records() if record["kind"] == "score"]
    assert list(records[0]["features"]) == ODD
    done = command(
        "monitoring", "replay", "--log", str(tmp_path / "log"), "--models", str(tmp_path / "models")
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "place",
    [
        "/dev",
        "/dev/null",
        "/dev/stdin",
        "/dev/zero",
        "/proc/self/fd",
        "FIFO",
        "a\nb",
        "x" * 300,
        "\udcff",
    ],
)
@pytest.mark.parametrize(
    "verb", [["server", "--check"], ["server", "score", "rows.csv", "-o", "out.csv"]]
)
def test_a_model_that_is_no_bundle_is_one_line(tmp_path: Path, place: str, verb: list[str]) -> None:
    if place == "FIFO":
        place = str(tmp_path / "fifo")
        os.mkfifo(place)
    done = command(*verb, "--model", place)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr
