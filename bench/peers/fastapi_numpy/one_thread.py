"""The same on one thread: the endpoint is async, so no hop to a pool, and num_threads=1."""

import os

import lightgbm as lgb
import numpy as np
from fastapi import FastAPI
from pydantic import create_model

booster = lgb.Booster(model_file=os.environ["PEER_MODEL"])
names = booster.feature_name()
Applicant = create_model("Applicant", **dict.fromkeys(names, (float | None, None)))
app = FastAPI()


@app.post("/score")
async def score(applicant: Applicant):
    """Score one applicant."""
    row = np.array([list(applicant.__dict__.values())], dtype=np.float64)
    probability = booster.predict(row, num_threads=1)[0]
    return {"probability": float(probability), "decision": int(probability >= 0.2)}
