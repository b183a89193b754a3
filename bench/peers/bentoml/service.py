"""BentoML, as its documentation shows: a service class with an API method; bentoml serve

Tuned: one worker, an async method (a plain one is sent to a thread), no access log; numpy and one
LightGBM thread. The applicant is the root of the body, checked by pydantic.
"""

import os

import bentoml
import lightgbm as lgb
import numpy as np
from pydantic import create_model

NAMES = lgb.Booster(model_file=os.environ["PEER_MODEL"]).feature_name()
Applicant = create_model("Applicant", **dict.fromkeys(NAMES, (float | None, None)))


@bentoml.service(
    workers=1,
    traffic={"timeout": 60},
    logging={"access": {"enabled": False}},
    metrics={"enabled": True},
)
class Credit:
    """Scores one applicant."""

    def __init__(self) -> None:
        self.booster = lgb.Booster(model_file=os.environ["PEER_MODEL"])

    @bentoml.api
    async def score(self, applicant: Applicant, /) -> dict[str, float]:
        """Score one applicant."""
        row = np.array([list(applicant.__dict__.values())], dtype=np.float64)
        probability = float(self.booster.predict(row, num_threads=1)[0])
        return {"probability": probability, "decision": int(probability >= 0.2)}
