"""The service people write first, with a numpy row in place of the DataFrame: no pandas."""

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
def score(applicant: Applicant):
    """Score one applicant."""
    row = np.array([list(applicant.__dict__.values())], dtype=np.float64)
    probability = booster.predict(row)[0]
    return {"probability": float(probability), "decision": int(probability >= 0.2)}
