"""The service people write first: FastAPI, pydantic, a pickled model, a one-row DataFrame.

Started as FastAPI's documentation says: uvicorn app:app. The pickle is written here, by this
process, right before it is read: no file of anybody else's is loaded.
"""

import os
import pickle
import tempfile
from pathlib import Path

import lightgbm as lgb
import pandas as pd
from fastapi import FastAPI
from pydantic import create_model

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "model.pkl"
    path.write_bytes(pickle.dumps(lgb.Booster(model_file=os.environ["PEER_MODEL"])))
    booster = pickle.loads(path.read_bytes())  # noqa: S301 - written two lines above
names = booster.feature_name()
Applicant = create_model("Applicant", **dict.fromkeys(names, (float | None, None)))
app = FastAPI()


@app.post("/score")
def score(applicant: Applicant):
    """Score one applicant."""
    row = pd.DataFrame([applicant.model_dump()], columns=names, dtype=float)
    probability = booster.predict(row)[0]
    return {"probability": float(probability), "decision": int(probability >= 0.2)}
