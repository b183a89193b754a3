"""Scores rows with a client in an environment of its own; prints what it decoded as JSON.

usage: python grpc_client.py triton|kserve HOST:PORT MODEL raw|columns ROWS_JSON

ROWS_JSON is {name: [value, …]}: numbers, null where missing; texts are categories.
"""

import asyncio
import json
import sys
from typing import Any

import numpy as np

Columns = dict[str, "np.ndarray[Any, Any]"]


def read(text: str) -> Columns:
    return {
        name: np.array(data, object if isinstance(data[0], str) else np.float64)
        for name, data in json.loads(text).items()
    }


def arrays(columns: Columns, form: str) -> Columns:
    """Return the tensors to send by name."""
    return columns if form == "columns" else {"X": np.column_stack([*columns.values()])}


def datatype(data: "np.ndarray[Any, Any]") -> str:
    return "BYTES" if data.dtype == object else "FP64"


def triton(address: str, model: str, tensors: Columns) -> list[float]:
    import tritonclient.grpc as client

    inputs = []
    for name, data in tensors.items():
        inputs.append(client.InferInput(name, data.shape, datatype(data)))
        inputs[-1].set_data_from_numpy(data)
    with client.InferenceServerClient(address) as server:
        assert server.is_server_live()
        assert server.is_model_ready(model)
        assert server.get_model_metadata(model).inputs[0].name == "X"
        said = server.infer(model, inputs, request_id="triton-1")
    assert said.as_numpy("decision").shape == (len(next(iter(tensors.values()))), 1)
    return list(said.as_numpy("prediction").ravel())


async def kserve(address: str, model: str, tensors: Columns) -> list[float]:
    from kserve import InferenceGRPCClient, InferInput, InferRequest

    inputs = []
    for name, data in tensors.items():
        tensor = InferInput(name, [*data.shape], datatype(data))
        tensor.set_data_from_numpy(data, binary_data=name == "X")
        inputs.append(tensor)
    client = InferenceGRPCClient(address)
    assert await client.is_server_ready()
    said = await client.infer(InferRequest(model_name=model, infer_inputs=inputs))
    await client.close()
    return next(list(each.as_numpy().ravel()) for each in said.outputs if each.name == "prediction")


if __name__ == "__main__":
    kind, address, model, form, rows = sys.argv[1:]
    tensors = arrays(read(rows), form)
    scores = (
        triton(address, model, tensors)
        if kind == "triton"
        else asyncio.run(kserve(address, model, tensors))
    )
    print(json.dumps([float(each) for each in scores]))
