"""`convert --reasons` and `convert policy`: reasons.json of real bundles, against LightGBM."""

import hashlib
import json
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest

from convert.__main__ import main
from tests.converting import convert

CUT = 0.3
USED = ("income", "debt", "age", "job")
NAMED = ("--categories", "job")  # what rows tell otherwise


def read(place: Path, name: str = "reasons.json") -> Any:
    return json.loads((place / "m/1" / name).read_bytes())


def decide(rows: Path, *more: object) -> list[object]:
    return ["--reference", rows, "--threshold", CUT, *more]


def usual(booster: lightgbm.Booster, frame: pd.DataFrame, kind: str, cut: float) -> list[float]:
    """LightGBM's own mean contributions of the rows that a baseline is of."""
    X = frame.drop(columns="default")
    probability = np.asarray(booster.predict(X))
    order = np.argsort(probability, kind="stable")
    approved = order[probability[order] < cut]
    tenth = approved[-int(np.ceil(len(approved) / 10)) :]
    picked = {"marginal": tenth, "approved": approved, "all": order}[kind]
    found = np.asarray(booster.predict(X.iloc[picked], pred_contrib=True))
    means: list[float] = found[:, :-1].mean(axis=0).tolist()
    return means


def test_a_bundle_that_decides_has_one_reason_for_each_used_feature(
    model: Path, rows: Path, tmp_path: Path
) -> None:
    assert convert(model, tmp_path, *decide(rows)) == 0
    found = read(tmp_path)
    assert [entry["features"] for entry in found["entries"]] == [[n] for n in USED]
    assert [entry["code"] for entry in found["entries"]] == ["R001", "R002", "R003", "R004"]
    assert found["entries"][0]["text"] == {"en": "Value of income"}
    assert found["entries"][0]["missing"] == {"code": "M001", "text": {"en": "No value of income"}}
    assert found["entries"][1]["missing"] is None
    assert (found["most"], found["policy"]) == (4, "refuse>=0.3")


@pytest.mark.parametrize("kind", ["marginal", "approved", "all"])
def test_the_baseline_is_the_mean_of_lightgbms_contributions(
    booster: lightgbm.Booster, frame: pd.DataFrame, model: Path, rows: Path, tmp_path: Path,
    kind: str,
) -> None:  # fmt: skip
    assert convert(model, tmp_path, *decide(rows), "--reasons-baseline", kind) == 0
    found = read(tmp_path)["baseline"]
    wanted = usual(booster, frame, kind, CUT)
    assert (found["kind"], found["cutoff"]) == (kind, None if kind == "all" else CUT)
    assert np.abs(np.subtract(found["contributions"], wanted)).max() < 1e-12
    assert found["rows"] > (20 if kind == "marginal" else 200)


def test_with_a_refer_band_the_approved_lie_below_it(
    booster: lightgbm.Booster, frame: pd.DataFrame, model: Path, rows: Path, tmp_path: Path
) -> None:
    assert convert(model, tmp_path, *decide(rows, "--refer-from", 0.2)) == 0
    found = read(tmp_path)["baseline"]
    assert found["cutoff"] == 0.2
    wanted = usual(booster, frame, "marginal", 0.2)
    assert np.abs(np.subtract(found["contributions"], wanted)).max() < 1e-12


def test_the_expectation_is_a_baseline_that_needs_no_rows(model: Path, tmp_path: Path) -> None:
    more = ["--threshold", CUT, "--reasons-baseline", "expectation", *NAMED]
    assert convert(model, tmp_path, *more) == 0
    assert read(tmp_path)["baseline"] == {
        "kind": "expectation", "rows": 0, "cutoff": None, "contributions": [0.0] * 5,
    }  # fmt: skip


def test_a_file_gives_groups_languages_and_missing_values(
    model: Path, rows: Path, mapping: Path, tmp_path: Path
) -> None:
    assert convert(model, tmp_path, *decide(rows, "--reasons", mapping)) == 0
    income, owed, job = read(tmp_path)["entries"]
    assert income["missing"] == {
        "code": "INC0",
        "text": {"en": "No income stated", "de": "Kein Einkommen angegeben"},
    }
    assert owed == {
        "code": "OWE", "text": {"en": "Debt at your age", "de": "Schulden in Ihrem Alter"},
        "features": ["debt", "age"], "missing": None,
    }  # fmt: skip
    assert job["text"]["de"] == "Art der Arbeit"


def test_the_same_reasons_as_json(model: Path, rows: Path, mapping: Path, tmp_path: Path) -> None:
    assert convert(model, tmp_path / "a", *decide(rows, "--reasons", mapping)) == 0
    listed = tmp_path / "reasons.json"
    listed.write_text(json.dumps(read(tmp_path / "a")["entries"]))
    assert convert(model, tmp_path / "b", *decide(rows, "--reasons", listed)) == 0
    assert read(tmp_path / "a") == read(tmp_path / "b")


def test_the_version_is_the_hash_of_the_rest_and_the_manifest_hashes_the_file(
    model: Path, rows: Path, tmp_path: Path
) -> None:
    assert convert(model, tmp_path, *decide(rows)) == 0
    found = read(tmp_path)
    version = found.pop("version")
    text = json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert version == hashlib.sha256(text.encode()).hexdigest()[:12]
    content = (tmp_path / "m/1/reasons.json").read_bytes()
    manifest = read(tmp_path, "manifest.json")
    assert manifest["files"]["reasons.json"] == hashlib.sha256(content).hexdigest()


def test_another_policy_gets_the_baseline_a_conversion_would_give(
    model: Path, rows: Path, mapping: Path, tmp_path: Path
) -> None:
    for out, cut in (("a", CUT), ("b", 0.45)):
        more = ["--reference", rows, "--threshold", cut, "--reasons", mapping]
        assert convert(model, tmp_path / out, *more) == 0
    assert read(tmp_path / "a") != read(tmp_path / "b")
    assert main(["policy", str(tmp_path / "a/m/1"), "--threshold", "0.45"]) == 0
    content = (tmp_path / "a/m/1/reasons.json").read_bytes()
    assert content == (tmp_path / "b/m/1/reasons.json").read_bytes()
    manifest = read(tmp_path / "a", "manifest.json")
    assert manifest["files"]["reasons.json"] == hashlib.sha256(content).hexdigest()
    assert manifest["policy"]["version"] == read(tmp_path / "a")["policy"]


def test_where_nobody_is_approved_the_lowest_tenth_stands_for_them(
    booster: lightgbm.Booster, frame: pd.DataFrame, model: Path, rows: Path, tmp_path: Path
) -> None:
    assert convert(model, tmp_path, *decide(rows)) == 0
    assert main(["policy", str(tmp_path / "m/1"), "--threshold", "0"]) == 0
    X = frame.drop(columns="default")
    probability = np.asarray(booster.predict(X))
    lowest = X[probability <= np.sort(probability)[len(X) // 10 - 1]]
    wanted = np.asarray(booster.predict(lowest, pred_contrib=True))[:, :-1].mean(axis=0)
    found = read(tmp_path)["baseline"]
    assert found["rows"] == len(lowest)
    assert np.abs(np.subtract(found["contributions"], wanted)).max() < 1e-12


def test_without_a_policy_or_rows_there_are_no_reasons_and_no_error(
    model: Path, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(model, tmp_path / "a", "--reference", rows) == 0
    assert convert(model, tmp_path / "b", "--threshold", CUT, *NAMED) == 0
    assert "no reasons: reasons need --reference" in capsys.readouterr().err
    for out in ("a", "b"):
        assert not (tmp_path / out / "m/1/reasons.json").exists()


def test_reasons_that_cannot_be_given_are_refused_when_asked_for(
    model: Path, rows: Path, mapping: Path, frame: pd.DataFrame, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    value = lightgbm.LGBMRegressor(n_estimators=2, verbosity=-1)
    value.fit(frame.drop(columns="default"), frame.debt)
    value.booster_.save_model(tmp_path / "value.txt")
    asked = [
        ([model, "--reference", rows, "--reasons", mapping], "wanted --threshold or costs"),
        ([model, "--threshold", CUT, "--reasons", mapping, *NAMED], "need --reference rows"),
        ([tmp_path / "value.txt", "--reasons", mapping, *NAMED], "wanted a binary model"),
        ([model, *decide(rows, "--reasons", mapping, "--exporter", "float32")], "not exact"),
        ([model, *decide(rows, "--reasons", tmp_path / "absent.csv")], "No such file"),
    ]
    for (file, *more), said in asked:
        assert convert(Path(str(file)), tmp_path / "out", *more) == 2
        assert said in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_reasons_are_changed_without_converting_again(
    model: Path, rows: Path, mapping: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a conversion with that file makes them, and nothing else changes; also with a policy."""
    for name, more in (("a", ()), ("b", ("--reasons", mapping))):
        assert convert(model, tmp_path / name, *decide(rows), *more) == 0
    place = str(tmp_path / "a/m/1")
    before = read(tmp_path / "a", "manifest.json")
    kept = f"reasons-{read(tmp_path / 'a')['version']}.json"
    assert main(["policy", place, "--reasons", str(mapping)]) == 0
    assert read(tmp_path / "a") == read(tmp_path / "b")
    after = read(tmp_path / "a", "manifest.json")
    assert after["policy"] == before["policy"]
    assert after["files"].items() - before["files"].items() == {
        ("reasons.json", after["files"]["reasons.json"]),
        (kept, before["files"]["reasons.json"]),
    }
    mapping.write_text(mapping.read_text().replace("INC,", "EARN,"))
    assert main(["policy", place, "--reasons", str(mapping), "--threshold", "0.45"]) == 0
    assert convert(
        model, tmp_path / "c", "--reference", rows, "--threshold", 0.45, "--reasons", mapping
    ) == 0  # fmt: skip
    assert read(tmp_path / "a") == read(tmp_path / "c")
    mapping.write_text(mapping.read_text().replace("job,", "jobs,"))
    for options, said in (
        (["--reasons", str(mapping)], "has no feature jobs"),
        ([], "wanted --threshold, --reasons or both"),
        (["--reasons", str(mapping), "--refer-from", "0.1"], "--refer-from needs --threshold"),
    ):
        assert main(["policy", place, *options]) == 2
        assert said in capsys.readouterr().err
    assert read(tmp_path / "a") == read(tmp_path / "c"), "nothing was written"


def test_a_bundle_that_explained_nothing_so_far_gets_reasons(
    model: Path, rows: Path, mapping: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(model, tmp_path, "--reference", rows) == 0
    place = str(tmp_path / "m/1")
    assert main(["policy", place, "--reasons", str(mapping)]) == 2
    assert "wanted --threshold too: who is refused?" in capsys.readouterr().err
    assert main(["policy", place, "--reasons", str(mapping), "--threshold", "0.3"]) == 0
    assert {each["code"] for each in read(tmp_path)["entries"]} == {"INC", "OWE", "JOB"}


def test_reasons_that_were_replaced_stay_byte_for_byte_until_they_are_back(
    model: Path, rows: Path, mapping: Path, tmp_path: Path
) -> None:
    assert convert(model, tmp_path, *decide(rows, "--reasons", mapping)) == 0
    place = tmp_path / "m/1"
    written = []
    for threshold in ("0.45", "0.2", "0.45", str(CUT)):
        written.append((place / "reasons.json").read_bytes())
        assert main(["policy", str(place), "--threshold", threshold]) == 0
    now, *others = [json.loads(content)["version"] for content in written[:3]]
    assert read(tmp_path)["version"] == now, "the fourth change leads back to the first rule"
    assert {path.name for path in place.glob("reasons-*.json")} == {
        f"reasons-{version}.json" for version in others
    }
    for version, content in zip(others, written[1:3], strict=True):
        assert (place / f"reasons-{version}.json").read_bytes() == content
    sums = {
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}"
        for path in place.glob("reasons*.json")
    }
    assert len(sums) == 3
    assert sums <= {*(place / "SHA256SUMS").read_text().splitlines()}
