"""The cut-off: chosen by somebody, told, named by its rule, changed without converting again."""

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest

from convert.__main__ import main
from convert.bundle.write import exchange, write_bundle
from convert.policy.policy import Costs, by_cost
from monitoring.replay.model import find
from server.scoring.catalog import bundles
from tests.conftest import ROOT

RNG = np.random.default_rng(5)
X = pd.DataFrame(RNG.normal(size=(1500, 2)), columns=["income", "debt"])
BAD = (X.debt - X.income + RNG.normal(size=1500) > 1).to_numpy()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text model and its labelled rows."""
    folder = tmp_path_factory.mktemp("world")
    data = lightgbm.Dataset(X, BAD)
    lightgbm.train({"objective": "binary", "verbose": -1}, data, 15).save_model(folder / "m.txt")
    X.assign(bad=BAD.astype(int)).to_parquet(folder / "rows.parquet")
    return folder


def convert(world: Path, out: Path, *more: object) -> int:
    named = ["--name", "m", "--version", "1", "--out", str(out), "--force"]
    rows = ["--reference", str(world / "rows.parquet"), "--label", "bad"]
    return main([str(world / "m.txt"), *named, *rows, *map(str, more)])


def manifest_of(out: Path) -> Any:
    return json.loads((out / "m/1/manifest.json").read_bytes())


@pytest.fixture
def bundle(world: Path, tmp_path: Path) -> Iterator[Path]:
    assert convert(world, tmp_path, "--cost-fn", "5", "--cost-fp", "1") == 0
    yield tmp_path / "m/1"
    sums = ["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"]
    assert subprocess.run(sums, cwd=tmp_path / "m/1", check=False).returncode == 0
    assert [each.name for each in (tmp_path / "m").iterdir()] == ["1"], "nothing is left beside"


def test_nobody_chose_so_nothing_is_decided(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(world, tmp_path) == 0
    assert capsys.readouterr().err.count("no policy: without --threshold, or --cost-fn") == 1
    assert manifest_of(tmp_path)["policy"] is None
    assert "decisions" not in json.loads((tmp_path / "m/1/profile.json").read_bytes())


def test_the_threshold_by_cost_is_told_with_what_it_does(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(world, tmp_path, "--cost-fn", "5", "--cost-fp", "1") == 0
    policy = manifest_of(tmp_path)["policy"]
    sample = pd.read_parquet(tmp_path / "m/1/reference.parquet")
    refused = (sample.__prediction >= policy["refuse_at"]).mean()
    said = capsys.readouterr().err
    assert f"refuse from {policy['refuse_at']!r} on" in said
    assert f"{policy['chosen']['cost_per_row']:.6g} per row" in said
    assert f"{refused:.1%} of 1500 reference rows refused; AUC 0.9" in said


def test_no_cut_off_costs_less_than_the_chosen_one() -> None:
    """Against every cut-off there is, one that refuses nobody among them."""
    for seed in range(60):
        random = np.random.default_rng(seed)
        score = (random.random(12) * 0.9).round(1)
        label = (random.random(12) < 0.4).astype(float)
        label[:2] = 0, 1
        costs = Costs(*random.choice([0.5, 1.0, 3.0, 9.0], 2).tolist())
        cuts = [*score, 0.0, float(np.nextafter(score.max(), 2))]
        least = min(cost_at(cut, score, label, costs) for cut in cuts)
        found = by_cost(score, label, costs)
        assert cost_at(found.refuse_at, score, label, costs) == pytest.approx(least)
        assert found.chosen["cost_per_row"] == pytest.approx(least / 12)


def cost_at(cut: float, score: Any, label: Any, costs: Costs) -> float:
    refused = score >= cut
    return float(costs.fn * (label[~refused] == 1).sum() + costs.fp * (label[refused] == 0).sum())


RULES = [
    ("--threshold", "0.5"), ("--threshold", "0.18"), ("--threshold", "0.18000000000000002"),
    ("--threshold", "0.18", "--refer-from", "0.12"), ("--threshold", "0.18", "--refer-from", "0.1"),
    ("--threshold", "0"), ("--threshold", "1"), ("--threshold", "1e-9"),
    ("--cost-fn", "5", "--cost-fp", "1"), ("--cost-fn", "9", "--cost-fp", "1"),
    ("--cost-fn", "5", "--cost-fp", "1", "--refer-from", "0.01"),
]  # fmt: skip


def test_two_rules_never_have_one_policy_version(world: Path, tmp_path: Path) -> None:
    """Converted over one another, as --force does it; the same rule has the same version."""
    found: dict[str, tuple[float, float | None]] = {}
    for options in [*RULES, RULES[0]]:
        assert convert(world, tmp_path, *options) == 0
        policy = manifest_of(tmp_path)["policy"]
        rule = (policy["refuse_at"], policy["refer_from"])
        assert found.setdefault(policy["version"], rule) == rule
    assert len(found) == len(RULES)


@pytest.mark.parametrize(
    "options",
    [
        ("--threshold", "1.01"), ("--threshold", "-0.1"), ("--threshold", "nan"),
        ("--threshold", "inf"), ("--refer-from", "0.1"),
        ("--threshold", "0.2", "--refer-from", "0.2"),
        ("--threshold", "0.2", "--refer-from", "0.3"),
        ("--threshold", "0.2", "--refer-from", "-0.1"),
        ("--threshold", "0.2", "--refer-from", "nan"),
        ("--threshold", "0", "--refer-from", "0"),
        ("--threshold", "0.2", "--cost-fn", "1", "--cost-fp", "1"),
        ("--cost-fn", "1"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_followed_is_refused(
    options: tuple[str, ...], world: Path, tmp_path: Path
) -> None:
    assert convert(world, tmp_path, *options) == 2
    assert not (tmp_path / "m").exists()


def test_another_threshold_leaves_the_model_and_its_scores_alone(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {each.name: each.read_bytes() for each in bundle.iterdir()}
    old = json.loads(before["manifest.json"])
    assert main(["policy", str(bundle), "--threshold", ".18", "--refer-from", ".12"]) == 0
    assert "refuse from 0.18 on, refer from 0.12 on" in capsys.readouterr().err
    after = {each.name: each.read_bytes() for each in bundle.iterdir()}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"manifest.json", "SHA256SUMS", "profile.json", "reasons.json"}
    new = json.loads(after["manifest.json"])
    assert new["policy"]["version"] != old["policy"]["version"]
    assert (new["policy"]["refuse_at"], new["policy"]["refer_from"]) == (0.18, 0.12)
    assert new["policy"]["chosen"] == {"by": "given", "cost_fn": 5.0, "cost_fp": 1.0}
    assert new["policy"]["earlier"] == [
        {key: old["policy"][key] for key in ("version", "refuse_at", "refer_from")}
    ]
    assert new["files"]["model.onnx"] == old["files"]["model.onnx"]
    sample = pd.read_parquet(bundle / "reference.parquet")["__prediction"]
    decisions = json.loads(after["profile.json"])["decisions"]
    assert decisions["refuse"] == (sample >= 0.18).sum()
    assert decisions["refer"] == ((sample >= 0.12) & (sample < 0.18)).sum()
    assert sum(decisions.values()) == len(sample)


def test_going_back_is_the_rule_of_before(bundle: Path) -> None:
    for threshold in ("0.2", "0.3", "0.2"):
        assert main(["policy", str(bundle), "--threshold", threshold]) == 0
    policy = json.loads((bundle / "manifest.json").read_bytes())["policy"]
    assert policy["version"] == "refuse>=0.2"
    assert [rule["version"] for rule in policy["earlier"]][1:] == ["refuse>=0.3"]


def test_a_bundle_without_a_policy_can_be_given_one(world: Path, tmp_path: Path) -> None:
    assert convert(world, tmp_path) == 0
    assert main(["policy", str(tmp_path / "m/1"), "--threshold", "0.3"]) == 0
    assert manifest_of(tmp_path)["policy"]["refuse_at"] == 0.3
    assert "earlier" not in manifest_of(tmp_path)["policy"]


def test_a_changed_or_absent_file_is_not_sealed_again(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("manifest.json", "model.onnx", "golden.json", "profile.json"):
        assert convert(world, tmp_path, "--threshold", "0.3") == 0
        file = tmp_path / "m/1" / name
        file.write_bytes(file.read_bytes() + b" ")
        capsys.readouterr()
        assert main(["policy", str(tmp_path / "m/1"), "--threshold", "0.2"]) == 2
        assert f"{name}: not the file listed in SHA256SUMS" in capsys.readouterr().err
    (tmp_path / "m/1/SHA256SUMS").unlink()
    assert main(["policy", str(tmp_path / "m/1"), "--threshold", "0.2"]) == 2
    assert main(["policy", str(tmp_path / "nowhere"), "--threshold", "0.2"]) == 2


def test_folders_are_swapped_in_one_step(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    assert exchange(tmp_path / "one", tmp_path / "other")
    assert (tmp_path / "one" / "file").read_text() == "other"
    assert (tmp_path / "other" / "file").read_text() == "one"
    assert not exchange(tmp_path / "one", tmp_path / "absent")


def test_a_reader_never_finds_the_folder_absent_while_policies_change(bundle: Path) -> None:
    """Another process looks all the time; the folder is there every time, whole or not at all."""
    look = (
        "import os, sys\n"
        "seen = absent = 0\n"
        "print('looking', flush=True)\n"
        "while os.path.exists(sys.argv[2]):\n"
        "    seen += 1\n"
        "    absent += not os.path.exists(sys.argv[1])\n"
        "print(seen, absent)\n"
    )
    stop = bundle.parent.parent / "stop"
    stop.touch()
    watcher = subprocess.Popen(
        [sys.executable, "-c", look, str(bundle / "manifest.json"), str(stop)],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert watcher.stdout is not None
    assert watcher.stdout.readline() == "looking\n"
    for threshold in range(1, 30):
        assert main(["policy", str(bundle), "--threshold", str(threshold / 100)]) == 0
    os.unlink(stop)
    seen, absent = map(int, watcher.communicate()[0].split())
    assert seen > 30
    assert absent == 0


def test_policies_changed_at_the_same_time_are_all_kept(bundle: Path) -> None:
    before = json.loads((bundle / "manifest.json").read_bytes())["policy"]["version"]
    cuts = [f"0.{each}1" for each in range(2, 8)]
    forked = multiprocessing.get_context("fork")  # with LightGBM imported, so that they do meet
    given = ["policy", str(bundle), "--threshold"]
    runs = [forked.Process(target=lambda cut: sys.exit(main([*given, cut])), args=(cut,))
            for cut in cuts]  # fmt: skip
    for run in runs:
        run.start()
    for run in runs:
        run.join()
        assert run.exitcode == 0
    policy = json.loads((bundle / "manifest.json").read_bytes())["policy"]
    kept = {policy["version"], *(rule["version"] for rule in policy["earlier"])}
    assert kept == {before, *(f"refuse>={cut}" for cut in cuts)}


def test_what_a_killed_run_left_is_no_bundle_and_is_swept_by_the_next(bundle: Path) -> None:
    left = bundle.parent / f".{bundle.name}-0a_b1c2d"
    shutil.copytree(bundle, left / "new")
    shutil.copytree(bundle, bundle.parent / ".kept")
    assert list(bundles(bundle.parent)) == [bundle]
    assert list(find(bundle.parent.parent).values()) == [bundle]
    assert list(find(bundle.parent).values()) == []
    assert main(["policy", str(bundle), "--threshold", "0.3"]) == 0
    assert not left.exists()
    shutil.rmtree(bundle.parent / ".kept")  # fails where it was swept, too


def test_a_bundle_that_stands_nowhere_else_is_not_swept(bundle: Path, tmp_path: Path) -> None:
    left = tmp_path / ".1-0a_b1c2d"
    shutil.copytree(bundle, left / "old")
    write_bundle(tmp_path / "1", {"a": b"b"})
    assert (left / "old/manifest.json").exists()
