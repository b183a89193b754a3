"""The image with gRPC: it answers there with the model's bits, and weighs little more."""

import json
import os
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from server.grpc import health_pb2
from server.grpc import inference_pb2 as pb
from tests import container as containers
from tests.container import container, docker, free_port

TAG = f"{containers.IMAGE}:grpc"
MOST_MB = 5.0
BUNDLE = Path(__file__).parents[2] / "models" / "credit-express" / "1"
Matrix = np.ndarray[Any, np.dtype[np.float64]]


@pytest.fixture(autouse=True)
def _image(monkeypatch: pytest.MonkeyPatch) -> None:
    containers.skip_without_image()
    if TAG not in docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").splitlines():
        assert "IMAGE" not in os.environ, f"no image {TAG}: make image-grpc"
        pytest.skip(f"no image {TAG}: make image-grpc")


def golden_rows() -> tuple[Matrix, Matrix]:
    """Return the golden rows that the server takes, and their raw scores."""
    features = json.loads((BUNDLE / "manifest.json").read_bytes())["features"]
    known = [set(each["codes"]) if each["type"] == "category" else None for each in features]
    kept = [
        each for each in json.loads((BUNDLE / "golden.json").read_bytes())["rows"]
        if None not in each["row"] and all(
            codes is None or value in codes
            for codes, value in zip(known, each["row"], strict=True)
        )
    ]  # fmt: skip
    assert kept
    return np.array([each["row"] for each in kept]), np.array([each["raw"][0] for each in kept])


def size(image: str) -> float:
    return int(docker("image", "inspect", "-f", "{{.Size}}", image)) / 1e6


def test_it_scores_the_golden_rows_over_grpc(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    rows, raw = golden_rows()
    monkeypatch.setattr(containers, "IMAGE", TAG)
    with (
        container("--grpc-port", str(port)) as up,
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        assert health_pb2.HealthCheckResponse.FromString(check(b"", timeout=30)).status == 1
        request = pb.ModelInferRequest(
            model_name="credit-express", outputs=[{"name": "raw"}],
            inputs=[{"name": "X", "datatype": "FP64", "shape": rows.shape}],
            raw_input_contents=[rows.tobytes()],
        )  # fmt: skip
        infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        said = pb.ModelInferResponse.FromString(infer(request.SerializeToString(), timeout=30))
        assert said.raw_output_contents[0] == raw.tobytes()
        assert up.changed() == []


def test_it_weighs_little_more_than_the_other() -> None:
    assert 0 < size(TAG) - size(containers.IMAGE) < MOST_MB
