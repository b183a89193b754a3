"""Calls of the inference protocol over a real channel of grpcio, with our messages."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pandas as pd

from server.grpc import inference_pb2 as pb
from server.grpc.methods import PATH
from tests.conftest import Running

Metadata = Sequence[tuple[str, str]]
SECONDS = 60


def port_of(server: Running) -> int:
    """Return the port of gRPC, from the line that says the server is ready."""
    ready = json.loads((server.log_dir / "stdout").read_text().splitlines()[0])
    return int(ready["grpc_port"])


@contextmanager
def channel_to(server: Running, **options: Any) -> Iterator[grpc.Channel]:
    """Yield a channel with a connection of its own."""
    own = {"grpc.use_local_subchannel_pool": 1, "grpc.max_send_message_length": -1} | options
    with grpc.insecure_channel(f"127.0.0.1:{port_of(server)}", options=[*own.items()]) as channel:
        yield channel


def call(channel: grpc.Channel, name: str, request: Any, answer: Any, **more: Any) -> Any:
    method = channel.unary_unary(
        PATH.decode() + name,
        request_serializer=type(request).SerializeToString,
        response_deserializer=answer.FromString,
    )
    return method(request, timeout=SECONDS, **more) if "timeout" not in more else method(
        request, **more
    )  # fmt: skip


def infer(channel: grpc.Channel, request: pb.ModelInferRequest, **more: Any) -> Any:
    return call(channel, "ModelInfer", request, pb.ModelInferResponse, **more)


def codes(rows: pd.DataFrame) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return rows as the tensor X: categories by code, NaN where missing."""
    plain = rows.copy()
    for name in ("KIND", "REGION"):
        numbers = plain[name].cat.codes.astype(float)
        plain[name] = numbers.where(numbers >= 0, np.nan)
    return plain.to_numpy(np.float64)


def tensor(rows: "np.ndarray[Any, np.dtype[np.float64]]", **more: Any) -> pb.ModelInferRequest:
    """Return rows as one raw tensor."""
    return pb.ModelInferRequest(
        model_name="small",
        inputs=[{"name": "X", "datatype": "FP64", "shape": rows.shape}],
        raw_input_contents=[rows.tobytes()],
        **more,
    )


def refused(asked: Any) -> grpc.RpcError:
    """Return the error that a call ends with."""
    try:
        asked()
    except grpc.RpcError as error:
        return error
    raise AssertionError("answered")


def numbers(answer: pb.ModelInferResponse, name: str = "prediction") -> bytes:
    place = [each.name for each in answer.outputs].index(name)
    found: bytes = answer.raw_output_contents[place]
    return found


def records_of(server: Running, request_id: str) -> list[dict[str, Any]]:
    return [each for each in server.records() if each.get("request_id") == request_id]


def script(name: str) -> Path:
    return Path(__file__).parent / name
