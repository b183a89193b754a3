"""The same with Starlette and msgspec in place of FastAPI and pydantic; buffers bound once."""

import math
import os
from pathlib import Path

import msgspec
import numpy as np
import onnxruntime as ort
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

text = Path(os.environ["PEER_MODEL"]).read_text()
names = next(line for line in text.splitlines() if line.startswith("feature_names="))[14:].split()
options = ort.SessionOptions()
options.intra_op_num_threads = 1
session = ort.InferenceSession(
    os.environ["PEER_GRAPH"], options, providers=["CPUExecutionProvider"]
)
row, raw = np.zeros((1, len(names))), np.zeros((1, 1))
binding = session.io_binding()
for bind, name, held in ((binding.bind_input, session.get_inputs()[0].name, row),
                         (binding.bind_output, session.get_outputs()[0].name, raw)):  # fmt: skip
    bind(name, "cpu", 0, np.float64, held.shape, held.ctypes.data)
Applicant = msgspec.defstruct("Applicant", [(name, float | None, None) for name in names])
decoder = msgspec.json.Decoder(Applicant)


async def score(request: Request) -> Response:
    """Score one applicant."""
    row[0] = msgspec.structs.astuple(decoder.decode(await request.body()))
    session.run_with_iobinding(binding)
    probability = 1.0 / (1.0 + math.exp(-raw.item()))
    answer = {"probability": probability, "decision": int(probability >= 0.2)}
    return Response(msgspec.json.encode(answer), media_type="application/json")


app = Starlette(routes=[Route("/score", score, methods=["POST"])])
