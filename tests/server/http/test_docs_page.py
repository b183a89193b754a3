"""The examples of docs/http.md are run as they stand, on the committed model."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from models.demo import predict
from tests.conftest import ROOT, Serve

MODEL = ROOT / "models" / "credit-express" / "1"
PAGE = (ROOT / "docs" / "http.md").read_text()
EXAMPLES = re.findall(r"```(python|sh)\n(.*?)```", PAGE, re.S)
SAYS = re.compile(r"\b(approve|refer|refuse)\b(?!>=)")  # a policy is no decision


def test_there_are_examples_in_both_languages() -> None:
    assert {language for language, _ in EXAMPLES} == {"python", "sh"}


@pytest.mark.skipif(not MODEL.exists(), reason="the demo model is not here")
def test_every_example_tells_lightgbms_decision(serve: Serve, tmp_path: Path) -> None:
    applicant = json.loads((MODEL.parent / "applicant.json").read_text())
    refuse_at = json.loads((MODEL / "manifest.json").read_text())["policy"]["refuse_at"]
    decision = "refuse" if predict(MODEL / "model.txt", applicant) >= refuse_at else "approve"
    with serve(MODEL, tmp_path) as up:
        address = up.url.removeprefix("http://")
        for language, code in EXAMPLES:
            here = code.replace("127.0.0.1:8000", address).replace("out=1.0", "out=30")
            command = ["sh", "-c", here] if language == "sh" else [sys.executable, "-c", here]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            assert set(SAYS.findall(done.stdout)) == {decision}, done.stdout
