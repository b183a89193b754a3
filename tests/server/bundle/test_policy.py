"""Classes and policies through the server: named, exact, reloaded, recorded and replayed."""

import io
import json
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import lightgbm
import numpy as np
import pandas as pd
import pytest
import skops.io

from convert.__main__ import main as convert_main
from convert.bundle.write import sums
from monitoring.__main__ import main as monitoring
from server.bundle.manifest import BundleError
from server.scoring.model import load
from tests.conftest import Running, Serve, applicants

RNG = np.random.default_rng(8)
X = pd.DataFrame(RNG.normal(size=(900, 2)), columns=["income", "debt"])
BAD = (X.debt - X.income + RNG.normal(size=900) * 0.8 > 0.8).to_numpy()
PEOPLE = X[:300]


def convert(model: Path, out: Path, *more: str) -> Path:
    named = ["--name", model.stem, "--version", "1", "--out", str(out), "--force"]
    assert convert_main([str(model), *named, *more]) == 0
    return out / model.stem / "1"


@pytest.fixture(scope="module")
def fitted() -> lightgbm.LGBMClassifier:
    made = lightgbm.LGBMClassifier(n_estimators=15, verbose=-1, n_jobs=1)
    return made.fit(X, np.where(BAD, "bad", "good"))


@pytest.fixture
def bundle(fitted: lightgbm.LGBMClassifier, tmp_path: Path) -> Path:
    skops.io.dump(fitted, tmp_path / "words.skops")
    return convert(tmp_path / "words.skops", tmp_path, "--bad", "bad", "--threshold", "0.5")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    return tmp_path / "log"


def ask(server: Running, rows: pd.DataFrame = PEOPLE) -> list[dict[str, Any]]:
    answer = httpx.post(f"{server.url}/score", json=applicants(rows))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def test_the_bad_are_refused_with_the_bits_of_predict_proba(
    bundle: Path, fitted: lightgbm.LGBMClassifier, serve: Serve, log: Path
) -> None:
    with serve(bundle, log) as up:
        answers = ask(up)
        known = httpx.get(f"{up.url}/models").json()["models"][0]
        document = httpx.get(f"{up.url}/openapi.json").json()
        page = httpx.get(f"{up.url}/docs").text
    wanted = np.asarray(fitted.predict_proba(PEOPLE))[:, 0]
    assert [each["probability"] for each in answers] == wanted.tolist()
    assert [each["decision"] == "refuse" for each in answers] == (wanted >= 0.5).tolist()
    refused = np.array([each["decision"] == "refuse" for each in answers])
    assert refused[BAD[:300]].mean() > 0.7
    assert refused[~BAD[:300]].mean() < 0.1
    assert (known["classes"], known["probability_of"]) == (["bad", "good"], "bad")
    assert "the probability of class &#x27;bad&#x27;" in page
    properties = answer_schema(document)["properties"]
    assert properties["probability"]["description"] == "the probability of class 'bad'"


def answer_schema(document: Any) -> Any:
    operation = document["paths"]["/score"]["post"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    return schema["oneOf"][0]


def test_classes_of_several_are_named_in_answers_document_and_files(
    serve: Serve, log: Path, tmp_path: Path
) -> None:
    labels = np.where(BAD, "bad", np.where(X.debt > 0, "fair", "good"))
    made = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1).fit(X, labels)
    skops.io.dump(made, tmp_path / "three.skops")
    with serve(convert(tmp_path / "three.skops", tmp_path), log) as up:
        answers = ask(up)
        document = httpx.get(f"{up.url}/openapi.json").json()
        known = httpx.get(f"{up.url}/models").json()["models"][0]
    wanted = np.asarray(made.predict_proba(PEOPLE)).tolist()
    for answer, row in zip(answers, wanted, strict=True):
        assert answer["probabilities"] == dict(zip(("bad", "fair", "good"), row, strict=True))
    assert known["classes"] == ["bad", "fair", "good"]
    schema = answer_schema(document)["properties"]["probabilities"]
    assert schema["required"] == ["bad", "fair", "good"]


def test_without_a_policy_the_probability_stands_alone(
    fitted: lightgbm.LGBMClassifier, serve: Serve, log: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    skops.io.dump(fitted, tmp_path / "alone.skops")
    with serve(convert(tmp_path / "alone.skops", tmp_path, "--bad", "bad"), log) as up:
        answers = ask(up)
        metrics = httpx.get(f"{up.url}/metrics").text
    assert {(a["decision"], a["threshold"], a["policy"]) for a in answers} == {(None, None, None)}
    assert {record["decision"] for record in up.records()} == {None}
    assert 'credit_decisions_total{decision="refuse"} 0' in metrics
    assert replay(log, tmp_path) == 0
    assert "300 of 300 bit-identical" in capsys.readouterr().out


def replay(log: Path, models: Path, *more: str) -> int:
    return monitoring(["replay", "--log", str(log), "--models", str(models), *more])


def test_a_reload_serves_another_threshold_and_replay_follows(
    bundle: Path, serve: Serve, log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was decided before is still decided the same: the rules of before stay known."""
    with serve(tmp_path / "words", log) as up:
        before = ask(up)
        assert convert_main(["policy", str(bundle), "--threshold", "0.2"]) == 0
        assert {a["policy"] for a in ask(up)} == {"refuse>=0.5"}, "not before it is reloaded"
        up.process.send_signal(signal.SIGHUP)
        after = before
        for _ in range(200):
            after = ask(up)
            if after[0]["policy"] != "refuse>=0.5":
                break
            time.sleep(0.05)
    assert {(a["policy"], a["threshold"]) for a in after} == {("refuse>=0.2", 0.2)}
    assert [a["probability"] for a in after] == [a["probability"] for a in before]
    assert {a["model"]["sha256"] for a in after} == {before[0]["model"]["sha256"]}
    flipped = [b["decision"] != a["decision"] for b, a in zip(before, after, strict=True)]
    assert any(flipped)
    records = up.records()
    assert {record["policy"] for record in records} == {"refuse>=0.5", "refuse>=0.2"}
    capsys.readouterr()
    assert replay(log, tmp_path) == 0
    assert f"{len(records):,} of {len(records):,} bit-identical" in capsys.readouterr().out


def test_replay_calls_no_flipped_policy_identical(
    bundle: Path, serve: Serve, log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Converted again under the same name, another threshold is a policy the bundle cannot know."""
    with serve(bundle, log) as up:
        ask(up)
    more = ("--bad", "bad", "--threshold", "0.2")
    convert(tmp_path / "words.skops", tmp_path, *more)
    capsys.readouterr()
    assert replay(log, tmp_path) == 1
    said = capsys.readouterr().out
    assert "0 of 300 bit-identical" in said
    assert "300 score bit-identically, but were decided under a policy not in the bundle" in said
    assert "refuse>=0.5" in said
    assert replay(log, tmp_path, "--json") == 1
    report = json.load(io.StringIO(capsys.readouterr().out))
    assert (report["identical"], report["different"], report["other_policy"]) == (0, 0, 300)


def test_a_decision_that_its_own_policy_does_not_give_is_different(
    bundle: Path, serve: Serve, log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(bundle, log) as up:
        ask(up)
    assert convert_main(["policy", str(bundle), "--threshold", "0.2"]) == 0
    (segment,) = log.glob("*.jsonl")
    segment.write_text(
        segment.read_text().replace('"decision":"refuse"', '"decision":"approve"', 1)
    )
    assert replay(log, tmp_path) == 1
    assert "299 of 300 bit-identical" in capsys.readouterr().out


def test_a_band_to_refer_is_answered(bundle: Path, serve: Serve, log: Path) -> None:
    assert convert_main(["policy", str(bundle), "--threshold", ".5", "--refer-from", ".1"]) == 0
    with serve(bundle, log) as up:
        answers = ask(up)
        known = httpx.get(f"{up.url}/models").json()["models"][0]
    for answer in answers:
        p = answer["probability"]
        assert answer["decision"] == ("refuse" if p >= 0.5 else "refer" if p >= 0.1 else "approve")
    assert {answer["decision"] for answer in answers} == {"approve", "refer", "refuse"}
    assert (known["threshold"], known["refer_from"]) == (0.5, 0.1)
    assert known["policy"] == "refer>=0.1 refuse>=0.5"


def test_the_class_a_bundle_answers_cannot_be_turned_by_a_policy(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert convert_main(["policy", str(bundle), "--threshold", "0.2", "--bad", "good"]) == 2
    assert "convert the model again with --bad good" in capsys.readouterr().err
    assert convert_main(["policy", str(bundle), "--threshold", "0.2", "--bad", "bad"]) == 0
    unsaid = bundle.parents[1] / "unsaid.skops"
    (bundle.parents[1] / "words.skops").rename(unsaid)
    other = convert(unsaid, bundle.parents[1])
    assert convert_main(["policy", str(other), "--threshold", "0.2"]) == 2
    assert "say with --bad CLASS which one to refuse" in capsys.readouterr().err


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "another threshold under the same version": ({"policy.refuse_at": 0.2}, "another rule than"),
    "a band under the same version": ({"policy.refer_from": 0.1}, "another rule than"),
    "the other class": ({"probability_of": "good"}, "probability_of: "),
    "a class that is none": ({"probability_of": "ugly"}, "wanted one of"),
    "the classes in another order": ({"classes": ["good", "bad"]}, "probability_of: "),
    "the other sigmoid": ({"transform.name": "sigmoid"}, "probability_of: "),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_manifest_whose_class_or_rule_was_changed_by_hand_is_refused(
    change: str, bundle: Path
) -> None:
    """Sealed again, so that its sums are right."""
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    changes, wanted = CHANGES[change]
    for place, value in changes.items():
        *above, last = place.split(".")
        (manifest[above[0]] if above else manifest)[last] = value
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    files = {each: (bundle / each).read_bytes() for each in (*manifest["files"], "manifest.json")}
    (bundle / "SHA256SUMS").write_bytes(sums(files))
    with pytest.raises(BundleError, match=wanted):
        load(bundle)
