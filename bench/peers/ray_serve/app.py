"""Ray Serve, as its documentation shows: a deployment class with __call__; python app.py

Tuned: one replica and one proxy on one core (num_cpus 0, so that Ray does not count cores that it
may not use), no access log, more requests under way than the default of five,
RAY_SERVE_THROUGHPUT_OPTIMIZED; numpy and one LightGBM thread. Usage statistics and the dashboard
are off.
"""

import os
import signal

import lightgbm as lgb
import numpy as np
import orjson
import ray
from ray import serve
from ray.serve.schema import LoggingConfig
from starlette.requests import Request
from starlette.responses import Response


@serve.deployment(
    num_replicas=1,
    max_ongoing_requests=256,
    ray_actor_options={"num_cpus": 0},
    logging_config=LoggingConfig(enable_access_log=False, log_level="ERROR"),
)
class Credit:
    """Scores one applicant."""

    def __init__(self) -> None:
        self.booster = lgb.Booster(model_file=os.environ["PEER_MODEL"])
        self.names = self.booster.feature_name()

    async def __call__(self, request: Request) -> Response:
        """Score one applicant."""
        given = orjson.loads(await request.body())
        row = np.array([[given[name] for name in self.names]], dtype=np.float64)
        probability = float(self.booster.predict(row, num_threads=1)[0])
        answer = {"probability": probability, "decision": int(probability >= 0.2)}
        return Response(orjson.dumps(answer), media_type="application/json")


if __name__ == "__main__":
    ray.init(
        num_cpus=1, include_dashboard=False, log_to_driver=False, object_store_memory=100 * 2**20,
        _node_ip_address="127.0.0.1",
    )  # fmt: skip
    serve.start(
        http_options={"host": "127.0.0.1", "port": int(os.environ["PEER_PORT"])},
        logging_config=LoggingConfig(enable_access_log=False, log_level="ERROR"),
    )
    serve.run(Credit.bind(), name="credit", route_prefix="/score")
    signal.sigwait([signal.SIGTERM, signal.SIGINT])
    ray.shutdown()
