"""A small credit model, its rows, and bundles made of them."""

from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pytest


def applicants(rows: int = 1200) -> pd.DataFrame:
    """Rows with a text category, missing values, and a column that no split uses."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "income": rng.lognormal(10, 1, rows),
            "debt": rng.lognormal(8, 1, rows),
            "age": rng.integers(18, 80, rows).astype(float),
            "job": pd.Categorical(rng.choice(["clerk", "cook", "judge"], rows)),
            "constant": 1.0,
        }
    )
    frame.loc[rng.random(rows) < 0.2, "income"] = np.nan
    odds = np.log(frame.debt) - 0.6 * np.log(frame.income).fillna(9) - 0.02 * frame.age
    odds += 0.8 * (frame.job == "cook")
    frame["default"] = (odds + rng.normal(0, 0.7, rows) > 1.4).astype(int)
    return frame


def trained(frame: pd.DataFrame, **parameters: object) -> lightgbm.Booster:
    data = lightgbm.Dataset(frame.drop(columns="default"), frame.default)
    options = {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_per_group": 5}
    return lightgbm.train({**options, **parameters}, data, 20)


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    return applicants()


@pytest.fixture(scope="session")
def booster(frame: pd.DataFrame) -> lightgbm.Booster:
    return trained(frame)


@pytest.fixture(scope="session")
def model(booster: lightgbm.Booster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.txt"
    booster.save_model(path)
    return path


@pytest.fixture(scope="session")
def rows(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    frame.to_parquet(path)
    return path


MAPPING = """feature,code,text,text_de,missing_code,missing_text,missing_text_de
income,INC,Income,Einkommen,INC0,No income stated,Kein Einkommen angegeben
debt,OWE,Debt at your age,Schulden in Ihrem Alter,,,
age,OWE,,,,,
job,JOB,Kind of work,Art der Arbeit,,,
"""


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "reasons.csv"
    path.write_text(MAPPING)
    return path
