"""A manifest that contradicts itself is refused, in a line that names the contradiction."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server.bundle.manifest import BundleError
from server.bundle.reading import read_manifest

Manifest = dict[str, Any]
Change = Callable[[Manifest], object]


def at(*path: str | int, **values: Any) -> Change:
    """Return what sets values in the object at a path."""

    def change(manifest: Manifest) -> None:
        place: Any = manifest
        for key in path:
            place = place[key]
        place.update(values)

    return change


def missing(feature: int, policy: str, allowed: bool, value: float | None) -> Change:
    return at("features", feature, "missing", policy=policy, allowed=allowed, value=value)


MULTI: Manifest = {"task": "multiclass", "policy": None, "outputs": 3}
SOFTMAX: Manifest = {**MULTI, "transform": {"name": "softmax"}}
SIGMOID: Manifest = {"kind": "sigmoid", "a": 1.0, "b": 0.0}
DECIDED: Manifest = {**SOFTMAX, "policy": {"version": "1", "refuse_at": 0.5}}
UPSIDE_DOWN: Manifest = {"kind": "isotonic", "x": [1.0, 0.0], "y": [0.0, 1.0]}
VALUE: Manifest = {"name": "identity", "calibrator": SIGMOID}
WRONG: list[tuple[Change, str]] = [
    (lambda m: m["features"].append(m["features"][0]), "under one name only, got ['AGE'] again"),
    (at("features", 1, name="AGE"), "under one name only, got ['AGE'] again"),
    (at(features=[]), "features: wanted at least one"),
    (lambda m: m["features"][3]["codes"].pop(), "feature KIND: codes: wanted 4"),
    (lambda m: m["features"][3]["categories"].pop(), "feature KIND: codes: wanted 3"),
    (at("features", 4, categories=[1, 2, 2, 4]), "feature REGION: categories: wanted each once"),
    (at("features", 4, categories=[1, 2, 1.0, 4]), "feature REGION: categories: wanted each once"),
    (at("features", 4, categories=[1, 2, True, 4]), "feature REGION: categories: wanted each once"),
    (at("features", 4, codes=[0, 1, 1, 3]), "feature REGION: codes: wanted each once"),
    (at("features", 4, zero_as_missing=True), "feature REGION: zero_as_missing"),
    (at("features", 0, seen={"min": 2.0, "max": 1.0}), "feature AGE: seen: wanted a finite min"),
    (missing(0, "error", True, None), "feature AGE: missing: wanted allowed"),
    (missing(0, "trained", False, None), "feature AGE: missing: wanted allowed"),
    (missing(0, "guess", True, None), "feature AGE: missing: wanted one of"),
    (missing(0, "impute", True, None), "feature AGE: missing: wanted a value"),
    (missing(0, "trained", True, 3.0), "feature AGE: missing: wanted a value"),
    (missing(0, "zero", True, 1.0), "feature AGE: missing: wanted the value 0"),
    (missing(0, "unused", True, None), "feature AGE: missing: wanted another policy than unused"),
    (lambda m: m.pop("contributions"), "contributions: wanted a file covers.bin if and only if"),
    (lambda m: m["files"].pop("covers.bin"), "contributions: wanted a file covers.bin if and only"),
    (at("contributions", columns=[0]), "contributions: wanted a file steps.onnx if and only if"),
    (at("files", **{"steps.onnx": "0" * 64}), "contributions: wanted a file steps.onnx if and"),
    (at(task="guess"), "task: wanted one of"),
    (at(outputs=2), "outputs: wanted 1 for the task binary, got 2"),
    (at(outputs=0), "outputs: wanted some, got 0"),
    (at(outputs=-1), "outputs: wanted some, got -1"),
    (at("transform", name="softmax"), "transform: wanted one of"),
    (at("transform", name="exp"), "transform: wanted one of"),
    (at("transform", divide_by=0), "transform: wanted a finite sigmoid and a divisor above 0"),
    (at("transform", divide_by=-2), "transform: wanted a finite sigmoid and a divisor above 0"),
    (at(classes=["good"]), "classes: wanted 2 for the task binary"),
    (at(classes=["a", "a"]), "classes: wanted each once"),
    (at(classes=[1, "1"]), "classes: wanted each once"),
    (at(classes=["a", "b"], probability_of="c"), "probability_of: wanted one of"),
    (at(**SOFTMAX, classes=["a", "b"]), "classes: wanted 3, one for each output"),
    (at(**SOFTMAX), "classes: wanted 3, one for each output"),
    (at(**DECIDED, classes=[0, 1, 2]), "policy: wanted none"),
    (at(**MULTI, classes=[0, 1, 2]), "transform: wanted one of"),
    (at("policy", refuse_at=1.5), "policy: wanted thresholds from 0 to 1"),
    (at("policy", refer_from=-0.1), "policy: wanted thresholds from 0 to 1"),
    (at("policy", refuse_at=0.2, refer_from=0.3), "policy: wanted refer_from up to refuse_at"),
    (at("policy", version=""), "policy: wanted a version"),
    (at("transform", calibrator=UPSIDE_DOWN), "calibrator"),
    (at(task="regression", policy=None, transform=VALUE), "calibrator"),
    (at(name=""), "name: wanted letters"),
    (at(name="a/b"), "name: wanted letters"),
    (at(version=".."), "version: wanted letters"),
    (at("files", **{"model.onnx": "abc"}), "files: model.onnx: wanted a sha256"),
    (at("files", **{"../x": "0" * 64}), "files: wanted names of files beside the manifest"),
    (lambda m: m["files"].pop("golden.json"), "files: wanted model.onnx and golden.json"),
    (at(schema_version=2), "wanted schema_version 1, got 2"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), WRONG, ids=range(len(WRONG)))
def test_a_contradiction_is_named(bundle: Path, tmp_path: Path, change: Change, said: str) -> None:
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    change(manifest)
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(manifest))
    with pytest.raises(BundleError) as error:
        read_manifest(file)
    assert str(error.value).startswith(f"{file}: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
def test_a_number_that_is_not_finite_is_refused(bundle: Path, tmp_path: Path, number: str) -> None:
    text = (bundle / "manifest.json").read_text()
    file = tmp_path / "manifest.json"
    file.write_text(text.replace('"refuse_at": 0.4', f'"refuse_at": {number}'))
    assert file.read_text() != text
    with pytest.raises(BundleError):
        read_manifest(file)


RIGHT: list[Change] = [
    at(policy=None),
    at("policy", version="1", refuse_at=1.0, refer_from=1.0),
    at("policy", version="1", refuse_at=0.0),
    at(classes=["good", "bad"], probability_of="bad"),
    at(**SOFTMAX, classes=["a", "b", "c"]),
    missing(0, "zero", True, 0.0),
    missing(0, "impute", True, -1e300),
    at("features", 4, categories=["1", 1, "true", 4]),
    at("features", 0, seen=None),
    at("features", 0, name="<b>{a}, 'é' %s 😀"),
]


@pytest.mark.parametrize("change", RIGHT, ids=range(len(RIGHT)))
def test_what_is_odd_and_no_contradiction_is_read(
    bundle: Path, tmp_path: Path, change: Change
) -> None:
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    change(manifest)
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert read_manifest(tmp_path / "manifest.json").name == "small"
