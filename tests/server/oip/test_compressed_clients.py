"""Compression as clients do it by themselves: tritonclient in its calls, requests by hand."""

import gzip
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests
import tritonclient.http as triton

from tests.conftest import Running, Trained, applicants


def tensor_of(rows: pd.DataFrame) -> Any:
    """Return the rows as the model sees them: codes for categories, NaN for missing."""
    codes = {
        name: rows[name].cat.codes.where(rows[name].notna(), np.nan) for name in ("KIND", "REGION")
    }
    return rows.assign(**codes).to_numpy(dtype=np.float64)


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
@pytest.mark.parametrize("binary", [True, False])
def test_triton_compresses_requests_and_takes_compressed_answers(
    server: Running, trained: Trained, algorithm: str, binary: bool
) -> None:
    """The answer in JSON is large enough to be compressed; the client unpacks it itself."""
    rows = trained.rows[:900]
    matrix = tensor_of(rows)
    tensor = triton.InferInput("X", list(matrix.shape), "FP64")
    tensor.set_data_from_numpy(matrix, binary_data=binary)
    said = triton.InferenceServerClient(f"127.0.0.1:{server.port}").infer(
        "small", [tensor], request_compression_algorithm=algorithm,
        response_compression_algorithm="gzip",
        outputs=[triton.InferRequestedOutput(name, binary_data=name == "raw")
                 for name in ("raw", "prediction")],
    )  # fmt: skip
    assert said.as_numpy("prediction").tobytes() == trained.prediction(rows).tobytes()
    assert said.as_numpy("raw").tobytes() == trained.raw(rows).tobytes()


def test_requests_sends_gzip_and_unpacks_what_it_gets(server: Running, trained: Trained) -> None:
    rows = trained.held_out
    wanted = trained.prediction(rows).tobytes()
    body = gzip.compress(json.dumps(applicants(rows)).encode())
    head = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    scored = requests.post(f"{server.url}/score", data=body, headers=head, timeout=30)
    assert scored.headers["content-encoding"] == "gzip"
    assert np.array([each["probability"] for each in scored.json()]).tobytes() == wanted
    data = [[None if x != x else x for x in row] for row in tensor_of(rows).tolist()]
    tensor = {"name": "X", "shape": [len(data), 5], "datatype": "FP64", "data": data}
    body = gzip.compress(json.dumps({"inputs": [tensor]}).encode())
    url = f"{server.url}/v2/models/small/infer"
    said = requests.post(url, data=body, headers=head, timeout=30).json()["outputs"]
    found = next(each["data"] for each in said if each["name"] == "prediction")
    assert np.array(found).tobytes() == wanted
