"""What README tells people to type works, and its numbers are the committed results'."""

import ast
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import ROOT, Serve, environment

README = (ROOT / "README.md").read_text()
BUNDLE = ROOT / "models" / "credit-express" / "1"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def shell(command: str, **variables: str) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], cwd=ROOT, env=environment() | variables,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_and_python_get_the_same_answer(serve: Serve, tmp_path: Path) -> None:
    """The JSON example and the MessagePack example, as README prints them, but for the port."""
    curl = next(block for block in blocks("sh") if block.startswith("curl"))
    python = next(block for block in blocks("python") if "msgpack" in block)
    with serve(BUNDLE, tmp_path) as server:
        here = f"127.0.0.1:{server.port}"
        by_curl = json.loads(shell(curl.replace("127.0.0.1:8000", here)))
        program = tmp_path / "ask.py"
        program.write_text(python.replace("127.0.0.1:8000", here))
        by_python = ast.literal_eval(shell(f".venv/bin/python {program}"))
    assert by_curl.pop("request_id") != by_python.pop("request_id")
    assert by_curl == by_python
    shown = json.loads(next(block for block in blocks("json") if "probability" in block))
    shown["model"]["sha256"] = by_curl["model"]["sha256"]
    assert shown == {**by_curl, "request_id": "…"}


def test_the_file_command_scores_every_row(tmp_path: Path) -> None:
    command = next(block for block in blocks("sh") if "server score" in block)
    shell(command.replace("-o scored.parquet", f"-o {tmp_path}/scored.parquet"))
    assert len(pd.read_parquet(tmp_path / "scored.parquet")) == 3000


def test_the_commands_for_ones_own_model_are_real(tmp_path: Path) -> None:
    """The conversion of README, on the committed model's text and reference rows."""
    convert, check = next(b for b in blocks("sh") if "-m convert" in b).splitlines()[:2]
    convert = convert.replace("convert model.txt", f"convert {BUNDLE}/model.txt")
    convert = convert.replace("--out models", f"--out {tmp_path}")
    shell(convert.replace("rows.parquet", f"{BUNDLE}/reference.parquet"))
    shell(check.replace("models/my-model/1", f"{tmp_path}/my-model/1"))


def test_every_make_verb_of_readme_exists() -> None:
    verbs = set(re.findall(r"^make ([a-z-]+)", "\n".join(blocks("sh")), re.MULTILINE))
    assert verbs
    assert verbs <= set(re.findall(r"make ([a-z-]+)", shell("make", **dict(os.environ))))


def test_the_auc_of_readme_is_the_manifests() -> None:
    shown = re.search(r"<!-- auc -->(.*?)<!-- /auc -->", README)
    manifest = json.loads((BUNDLE / "manifest.json").read_text())
    assert shown is not None
    assert float(shown[1]) == manifest["training"]["auc"]
