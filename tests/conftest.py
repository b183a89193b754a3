"""What several tests share: a real LightGBM model, its bundle by `convert`, a server."""

import fcntl
import io
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from convert.__main__ import main as convert_main

ROOT = Path(__file__).parent.parent
KINDS = ["car", "home, shared", "lone", 'quo"ted']


@dataclass(frozen=True)
class Trained:
    """A booster, the rows it was trained on (never with a missing AGE) and 1,000 held-out rows."""

    booster: lgb.Booster
    rows: pd.DataFrame
    held_out: pd.DataFrame

    def raw(self, rows: pd.DataFrame) -> "np.ndarray[Any, np.dtype[np.float64]]":
        return np.asarray(self.booster.predict(rows, raw_score=True))

    def prediction(self, rows: pd.DataFrame) -> "np.ndarray[Any, np.dtype[np.float64]]":
        return np.asarray(self.booster.predict(rows))


@dataclass(frozen=True)
class Running:
    """A server process and where it answers."""

    process: "subprocess.Popen[bytes]"
    url: str
    port: int
    log_dir: Path

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        pid = self.process.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def records(self) -> list[dict[str, Any]]:
        """Return every record of the prediction log, in the order of segments and lines."""
        segments = [file.read_bytes() for file in sorted(self.log_dir.glob("*.jsonl"))]
        return [json.loads(line) for segment in segments for line in segment.splitlines()]


Serve = Callable[..., AbstractContextManager[Running]]


def applicants(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what a client sends for each row: null where it is missing."""
    plain = rows.astype(object).where(rows.notna(), None)
    records = [dict(zip(plain.columns, row, strict=True)) for row in plain.to_numpy().tolist()]
    return [{str(name): value for name, value in record.items()} for record in records]


def make_rows(count: int, seed: int) -> pd.DataFrame:
    """Draw applicants: numbers, missing values, a category of text and one of numbers."""
    rng = np.random.default_rng(seed)
    income = rng.lognormal(10, 1, count)
    income[rng.random(count) < 0.2] = np.nan
    kind = rng.choice([0, 1, 2, 3, -1], count, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    return pd.DataFrame(
        {
            "AGE": rng.integers(18, 90, count).astype(float),
            "INCOME": income,
            "DEBT-RATIO": np.round(rng.exponential(1.0, count), 2),
            "KIND": pd.Categorical.from_codes(kind.tolist(), categories=pd.Index(KINDS)),
            "REGION": pd.Categorical(rng.integers(1, 5, count), categories=[1, 2, 3, 4]),
        }
    )


def label(rows: pd.DataFrame, seed: int) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Draw an outcome that every feature, and missingness, has a part in."""
    score = (
        -1.5
        + 0.6 * rows["DEBT-RATIO"].to_numpy()
        - 0.02 * (rows["AGE"].to_numpy() - 40)
        + 1.2 * rows["INCOME"].isna().to_numpy()
        + 0.8 * (rows["KIND"] == "lone").to_numpy()
        - 0.6 * (rows["REGION"] == 2).to_numpy()
    )
    bad: np.ndarray[Any, np.dtype[np.bool_]]
    bad = np.random.default_rng(seed).random(len(rows)) < 1 / (1 + np.exp(-score))
    return bad


@pytest.fixture(scope="session", autouse=True)
def certificates_read_once() -> Iterator[None]:
    """Every `httpx.get` makes a client, which reads the system's certificates anew: 20 ms."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield


@pytest.fixture(scope="session")
def trained() -> Trained:
    """A small binary model."""
    return small()


def small() -> Trained:
    rows = make_rows(4000, 1)
    options = {"objective": "binary", "num_leaves": 15, "verbose": -1, "num_threads": 1, "seed": 7}
    options |= {"min_data_per_group": 20, "cat_smooth": 1.0}
    booster = lgb.train(options, lgb.Dataset(rows, label(rows, 2)), num_boost_round=40)
    return Trained(booster, rows, make_rows(1000, 3))


def convert(model: Path, *arguments: str) -> None:
    """Run `convert` as a user does, but in this process, which has imported LightGBM already."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = convert_main([str(model), *arguments])
    assert code == 0, said.getvalue()


@contextmanager
def made_once(factory: pytest.TempPathFactory, name: str) -> Iterator[tuple[Path, bool]]:
    """Yield (folder, whether it is still to be filled): one for all workers of pytest-xdist."""
    base = factory.getbasetemp()
    common = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, done = common / name, common / f"{name}.done"
    with (common / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder.mkdir(exist_ok=True)
        yield folder, not done.exists()
        done.touch()


@pytest.fixture(scope="session")
def bundle(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of `trained`, with a threshold of 0.4."""
    with made_once(tmp_path_factory, "bundle") as (folder, empty):
        if empty:
            make_bundle(trained, folder)
    return folder / "models" / "small" / "1"


def make_bundle(trained: Trained, folder: Path) -> None:
    trained.booster.save_model(folder / "model.txt")
    trained.rows.to_parquet(folder / "reference.parquet")
    convert(
        folder / "model.txt", "--name", "small", "--version", "1", "--out", str(folder / "models"),
        "--reference", str(folder / "reference.parquet"), "--threshold", "0.4",
    )  # fmt: skip


def environment() -> dict[str, str]:
    """Return an environment without settings, but for CREDIT_ENGINE, as make test-engines says."""
    return {k: v for k, v in os.environ.items() if k == "CREDIT_ENGINE" or k[:7] != "CREDIT_"}


def first_line(file: Path, process: "subprocess.Popen[bytes]") -> str:
    """Return the first line of a file as soon as the process has written it."""
    while process.poll() is None:
        with file.open() as lines:
            line = lines.readline()
        if line.endswith("\n"):
            return line
        time.sleep(0.02)
    raise AssertionError(f"the server ended with {process.returncode}")


@contextmanager
def running(
    bundle: Path, log_dir: Path, *arguments: str, program: Sequence[str] = ("-m", "server"),
    ends_with: int = 0,
) -> Iterator[Running]:  # fmt: skip
    """Run a server on a free port until the block ends; it must stop cleanly, or as is said."""
    command = [sys.executable, *program, "--model", str(bundle), "--port", "0"]
    command += ["--log-dir", str(log_dir), *arguments]
    stdout = log_dir / "stdout"
    with (
        stdout.open("wb") as out,
        subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=out) as process,
    ):
        try:
            ready = json.loads(first_line(stdout, process))
            yield Running(process, ready["url"], ready["port"], log_dir)
        finally:
            process.terminate()
            process.wait(timeout=60)
    assert process.returncode == ends_with


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, so that none of them runs alone at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a module that says BOTH_LANES with the fast lane and without it."""
    if "lane" in metafunc.fixturenames and getattr(metafunc.module, "BOTH_LANES", False):
        metafunc.parametrize("lane", ["on", "off"], scope="module", ids="lane-{}".format)


@pytest.fixture(scope="module")
def lane() -> str:
    """The setting `fast_lane` that `serve` runs with: both, one after the other, in BOTH_LANES."""
    return "on"


@pytest.fixture(scope="module")
def serve(lane: str) -> Serve:
    """Return a context manager that runs a server over a bundle: (bundle, log folder, flags…)."""

    def run(
        bundle: Path, log_dir: Path, *flags: str, ends_with: int = 0
    ) -> AbstractContextManager[Running]:
        return running(bundle, log_dir, "--fast-lane", lane, *flags, ends_with=ends_with)

    return run


@pytest.fixture(scope="module")
def server(
    bundle: Path, serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A server over `bundle`, shared by the tests of a module."""
    with serve(bundle, tmp_path_factory.mktemp("log")) as up:
        yield up
