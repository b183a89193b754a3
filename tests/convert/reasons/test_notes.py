"""What conversion says of reasons: protected features, and texts against monotone constraints."""

from pathlib import Path

import lightgbm
import pandas as pd
import pytest

from convert.__main__ import main
from convert.model.parse import parse_model
from convert.reasons.entries import Entry, words_of
from convert.reasons.notes import PROTECTED, against
from tests.converting import convert


@pytest.mark.parametrize(
    ("name", "looks"),
    [
        ("AGE", True), ("DAYS_BIRTH", True), ("CODE_GENDER", True), ("maritalStatus", True),
        ("zip_code", True), ("NAME_FAMILY_STATUS", True), ("nationality", True),
        ("mortgage", False), ("average", False), ("AGENCY", False), ("trace", False),
    ],
)  # fmt: skip
def test_names_that_look_protected(name: str, looks: bool) -> None:
    assert any(map(PROTECTED.match, words_of(name))) == looks


def test_a_protected_feature_is_warned_of_and_keeps_its_reason(
    model: Path, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(model, tmp_path, "--reference", rows, "--threshold", 0.3) == 0
    assert "WARNING: age: a law may protect" in capsys.readouterr().err
    assert '"age"' in (tmp_path / "m/1/reasons.json").read_text()


def test_new_reasons_of_a_bundle_are_warned_of_in_the_same_words(
    model: Path, rows: Path, mapping: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decide = ("--reference", rows, "--threshold", 0.3, "--reasons", mapping)
    assert convert(model, tmp_path, *decide) == 0
    at_first = capsys.readouterr().err.splitlines()
    assert main(["policy", str(tmp_path / "m/1"), "--reasons", str(mapping)]) == 0
    said = capsys.readouterr().err.splitlines()
    told = [line for line in at_first if "may protect" in line or "compared with" in line]
    assert said[:2] == told
    assert main(["policy", str(tmp_path / "m/1"), "--threshold", "0.4"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert "compared with" in said[0]
    assert "may protect" not in "".join(said), "the reasons are as they were"


def test_a_text_against_a_monotone_constraint_is_told(frame: pd.DataFrame) -> None:
    X = frame[["debt", "age"]]
    options = {"objective": "binary", "verbosity": -1, "monotone_constraints": [1, -1]}
    booster = lightgbm.train(options, lightgbm.Dataset(X, frame.default), 3)
    model = parse_model(booster.model_to_string())
    texts = {"debt": "Debt too low", "age": "Age too low"}
    entries = [Entry(name, {"en": text}, features=(name,)) for name, text in texts.items()]
    assert [note.split(" says ")[0] for note in against(entries, model, 1)] == [
        "WARNING: code debt"
    ]
    assert [note.split(" says ")[0] for note in against(entries, model, -1)] == [
        "WARNING: code age"
    ]
