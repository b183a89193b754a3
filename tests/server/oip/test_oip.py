"""Open Inference Protocol v2 over a real socket, by the clients people use."""

import json
import math
import subprocess
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from tests.conftest import ROOT, Running, Serve, Trained, applicants
from tests.ports import free_ports
from tests.server.asking import request_of

CLIENTS = ROOT / ".venv-clients" / "bin" / "python"
Matrix = np.ndarray[Any, np.dtype[np.float64]]


def tensor_of(rows: pd.DataFrame) -> Matrix:
    """Return the rows as the model sees them: codes for categories, NaN for missing."""
    coded = rows.assign(
        **{
            name: rows[name].cat.codes.where(rows[name].notna(), np.nan)
            for name in ("KIND", "REGION")
        }
    )
    return coded.to_numpy(dtype=np.float64)


@pytest.fixture
def client(server: Running) -> triton.InferenceServerClient:
    return triton.InferenceServerClient(f"127.0.0.1:{server.port}")


def test_triton_finds_the_server_and_the_model(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("small")
    assert client.is_model_ready("small", "1")
    assert not client.is_model_ready("none")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    metadata = client.get_model_metadata("small", "1")
    assert metadata["versions"] == ["1"]
    assert metadata["inputs"] == [{"name": "X", "datatype": "FP64", "shape": [-1, 5]}]
    assert [output["name"] for output in metadata["outputs"]] == [
        "raw", "prediction", "decision", "contributions", "reasons",
    ]  # fmt: skip


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_triton_infers_with_lightgbms_bits(
    client: triton.InferenceServerClient, trained: Trained, binary_in: bool, binary_out: bool
) -> None:
    """200 rows with missing values, in JSON and in binary, each way; the same as /score answers."""
    rows = trained.held_out[:200] if binary_in else trained.held_out[:200].dropna()
    matrix = tensor_of(rows)
    tensor = triton.InferInput("X", list(matrix.shape), "FP64")
    tensor.set_data_from_numpy(matrix, binary_data=binary_in)
    wanted = [
        triton.InferRequestedOutput(name, binary_data=binary_out)
        for name in ("prediction", "raw", "decision")
    ]
    said = client.infer("small", [tensor], outputs=wanted, request_id="r7")
    assert said.get_response()["id"] == "r7"
    assert said.as_numpy("prediction").tobytes() == trained.prediction(rows).tobytes()
    assert said.as_numpy("raw").tobytes() == trained.raw(rows).tobytes()
    decisions = [np.asarray(each).astype(str).item() for each in said.as_numpy("decision")]
    assert [d.strip("b'") for d in decisions] == [
        "refuse" if p >= 0.4 else "approve" for p in trained.prediction(rows)
    ]


def test_triton_sees_an_error_as_one(client: triton.InferenceServerClient) -> None:
    tensor = triton.InferInput("X", [1, 4], "FP64")
    tensor.set_data_from_numpy(np.zeros((1, 4)))
    with pytest.raises(InferenceServerException, match=r"wanted shape \[-1, 5\]"):
        client.infer("small", [tensor])
    with pytest.raises(InferenceServerException, match="no model none"):
        client.infer("none", [tensor])


def test_kserve_infers_with_lightgbms_bits(server: Running, trained: Trained) -> None:
    """The unmodified kserve client in an environment of its own: make setup-dev."""
    if not CLIENTS.exists():
        pytest.skip(f"{CLIENTS.relative_to(ROOT)} is absent: the kserve client lives there")
    rows = trained.held_out[:20]
    data = [[None if math.isnan(x) else x for x in row] for row in tensor_of(rows).tolist()]
    assert any(None in row for row in data)
    done = subprocess.run(
        [str(CLIENTS), str(Path(__file__).parent / "kserve_client.py"), server.url, "small",
         json.dumps(data)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert (said["live"], said["ready"], said["model_ready"]) == (True, True, True)
    wanted = trained.prediction(rows).tobytes()
    assert np.array(said["outputs"]["prediction"]).tobytes() == wanted
    assert np.array(said["binary"]["prediction"]).tobytes() == wanted
    assert "wanted shape [-1, 5]" in said["error"]


def infer(server: Running, body: Any, path: str = "small", **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(f"{server.url}/v2/models/{path}/infer", content=content, headers=head)


FIT = [40.0, None, 0.5, 0, 1]


def test_json_may_be_flat_or_nested_and_null_is_missing(server: Running, trained: Trained) -> None:
    row = {"AGE": 40, "INCOME": None, "DEBT-RATIO": 0.5, "KIND": "car", "REGION": 2}
    wanted = httpx.post(f"{server.url}/score", json=row).json()["probability"]
    for data in (FIT, [FIT]):
        answer = infer(server, request_of(data)).json()
        outputs = {output["name"]: output["data"] for output in answer["outputs"]}
        assert outputs["prediction"] == [wanted]
    assert answer["model_version"] == "1"
    assert infer(server, request_of(FIT), "small/versions/1").status_code == 200


@pytest.mark.parametrize(
    "data", [[FIT[:2], FIT[2:]], [[each] for each in FIT], [[FIT]], [40.0, [1.0, 0.5, 0, 1]]]
)
def test_rows_of_another_shape_are_refused(server: Running, data: list[Any]) -> None:
    """Numbers enough, in lists that contradict the shape: which is whose is not guessed at."""
    answer = infer(server, request_of(data))
    assert answer.status_code == 400
    assert "X: wanted 5 values of FP64, got" in answer.json()["error"]


@pytest.mark.parametrize("path", ["index", "models/small/load"])
def test_the_repository_is_said_to_be_on_the_admin_port(server: Running, path: str) -> None:
    answer = httpx.post(f"{server.url}/v2/repository/{path}")
    assert answer.status_code == 404
    assert "--admin-port" in answer.json()["error"]


def test_the_raw_form_is_one_tensor(server: Running, trained: Trained) -> None:
    rows = trained.held_out[:3]
    body = tensor_of(rows).tobytes()
    answer = infer(server, body, inference_header_content_length="0").json()
    got = next(o["data"] for o in answer["outputs"] if o["name"] == "prediction")
    assert np.array(got).tobytes() == trained.prediction(rows).tobytes()


def test_a_smaller_type_is_widened(server: Running) -> None:
    narrow = infer(server, request_of([40, 1000, 1, 0, 1], datatype="INT64")).json()
    wide = infer(server, request_of([40.0, 1000.0, 1.0, 0.0, 1.0])).json()
    assert narrow == wide
    codes = infer(server, request_of([40.0, 1000.0, 1.0, 0.9, 1.0])).json()
    assert codes == wide, "a fraction of a code is cut off, as LightGBM does"


REFUSED = {
    "not JSON": b"{",
    "a bare NaN": b'{"inputs":[{"name":"X","shape":[1,5],"datatype":"FP64","data":[NaN,1,1,0,1]}]}',
    "null where no split knows missing": request_of([None, 1.0, 1.0, 0, 1]),
    "an unknown code": request_of([40.0, 1.0, 1.0, 17, 1]),
    "too few values": request_of([40.0, 1.0]),
    "a text": request_of(["40", 1.0, 1.0, 0, 1]),
    "a boolean": request_of([True, 1.0, 1.0, 0, 1]),
    "another name": {"inputs": [{"name": "Y", "shape": [1, 5], "datatype": "FP64", "data": FIT}]},
    "another type": request_of(FIT, datatype="BYTES"),
    "an unknown output": request_of(FIT) | {"outputs": [{"name": "none"}]},
    "no input": {"inputs": []},
    "a huge shape": request_of(FIT, [2**40, 5]),
    "an integer beyond float64": request_of([2**53 + 1, 1, 1, 0, 1], datatype="INT64"),
    "a fraction among integers": request_of([41.9, 1, 1, 0, 1], datatype="INT64"),
    "a fraction among small ones": request_of([41.9, 1, 1, 0, 1], datatype="UINT8"),
    "out of range beside a null": request_of([300, None, 1, 0, 1], datatype="UINT8"),
    "an integer that FP64 rounds": request_of([2**53 + 1, 1.0, 1.0, 0, 1]),
    "a number as the name of the model's input": {"inputs": [{"name": 1}]},
    "binary data that are not there": request_of(None, parameters={"binary_data_size": 40}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_error_is_a_4xx_with_an_error_member(server: Running, case: str) -> None:
    answer = infer(server, REFUSED[case])
    assert answer.status_code == (413 if case == "a huge shape" else 400), answer.text
    assert set(answer.json()) == {"error"}
    assert infer(server, request_of(FIT)).status_code == 200


def test_every_error_under_v2_has_an_error_member(server: Running) -> None:
    for path in ("/v2/models/none", "/v2/models/small/versions/9", "/v2/none"):
        answer = httpx.get(server.url + path)
        assert answer.status_code == 404
        assert set(answer.json()) == {"error"}
    said = infer(server, request_of(FIT), "none").json()
    assert said == {"error": "no model none; there is small/1"}


def test_inference_is_recorded_row_by_row(server: Running) -> None:
    infer(server, request_of(FIT * 2, [2, 5]) | {"id": "oip-1"})
    found = [r for r in server.records() if r["request_id"] == "oip-1"]
    assert [r["index"] for r in found] == [0, 1]
    assert "features" not in found[0]


def test_the_rows_sent_are_the_rows_scored(server: Running, trained: Trained) -> None:
    """As /score, feature by feature."""
    rows = trained.held_out[200:260]
    plain = httpx.post(f"{server.url}/score", json=applicants(rows)).json()
    data = [None if math.isnan(x) else x for x in tensor_of(rows).ravel().tolist()]
    answer = infer(server, request_of(data, [60, 5])).json()
    got = next(o["data"] for o in answer["outputs"] if o["name"] == "prediction")
    assert got == [each["probability"] for each in plain]


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_an_answer_names_its_request_and_passes_the_trace_on(server: Running) -> None:
    """Without an id of the client's, X-Request-Id is what finds the record."""
    answer = infer(server, request_of(FIT), traceparent=TRACE)
    assert answer.headers["traceparent"] == TRACE
    made = answer.headers["x-request-id"]
    assert [r["kind"] for r in server.records() if r["request_id"] == made] == ["score"]
    assert infer(server, request_of(FIT), x_request_id="r-8").headers["x-request-id"] == "r-8"


def test_headers_that_do_not_fit_are_refused(server: Running) -> None:
    for headers, status in (
        ({"x_request_timeout_ms": "0"}, 504),
        ({"x_request_timeout_ms": "soon"}, 400),
        ({"content_encoding": "br"}, 415),
        ({"inference_header_content_length": "9" * 5000}, 400),
        ({"inference_header_content_length": "-1"}, 400),
        ({"x_request_id": "a b"}, 400),
    ):
        answer = infer(server, request_of(FIT), **headers)
        assert (answer.status_code, set(answer.json())) == (status, {"error"})


def test_triton_manages_the_repository_on_the_admin_port(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """And the scoring port has none of it."""
    port = free_ports()
    with serve(bundle, tmp_path, "--port", str(port), "--admin-port", str(port + 1)) as up:
        admin = triton.InferenceServerClient(f"127.0.0.1:{port + 1}", network_timeout=60)
        wanted = [{"name": "small", "version": "1", "state": "READY", "reason": ""}]
        assert admin.get_model_repository_index() == wanted
        admin.load_model("small")
        with pytest.raises(InferenceServerException, match="no such model"):
            admin.load_model("none")
        with pytest.raises(InferenceServerException, match="default"):
            admin.unload_model("small")
        scoring = triton.InferenceServerClient(f"127.0.0.1:{up.port}")
        with pytest.raises(InferenceServerException):
            scoring.load_model("small")
