"""An integer that float64 would round is refused wherever it stands, and one it holds is not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import lightgbm as lgb
import msgspec
import numpy as np
import pandas as pd
import pytest

from tests.conftest import Running, Serve, convert

BOTH_LANES = True
HELD = 2**53
OPENED = 1_700_000_000_000_000_000
# Nothing in it is large, so that only the value under test can be.
FIT = {"OPENED": None, "BALANCE": 5, "BRANCH": 7}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle trained on nanoseconds since 1970, a wide balance and numbered branches."""
    folder, rng = tmp_path_factory.mktemp("large"), np.random.default_rng(5)
    rows = pd.DataFrame(
        {
            "OPENED": rng.integers(16 * 10**17, 17 * 10**17 + 1, 2000).astype(float),
            "BALANCE": rng.uniform(-1e17, 1e17, 2000),
            "BRANCH": pd.Categorical(rng.choice([7, 8, HELD], 2000), categories=[7, 8, HELD]),
        }
    )
    rows.loc[0, "OPENED"], rows.loc[1, "OPENED"] = OPENED, np.nan
    bad = (rows["BALANCE"] > 0) ^ (rows["BRANCH"] == HELD)
    options = {"objective": "binary", "num_leaves": 7, "verbose": -1, "num_threads": 1}
    booster = lgb.train(options, lgb.Dataset(rows, bad), num_boost_round=10)
    booster.save_model(folder / "model.txt")
    rows.to_parquet(folder / "reference.parquet")
    convert(
        folder / "model.txt", "--name", "large", "--version", "1", "--out", str(folder / "models"),
        "--reference", str(folder / "reference.parquet"), "--threshold", "0.4",
    )  # fmt: skip
    return folder / "models" / "large" / "1"


@pytest.fixture(scope="module", params=["error", "missing"])
def strict(
    large: Path, serve: Serve, tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Running]:  # fmt: skip
    """A server over `large`, with either answer to an unseen category."""
    with serve(large, tmp_path_factory.mktemp("log"), "--unseen", request.param) as up:
        yield up


def both(server: Running, applicant: dict[str, Any]) -> list[tuple[int, Any]]:
    """Return status and answer of a JSON and of a MessagePack body."""
    sent = {
        "application/json": json.dumps(applicant).encode(),
        "application/msgpack": msgspec.msgpack.encode(applicant),
    }
    answers = [
        httpx.post(
            f"{server.url}/score", content=body, headers={"content-type": media_type}
        )
        for media_type, body in sent.items()
    ]  # fmt: skip
    decode = [
        json.loads if each.content[:1] == b"{" else msgspec.msgpack.decode for each in answers
    ]
    return [(a.status_code, d(a.content)) for a, d in zip(answers, decode, strict=True)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENED", OPENED + 1), ("BALANCE", HELD + 1), ("BALANCE", -HELD - 1),
        ("BALANCE", 2**62 + 1), ("BRANCH", HELD + 1), ("BRANCH", 2**60 + 1),
    ],
)  # fmt: skip
def test_an_integer_float64_would_round_is_refused(strict: Running, name: str, value: int) -> None:
    """Inside the range seen in training, and beside a category it would be rounded to."""
    for status, said in both(strict, FIT | {name: value}):
        assert status == 422
        (fault,) = said["errors"]
        assert (fault["feature"], fault["got"]) == (name, str(value))
        assert fault["wanted"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("OPENED", OPENED), ("BALANCE", HELD), ("BALANCE", -HELD - 2), ("BRANCH", HELD)],
)
def test_a_large_integer_float64_holds_is_scored_without_a_warning(
    strict: Running, name: str, value: int
) -> None:
    """It lies inside the range seen in training."""
    for status, said in both(strict, FIT | {name: value}):
        assert status == 200, said
        assert "warnings" not in said


def test_a_value_below_a_range_of_large_ones_is_warned_of(strict: Running) -> None:
    for status, said in both(strict, FIT | {"OPENED": HELD - 1}):
        assert (status, said.get("warnings")) == (200, ["range:OPENED"])
