"""LitServe, as its quick start shows: a LitAPI of setup, decode, predict, encode; python server.py

Tuned: one API process and one model worker (the hop between them is LitServe's design), the queue
over ZeroMQ (fast_queue), no client file, log_level error so that there is no access log; numpy and
one LightGBM thread, no pandas.
"""

import os

import lightgbm as lgb
import litserve as ls
import numpy as np


class Credit(ls.LitAPI):
    """Scores one applicant."""

    def setup(self, device):
        """Load the model in the worker."""
        self.booster = lgb.Booster(model_file=os.environ["PEER_MODEL"])
        self.names = self.booster.feature_name()

    def decode_request(self, request):
        """Make a row of a JSON object."""
        return np.array([[request[name] for name in self.names]], dtype=np.float64)

    def predict(self, row):
        """Score it."""
        return float(self.booster.predict(row, num_threads=1)[0])

    def encode_response(self, probability):
        """Answer as the others do."""
        return {"probability": probability, "decision": int(probability >= 0.2)}


if __name__ == "__main__":
    server = ls.LitServer(Credit(), accelerator="cpu", workers_per_device=1, fast_queue=True)
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PEER_PORT"]),
        num_api_servers=1,
        generate_client_file=False,
        log_level="error",
    )
