"""A server that keeps a platform's contract, and what its answers are compared with."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Running, Serve, Trained, applicants

COUNT = 20
Rows = list[dict[str, Any]]


@contextmanager
def up(
    serve: Serve, bundle: Path, log: Path, platform: str, *flags: str, **variables: str
) -> Iterator[Running]:
    """Run a server with a platform's flag and variables."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        with serve(bundle, log, "--platform", platform, *flags) as running:
            yield running


def rows_of(trained: Trained) -> Rows:
    """Return applicants as a client sends them, missing values and categories among them."""
    return applicants(trained.held_out[:COUNT])


def wanted(trained: Trained) -> list[float]:
    """Return LightGBM's own probabilities of these."""
    return trained.prediction(trained.held_out[:COUNT]).tolist()  # type: ignore[no-any-return]


def split_of(rows: Rows) -> dict[str, Any]:
    """Return a table as pandas' `to_dict(orient="split")`, its columns the other way round."""
    names = [*rows[0]][::-1]
    data = [[row[name] for name in names] for row in rows]
    return {"columns": names, "index": [*range(len(rows))], "data": data}


def columns_of(rows: Rows) -> dict[str, Any]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def csv_of(trained: Trained, header: bool = True) -> bytes:
    """Return the applicants as pandas writes them."""
    return trained.held_out[:COUNT].to_csv(index=False, header=header).encode()


def post(server: Running, path: str, body: Any, **headers: str) -> httpx.Response:
    """Send JSON, or bytes with the head that is given."""
    head = {name.replace("_", "-"): value for name, value in headers.items()}
    sent: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
    return httpx.post(server.url + path, headers=head, timeout=60, **sent)


def probabilities(answers: Rows) -> list[float]:
    return [answer["probability"] for answer in answers]


def detail(answer: httpx.Response, status: int = 422) -> str:
    """Return what a refusal says."""
    assert answer.status_code == status, answer.text
    said: str = answer.json()["detail"]
    return said
