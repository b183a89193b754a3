"""Scores with the unmodified kserve client; run in an environment of its own, prints JSON.

usage: python kserve_client.py URL MODEL ROWS_JSON
"""

import asyncio
import json
import sys
from typing import Any

import numpy as np


async def main(url: str, model: str, rows: list[list[float | None]]) -> dict[str, Any]:
    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    tensor = InferInput("X", [len(rows), len(rows[0])], "FP64", data=rows)
    request = InferRequest(model_name=model, infer_inputs=[tensor])
    said = await client.infer(url, request, model_name=model)
    outputs = {output.name: list(output.data) for output in said.outputs}
    matrix = np.array([[np.nan if x is None else x for x in row] for row in rows])
    tensor.set_data_from_numpy(matrix, binary_data=True)
    request = InferRequest(model_name=model, infer_inputs=[tensor])
    said = await client.infer(url, request, model_name=model)
    binary = {output.name: output.as_numpy().ravel().tolist() for output in said.outputs[:2]}
    narrow = InferInput("X", [1, 1], "FP64", data=[[1.0]])
    try:
        request = InferRequest(model_name=model, infer_inputs=[narrow])
        await client.infer(url, request, model_name=model)
        error = ""
    except Exception as refused:  # noqa: BLE001 - whatever the client makes of a 400
        error = str(refused)
    live, ready = await client.is_server_live(url), await client.is_server_ready(url)
    model_ready = await client.is_model_ready(url, model)
    await client.close()
    return {"live": live, "ready": ready, "model_ready": model_ready, "outputs": outputs,
            "binary": binary, "error": error}  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))))
