"""Damaged bodies on the platforms' routes: scored or refused, and never an error of ours."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Serve, Trained
from tests.server.platform.contract import columns_of, csv_of, rows_of, split_of, up

PIECES = (
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b":",
    b'"',
    b"\n",
    b"null",
    b"NaN",
    b"\xff",
    b"1e999",
    b"\\",
)
TIMES = 150


def mutated(body: bytes, random_: random.Random) -> bytes:
    """Return a body with a piece put in, cut out or put twice."""
    for _ in range(random_.choice((1, 1, 3))):
        begin = random_.randrange(len(body) + 1)
        end = min(len(body), begin + random_.choice((0, 1, 5, 50)))
        piece = random_.choice((random_.choice(PIECES), b"", 2 * body[begin:end]))
        body = body[:begin] + piece + body[end:]
    return body


def bodies(platform: str, trained: Trained) -> list[tuple[str, str, bytes]]:
    """Return (path, media type, body) of each form."""
    rows = rows_of(trained)[:3]
    table, columns = split_of(rows), columns_of(rows)
    wished = {"reasons": "none", "partial": True}
    lines = b"\n".join(json.dumps(row).encode() for row in rows)
    tables = b"\n".join(csv_of(trained).splitlines()[:4])
    kinds = [("application/jsonlines", lines), ("text/csv", tables)]
    objects: dict[str, list[Any]] = {
        "vertex": [{"instances": rows, "parameters": wished}],
        "azureml": [{"input_data": table, "params": wished}, {"input_data": rows}, rows],
        "mlflow": [{"dataframe_split": table}, {"inputs": columns}, {"instances": rows}],
        "sagemaker": [rows],
    }
    path = {"vertex": "/predict", "azureml": "/score"}.get(platform, "/invocations")
    sent = [(path, "application/json", json.dumps(each).encode()) for each in objects[platform]]
    of_text = {"sagemaker": kinds, "mlflow": kinds[1:]}.get(platform, [])
    return sent + [(path, kind, body) for kind, body in of_text]


@pytest.mark.parametrize("platform", ["vertex", "azureml", "mlflow", "sagemaker"])
def test_no_damaged_body_is_an_error_of_ours(
    bundle: Path, serve: Serve, trained: Trained, tmp_path: Path, platform: str
) -> None:
    random_, statuses = random.Random(platform), Counter[int]()
    with up(serve, bundle, tmp_path, platform) as server, httpx.Client(timeout=60) as client:
        for path, kind, body in bodies(platform, trained):
            head = {"content-type": kind}
            for _ in range(TIMES):
                sent = mutated(body, random_)
                done = client.post(server.url + path, content=sent, headers=head)
                statuses[done.status_code] += 1
                assert done.status_code < 500, sent
    assert {200, 400, 422} <= statuses.keys()
