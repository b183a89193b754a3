"""`convert inspect --reasons-template`: a file that `convert --reasons` takes as it is."""

import json
from pathlib import Path

import pytest

from convert.__main__ import main
from tests.converting import convert


def test_the_template_is_the_default_reasons(
    model: Path, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(model), "--reasons-template"]) == 0
    (tmp_path / "r.csv").write_text(capsys.readouterr().out)
    more = ["--reference", rows, "--threshold", 0.3]
    assert convert(model, tmp_path / "a", *more) == 0
    assert convert(model, tmp_path / "b", *more, "--reasons", tmp_path / "r.csv") == 0
    one, other = (json.loads((tmp_path / p / "m/1/reasons.json").read_bytes()) for p in "ab")
    assert one == other
