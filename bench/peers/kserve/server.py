"""KServe's Python server with a custom predictor, as its documentation shows; python server.py

Its own LightGBM server is not on the package index; `predict` is what that one does: the tensors as
numpy, Booster.predict. Tuned: one uvicorn worker, no gRPC, no latency or access log; one LightGBM
thread. It has no setting for the address and none but a file for the access log, so both are given
to uvicorn here: a benchmark opens no port to the network.
"""

import os

import lightgbm as lgb
import numpy as np
import uvicorn
from kserve import InferRequest, InferResponse, Model, ModelServer
from kserve.utils.utils import get_predict_response


class Loopback(uvicorn.Config):
    """What KServe asks for, on loopback and without an access log."""

    def __init__(self, app, **settings) -> None:
        super().__init__(app, **{**settings, "host": "127.0.0.1", "access_log": False})


class Credit(Model):
    """Scores the rows of one FP64 tensor."""

    def __init__(self) -> None:
        super().__init__("credit")
        self.booster = lgb.Booster(model_file=os.environ["PEER_MODEL"])
        self.ready = True

    async def predict(
        self, payload: InferRequest, headers=None, response_headers=None
    ) -> InferResponse:
        """Score."""
        rows = np.asarray(payload.inputs[0].as_numpy(), dtype=np.float64)
        found = self.booster.predict(rows, num_threads=1)
        return get_predict_response(payload, found, self.name)


if __name__ == "__main__":
    uvicorn.Config = Loopback
    server = ModelServer(
        http_port=int(os.environ["PEER_PORT"]),
        workers=1,
        enable_grpc=False,
        enable_latency_logging=False,
        access_log_format=None,
    )
    server.start([Credit()])
