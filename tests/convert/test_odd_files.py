"""Whatever the file, the command ends in one line and exit code 2: bounded in size and in time."""

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from convert import files
from convert.__main__ import main
from convert.read import skops_file
from tests.skops_files import Node, edited, node, plain, zipped

ROOT = Path(__file__).parents[2]
RNG = np.random.default_rng(3)
X = RNG.normal(size=(300, 3))
Y = (X[:, 0] > 0).astype(int)
GOOD = "flavors:\n  sklearn:\n    pickled_model: model.pkl\n"
SCHEMA = "schema.json"
NAMES = GOOD + "signature:\n  inputs: "


def classifier() -> lightgbm.LGBMClassifier:
    return lightgbm.LGBMClassifier(n_estimators=4, num_leaves=5, verbosity=-1, n_jobs=1)


@pytest.fixture(scope="module")
def fitted() -> lightgbm.LGBMClassifier:
    return classifier().fit(X, Y)


@pytest.fixture(scope="module")
def text(fitted: lightgbm.LGBMClassifier) -> str:
    found: str = fitted.booster_.model_to_string()
    return found


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """Run the command; it ends with 2 and one short line, which is returned."""
    assert main([str(each) for each in arguments]) == 2, arguments
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("convert: ")
    assert len(lines[-1]) < 500
    return lines[-1]


def convert_to(out: Path, model: Path, *more: str | Path) -> list[str | Path]:
    return ["convert", model, "--name", "m", "--version", "1", "--out", out, *more]


ODD_MLMODELS: dict[str, str | bytes] = {
    "a list": "- a\n",
    "a text": "hello",
    "nothing": "",
    "a number": "3",
    "flavors a list": "flavors: [a]",
    "flavors a text": "flavors: x",
    "flavors nothing": "flavors:",
    "a flavor of nothing": "flavors:\n  sklearn:\n",
    "a flavor a list": "flavors:\n  sklearn: [1]",
    "a path a number": GOOD.replace("model.pkl", "3"),
    "a path a list": GOOD.replace("model.pkl", "[a]"),
    "a path elsewhere": GOOD.replace("model.pkl", "/etc/passwd"),
    "a path above": GOOD.replace("model.pkl", "../other.pkl"),
    "a path too long": GOOD.replace("model.pkl", "a" * 5000),
    "a path with a zero": GOOD.replace("model.pkl", '"a\\0b"'),
    "a signature of text": GOOD + "signature: x",
    "a signature that is no JSON": NAMES + "'{x'",
    "a signature of a mapping": NAMES + "'{\"a\": 1}'",
    "a signature of texts": NAMES + "'[\"a\"]'",
    "a signature of a number": NAMES + "'3'",
    "one name twice": NAMES + "'" + json.dumps([{"name": name} for name in "aab"]) + "'",
    "UTF-16": GOOD.encode("utf-16"),
    "no UTF-8": b"flavors: \xff",
    "a zero": b"flavors: \0",
    "a date": "flavors: 2020-01-01",
    "no date": "flavors: 2020-99-99",
    "a key that is a list": "? [a, b]\n: c\n",
    "too large": GOOD + "x: [" + "1, " * 2_000_000 + "1]\n",
}


@pytest.mark.parametrize("name", ODD_MLMODELS)
def test_an_odd_mlmodel_file_is_told_in_one_line(
    name: str,
    fitted: lightgbm.LGBMClassifier,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    content = ODD_MLMODELS[name]
    (tmp_path / "other.pkl").write_bytes(pickle.dumps(fitted))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.pkl").write_bytes(pickle.dumps(fitted))
    (folder / "MLmodel").write_bytes(content if isinstance(content, bytes) else content.encode())
    refused(capsys, "inspect", folder)


@pytest.mark.parametrize("verb", ["inspect", "compare", "convert", "trust", "rows", "training"])
def test_only_regular_files_are_opened(
    verb: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipe nobody writes into and a device without an end would hold the command for ever."""
    pipe, good = tmp_path / "pipe", tmp_path / "m.txt"
    os.mkfifo(pipe)
    good.write_text(text)
    for odd, kind in ((pipe, "a pipe"), (Path("/dev/zero"), "a device")):
        arguments: dict[str, list[str | Path]] = {
            "inspect": ["inspect", odd],
            "compare": ["compare", odd],
            "convert": convert_to(tmp_path, odd),
            "trust": convert_to(tmp_path, odd, "--trust-pickle"),
            "rows": convert_to(tmp_path, good, "--reference", odd),
            "training": convert_to(tmp_path, good, "--training-info", odd),
        }
        said = refused(capsys, *arguments[verb])
        assert kind in said or (verb == "rows" and f"{odd}: wanted" in said)


def test_a_path_that_cannot_be_one_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder.json").mkdir()
    for odd in ("a\0b", "a" * 5000, tmp_path / "loop", tmp_path / "absent", tmp_path):
        refused(capsys, "inspect", odd)
    refused(capsys, *convert_to(tmp_path, tmp_path, "--trust-pickle"))
    refused(capsys, "verify", tmp_path / "folder.json")


def _zlib(content: bytes) -> bytes:
    return zlib.compress(content)


@pytest.mark.parametrize("squeeze", [gzip.compress, bz2.compress, lzma.compress, _zlib])
def test_a_file_that_unpacks_to_too_much_is_refused_before_it_is_held(
    squeeze: Callable[[bytes], bytes],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 1 << 21)
    monkeypatch.setattr(files, "CHUNK", 1 << 18)
    (tmp_path / "m.pkl").write_bytes(squeeze(bytes(1 << 22)))
    assert "unpacks to more than 2 MB" in refused(capsys, "inspect", tmp_path / "m.pkl")


def test_a_skops_file_may_not_name_one_member_again_and_again(
    fitted: lightgbm.LGBMClassifier,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The bound is on what is read, not on what the archive lists."""

    def again(schema: Node) -> None:
        state = schema["content"]["content"]
        many = [{**state["_classes"], "__id__": number} for number in range(5_000)]
        state["many"] = {**node("ListNode", "builtins.list"), "content": many}

    content = edited(fitted, again)
    (tmp_path / "m.skops").write_bytes(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        listed = sum(member.file_size for member in archive.infolist())
    monkeypatch.setattr(skops_file.Bounded, "left", listed + 100_000)
    assert "unpacks to more than" in refused(capsys, "inspect", tmp_path / "m.skops")
    monkeypatch.setattr(skops_file.Bounded, "left", listed + 10_000_000)
    assert main(["inspect", str(tmp_path / "m.skops")]) == 0


def booster(schema: Node) -> Node:
    state: Node = schema["content"]["content"]["_Booster"]["content"]["content"]
    return state


def step(schema: Node) -> Node:
    steps = schema["content"]["content"]["steps"]["content"]
    state: Node = steps[0]["content"][1]["content"]["content"]
    return state


def odd_skops_files(text: str) -> dict[str, bytes]:
    """Damage of every part: the archive, the schema, the booster, the steps' state."""
    alone = classifier().fit(X, Y)
    pipeline = make_pipeline(StandardScaler(), classifier()).fit(X, Y)
    whole = edited(alone, lambda schema: None)
    found = {
        "no schema": zipped({"schema.json": b""}),
        "a schema of null": zipped({"schema.json": b"null"}),
        "a schema of nothing": zipped({"schema.json": b"{}"}),
        "a protocol to come": zipped({"schema.json": b'{"protocol": 99}'}),
        "cut": whole[: len(whole) // 2],
        "a member absent": edited(pipeline, lambda s: step(s)["mean_"].update(file="absent")),
        "a member no array": edited(pipeline, lambda s: step(s)["mean_"].update(file=SCHEMA)),
    }
    texts: tuple[Any, ...] = (3, None, "", text[:500], "hello")
    for number, value in enumerate(texts):
        change = _setting(booster, "_handle", value)
        found[f"the booster's text {number}"] = edited(alone, change)
    found["an odd best iteration"] = edited(alone, _setting(booster, "best_iteration", "x"))
    odd: tuple[Any, ...] = (None, "x", [1, 2], {"a": 1}, 10**300, -1)
    for key in ("mean_", "scale_", "n_features_in_"):
        for value in odd:
            name = f"{key} {str(value)[:9]}"
            found[name] = edited(pipeline, _setting(step, key, value))
    return found


def _setting(where: Callable[[Node], Node], key: str, value: Any) -> Callable[[Node], object]:
    return lambda schema: where(schema).__setitem__(key, plain(value))


def test_an_odd_skops_file_is_told_in_one_line(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in odd_skops_files(text).items():
        path = tmp_path / f"{name}.skops"
        path.write_bytes(content)
        refused(capsys, "inspect", path)


def test_what_does_not_unpickle_is_told_in_one_line(
    fitted: lightgbm.LGBMClassifier, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = pickle.dumps(fitted)
    odd = [b"", b"abc", text.encode(), whole[:3000], pickle.dumps({"a": 1}), pickle.dumps(None)]
    odd += [b"\x80\x04cno.such\nthing\n.", pickle.dumps(classifier()), whole[:-1], b"\x80\x09."]
    for content in odd:
        (tmp_path / "m.pkl").write_bytes(content)
        refused(capsys, *convert_to(tmp_path / "out", tmp_path / "m.pkl", "--trust-pickle"))


def saved(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_odd_rows_and_odd_lists_of_cases_fail_in_one_line(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, rows = tmp_path / "m.txt", tmp_path / "rows.npz"
    good.write_text(text)
    for content in (
        b"abc", saved(Y=1), saved(X=np.zeros((3, 2))), saved(X=np.zeros(3)), saved(X=["a"]),
        saved(X=np.zeros((0, 3))), saved(X=np.zeros((2, 3)) * 1j),
    ):  # fmt: skip
        rows.write_bytes(content)
        assert main(["verify", str(good), "--rows", str(rows)]) == 1
        assert "FAILED  m.txt: " in capsys.readouterr().out
    case = {"name": "a", "model": "m.txt"}
    odd: list[Any] = [3, {}, [1], ["a"], [{}], [{**case, "model": 2}], [{**case, "case": 3}]]
    odd += [[{**case, "num_iteration": rounds}] for rounds in ("x", 2.5)]
    for listed in odd:
        (tmp_path / "cases.json").write_text(json.dumps(listed))
        refused(capsys, "verify", tmp_path / "cases.json")


def test_a_command_without_an_end_is_stopped_by_its_processor_time() -> None:
    code = (
        "import sys; from convert.guard import guarded\n"
        "def work():\n"
        "    while True: pass\n"
        "sys.exit(guarded(work, seconds=1))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("convert: stopped after 1 s of processor time")
    assert len(done.stderr.splitlines()) == 1
