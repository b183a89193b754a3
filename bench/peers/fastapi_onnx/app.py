"""The tuned service with onnxruntime in place of LightGBM; PEER_RUN says how the graph is run.

`onnxmltools`: the graph onnxmltools makes, session.run, as its documentation shows it. `exact`: the
graph with LightGBM's bits, session.run. `bound`: the same on buffers bound once.
"""

import math
import os
from pathlib import Path

import numpy as np
import onnxruntime as ort
import orjson
from fastapi import FastAPI, Response
from pydantic import create_model

text = Path(os.environ["PEER_MODEL"]).read_text()
names = next(line for line in text.splitlines() if line.startswith("feature_names="))[14:].split()
options = ort.SessionOptions()
options.intra_op_num_threads = 1
session = ort.InferenceSession(
    os.environ["PEER_GRAPH"], options, providers=["CPUExecutionProvider"]
)
given, made = session.get_inputs()[0].name, session.get_outputs()[0].name
Applicant = create_model("Applicant", **dict.fromkeys(names, (float | None, None)))
app = FastAPI()

row, raw = np.zeros((1, len(names))), np.zeros((1, 1))
binding = session.io_binding()
if os.environ["PEER_RUN"] == "bound":
    binding.bind_input(given, "cpu", 0, np.float64, row.shape, row.ctypes.data)
    binding.bind_output(made, "cpu", 0, np.float64, raw.shape, raw.ctypes.data)


def sigmoid(score: float) -> float:
    """LightGBM's probability of a raw score."""
    return 1.0 / (1.0 + math.exp(-score))


def onnxmltools(values: list) -> float:
    """Single precision, and the probability comes out of the graph."""
    found = session.run(None, {given: np.array([values], dtype=np.float32)})
    return float(found[1][0, 1])


def exact(values: list) -> float:
    """Double precision, and the raw score comes out of the graph."""
    return sigmoid(float(session.run(None, {given: np.array([values], np.float64)})[0][0, 0]))


def bound(values: list) -> float:
    """The same, on the buffers bound above."""
    row[0] = values
    session.run_with_iobinding(binding)
    return sigmoid(raw.item())


run = {"onnxmltools": onnxmltools, "exact": exact, "bound": bound}[os.environ["PEER_RUN"]]


@app.post("/score")
async def score(applicant: Applicant) -> Response:
    """Score one applicant."""
    probability = run(list(applicant.__dict__.values()))
    answer = {"probability": probability, "decision": int(probability >= 0.2)}
    return Response(orjson.dumps(answer), media_type="application/json")
