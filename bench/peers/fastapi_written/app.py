"""The service people write first: FastAPI, pydantic, a one-row DataFrame, Booster.predict.

Started as FastAPI's documentation says: uvicorn app:app
"""

import os

import lightgbm as lgb
import pandas as pd
from fastapi import FastAPI
from pydantic import create_model

booster = lgb.Booster(model_file=os.environ["PEER_MODEL"])
names = booster.feature_name()
Applicant = create_model("Applicant", **dict.fromkeys(names, (float | None, None)))
app = FastAPI()


@app.post("/score")
def score(applicant: Applicant):
    """Score one applicant."""
    row = pd.DataFrame([applicant.model_dump()], columns=names, dtype=float)
    probability = booster.predict(row)[0]
    return {"probability": float(probability), "decision": int(probability >= 0.2)}
