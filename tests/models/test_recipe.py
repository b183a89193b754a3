"""The recipes leave what `python -m convert` takes, and the committed samples are what they say."""

import json
import subprocess
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from models import applicants, home_credit, recipe
from models.training import Split, split, train
from models.uci_credit import DataError, fetch

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "models" / "credit-express"


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    random = np.random.default_rng(7)
    income = random.lognormal(10, 1, 3000)
    kind = pd.Categorical(random.choice(["cash", "revolving"], 3000))
    bad = (random.random(3000) < 1 / (1 + np.exp(np.log(income) - 9))).astype(int)
    return pd.DataFrame({"income": income, "kind": kind, "bad": bad})


@pytest.fixture(scope="module")
def parts(rows: pd.DataFrame) -> Split:
    return split(rows, "bad")


def test_the_three_parts_share_no_row_and_lose_none(rows: pd.DataFrame, parts: Split) -> None:
    seen = [*parts.train.index, *parts.valid.index, *parts.held_out.index]
    assert sorted(seen) == list(rows.index)
    assert len(parts.held_out) == 600


def test_training_twice_gives_the_same_bytes(parts: Split) -> None:
    first, second = (train(parts, "bad", rounds=20).model_to_string() for _ in range(2))
    assert first == second


def test_a_recipe_leaves_the_files_that_conversion_takes(parts: Split, tmp_path: Path) -> None:
    recipe.run(parts, "bad", "seeded rows", tmp_path)
    facts = json.loads((tmp_path / "training.json").read_text())
    booster = lgb.Booster(model_file=tmp_path / "model.txt")
    reference = pd.read_parquet(tmp_path / "reference.parquet")
    assert booster.num_trees() == facts["trees"]
    assert 0.5 < facts["auc"] < 1
    assert set(reference["kind"]) == {"cash", "revolving"}


def test_home_credit_text_columns_become_categories(tmp_path: Path) -> None:
    file = tmp_path / "application_train.csv"
    file.write_text("SK_ID_CURR,TARGET,KIND,DAYS\n1,0,Cash,365243\n2,1,,\n")
    read = home_credit.read(file)
    assert list(read.columns) == ["TARGET", "KIND", "DAYS"]
    assert read["KIND"].dtype == "category"
    assert read["DAYS"][0] == 365243


def test_another_file_than_home_credits_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(SystemExit, match="TARGET"):
        home_credit.read(file)


def test_changed_training_data_are_refused(tmp_path: Path) -> None:
    (tmp_path / "uci_credit.csv").write_text("ID,LIMIT_BAL\n1,2\n")
    with pytest.raises(DataError, match="sha256"):
        fetch(tmp_path)


def test_applicants_come_as_a_client_sends_them(tmp_path: Path) -> None:
    rows = pd.DataFrame({"income": [1.5, None], "kind": ["cash", "odd"], "default": [0, 1]})
    applicants.write(rows, tmp_path / "bodies" / "rows.jsonl")
    lines = (tmp_path / "bodies" / "rows.jsonl").read_bytes().splitlines()
    sent = [json.loads(line) for line in lines]
    assert sent == [{"income": 1.5, "kind": "cash"}, {"income": None, "kind": "odd"}]


def test_the_committed_applicant_is_the_first_of_the_held_out_sample() -> None:
    sample = pd.read_parquet(SAMPLES / "held-out.parquet")
    applicant = json.loads((SAMPLES / "applicant.json").read_text())
    assert len(sample) == 3000
    assert {name: float(value) for name, value in applicant.items()} == {
        str(name): float(value) for name, value in sample.drop(columns="default").iloc[0].items()
    }


def test_a_file_that_is_not_there_is_told_before_anything_is_installed(tmp_path: Path) -> None:
    command = ["make", "homecredit", "DATA=none.csv", f"VENV={tmp_path / 'venv'}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("homecredit: DATA=none.csv: no such file; ")
    assert not (tmp_path / "venv").exists()
