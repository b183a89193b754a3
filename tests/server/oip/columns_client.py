"""Sends a table, one input per column, with a client in an environment of its own; prints JSON.

usage: python columns_client.py kserve URL MODEL TABLE_JSON     scores with KServe's client
       python columns_client.py mlserver URL MODEL TABLE_JSON   scores with MLServer's codec
       python columns_client.py numpy URL MODEL TABLE_JSON      the same, the table as one array
"""

import asyncio
import json
import sys
import urllib.request
from typing import Any

import numpy as np
import pandas as pd


async def kserve(url: str, model: str, table: pd.DataFrame) -> list[float]:
    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

    inputs = []
    for place, name in enumerate(table):
        column = table[name]
        if pd.api.types.is_numeric_dtype(column):
            tensor = InferInput(name, [len(table)], "FP64")
            tensor.set_data_from_numpy(column.to_numpy(), binary_data=bool(place % 2))
        else:
            data = [None if pd.isna(each) else each for each in column]
            tensor = InferInput(name, [len(table)], "BYTES", data=data)
        inputs.append(tensor)
    request = InferRequest(
        model_name=model, infer_inputs=inputs, parameters={"content_type": "pd"}
    )  # fmt: skip
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    said = await client.infer(url, request, model_name=model)
    await client.close()
    return next(list(output.data) for output in said.outputs if output.name == "prediction")


async def mlserver(url: str, model: str, table: pd.DataFrame) -> list[float]:
    from mlserver.codecs import PandasCodec
    from mlserver.types import InferenceResponse

    request = PandasCodec.encode_request(table)
    request.parameters.categories = "values"
    said = InferenceResponse.model_validate_json(answered(url, model, request))
    assert PandasCodec.decode_response(said).columns[0] == "raw"
    return next(list(o.data.root) for o in said.outputs if o.name == "prediction")


async def numpy(url: str, model: str, table: pd.DataFrame) -> list[float]:
    from mlserver.codecs import NumpyCodec, NumpyRequestCodec
    from mlserver.types import InferenceResponse

    request = NumpyRequestCodec.encode_request(table.to_numpy())
    said = InferenceResponse.model_validate_json(answered(url, model, request))
    found = next(each for each in said.outputs if each.name == "prediction")
    decoded: list[float] = NumpyCodec.decode_output(found).ravel().tolist()
    return decoded


def answered(url: str, model: str, request: Any) -> bytes:
    """Post a request of MLServer's types."""
    body = request.model_dump_json().encode()
    head = {"Content-Type": "application/json"}
    asked = urllib.request.Request(f"{url}/v2/models/{model}/infer", body, head)
    with urllib.request.urlopen(asked) as answer:
        whole: bytes = answer.read()
    return whole


def table_of(columns: dict[str, list[Any]]) -> pd.DataFrame:
    """Return numbers as float64, null as NaN; texts as objects."""
    is_text = {name: any(isinstance(each, str) for each in columns[name]) for name in columns}
    series = {
        name: pd.Series(data, dtype=object if is_text[name] else np.float64)
        for name, data in columns.items()
    }
    return pd.DataFrame(series)


if __name__ == "__main__":
    kind, url, model, columns = sys.argv[1:]
    send = {"kserve": kserve, "mlserver": mlserver, "numpy": numpy}[kind]
    print(json.dumps(asyncio.run(send(url, model, table_of(json.loads(columns))))))
