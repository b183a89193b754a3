"""What `inspect` and `compare` tell about a model."""

import json
from pathlib import Path

import pytest

from convert.__main__ import main
from convert.compare.comparison import Line, compare, render
from convert.model.features import MissingChoice
from convert.prove.building import build
from convert.prove.kinds import KINDS, Kind
from convert.read.inspection import inspect
from convert.read.loading import loaded_text

BY_NAME = {kind.name: kind for kind in KINDS}


def write(kind: Kind, folder: Path) -> Path:
    (folder / "model.txt").write_text(kind.text())
    return folder / "model.txt"


def test_inspect_counts_what_the_trees_hold() -> None:
    found = inspect(loaded_text(BY_NAME["categories"].text()))
    assert (found.task, found.transform, found.trees, found.outputs) == ("binary", "sigmoid", 12, 1)
    assert found.categories == {"Column_0": 20}
    assert found.categorical_splits > 0
    assert sum(found.splits_by_missing.values()) == found.leaves - found.trees
    assert 1 < found.deepest < 12


def test_inspect_names_what_looks_wrong() -> None:
    text = BY_NAME["binary"].text()
    names = text.replace("Column_0 Column_1 Column_2", "SK_ID_CURR INCOME_INDEX TARGET")
    found = inspect(loaded_text(names))
    assert "SK_ID_CURR looks like an identifier" in found.suspicious
    assert "TARGET looks like the target" in found.suspicious
    assert any("no split was trained on missing values" in each for each in found.suspicious)


def test_inspect_speaks_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(write(BY_NAME["linear_tree"], tmp_path)), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["linear_trees"] == 12
    assert set(found["used"]) | set(found["unused"]) == {f"Column_{i}" for i in range(5)}


def lines(kind: str) -> dict[str, Line]:
    built = build(loaded_text(BY_NAME[kind].text()), MissingChoice())
    return {line.exporter: line for line in compare(built, None, 0.5)}


def test_compare_shows_rows_onnxmltools_gets_wrong_and_none_of_ours() -> None:
    """zero_as_missing: onnxmltools knows nothing of it."""
    found = lines("zero_as_missing")
    for rows in (found["exact"].real, found["exact"].adversarial):
        assert rows is not None
        assert (rows.not_bit_equal, rows.off, rows.flips) == (0, 0, 0)
    for theirs in (found["onnxmltools"].real, found["onnxmltools"].adversarial):
        assert theirs is not None
        assert theirs.off > 100
        assert theirs.flips


def test_compare_says_what_an_exporter_refuses() -> None:
    found = lines("cross_entropy")
    assert "refuses" in found["onnxmltools"].refused
    assert "onnxmltools refuses" in render(list(found.values()), 0.5)


def test_single_precision_is_right_where_the_rows_are_single_precision(tmp_path: Path) -> None:
    """Its thresholds are rounded down, so only sums differ, by rounding."""
    found = lines("binary")["float32"].real
    assert found is not None
    assert found.not_bit_equal > 0
    assert found.largest < 1e-3


@pytest.mark.parametrize("exporter", ["float32", "onnxmltools"])
def test_an_inexact_bundle_says_so_and_counts(exporter: str, tmp_path: Path) -> None:
    model = str(write(BY_NAME["binary"], tmp_path))
    place = ["--name", "m", "--version", "1", "--out", str(tmp_path)]
    assert main([model, *place, "--exporter", exporter, "--threshold", "0.5"]) == 0
    manifest = json.loads((tmp_path / "m/1/manifest.json").read_bytes())
    assert manifest["exporter"] == exporter
    assert manifest["verification"]["mismatches"] > 0
    assert sum(manifest["verification"]["flips"].values()) > 0
    assert "Not exact" in (tmp_path / "m/1/verification.md").read_text()


def test_onnxmltools_is_refused_by_name_for_several_outputs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(write(BY_NAME["multiclass"], tmp_path))
    place = ["--name", "m", "--version", "1", "--out", str(tmp_path)]
    assert main([model, *place, "--exporter", "onnxmltools"]) == 2
    assert "one output" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()
