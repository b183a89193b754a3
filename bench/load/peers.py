"""The peers: each started from bench/peers/<name> as its documentation says, on one core.

In commands and variables, `{bin}` is the folder of its environment's programs, `{port}` its port,
and `{spare}` and `{spare2}` are ports for anything else it opens.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from .. import environments
from ..workload.models import Workload
from . import body
from .body import Encode
from .subjects import Subject

OIP_PATH = "/v2/models/credit/infer"
# For all: one thread in LightGBM and numpy, and nothing is told to anybody.
EVERYWHERE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "DO_NOT_TRACK": "1",
              "PEER_PORT": "{port}"}  # fmt: skip


class Peer(msgspec.Struct, frozen=True):
    """A peer: its label, how to start it and what to send it; a limit if it scores nothing."""

    name: str
    label: str
    command: tuple[str, ...]
    encode: Encode
    variables: Mapping[str, str] = {}
    kind: str = "peer"

    def subject(self) -> Subject:
        """Return it as a server under load."""
        return Subject(
            self.name, self.label, self.kind, self._started, lambda _: self.encode, self.name,
            environments.PEERS / self.name, {**EVERYWHERE, **self.variables},
        )  # fmt: skip

    def _started(self, workload: Workload, port: int, folder: Path) -> list[str]:
        programs = environments.BUILD / self.name / "bin"
        return [word.format(bin=programs, port=port) for word in self.command]


UVICORN = ("{bin}/python", "-m", "uvicorn", "app:app", "--port", "{port}", "--no-access-log")
LIMITS = (
    Peer("granian", "empty Starlette endpoint, granian", (
        "{bin}/granian", "--interface", "asgi", "--loop", "uvloop", "--host", "127.0.0.1",
        "--port", "{port}", "--workers", "1", "--no-ws", "--log-level", "error", "app:app",
    ), body.json, kind="limit").subject(),
)  # fmt: skip
PEERS = tuple(
    each.subject()
    for each in (
        Peer("fastapi_written", "FastAPI + pandas, as people write it", UVICORN, body.json),
        Peer("fastapi_tuned", "FastAPI, tuned", UVICORN, body.json),
        Peer("mlserver", "MLServer", ("{bin}/mlserver", "start", "."), body.oip_json(OIP_PATH), {
            "MLSERVER_HTTP_PORT": "{port}", "MLSERVER_GRPC_PORT": "{spare}",
            "MLSERVER_METRICS_PORT": "{spare2}", "MLSERVER_MODEL_URI": "{model}",
            "MLSERVER_METRICS_DIR": "{folder}",
        }),
        Peer("kserve", "KServe, Python server", ("{bin}/python", "server.py"),
             body.oip_json(OIP_PATH)),
        Peer("bentoml", "BentoML", (
            "{bin}/bentoml", "serve", "service:Credit", "--host", "127.0.0.1", "--port", "{port}",
        ), body.json, {"BENTOML_DO_NOT_TRACK": "true", "BENTOML_HOME": "{folder}"}),
        Peer("litserve", "LitServe", ("{bin}/python", "server.py"), body.json_at("/predict")),
        Peer("timber", "Timber", ("{bin}/python", "server.py"), body.timber, {"HOME": "{folder}"}),
        Peer("ray_serve", "Ray Serve", ("{bin}/python", "app.py"), body.json, {
            "RAY_USAGE_STATS_ENABLED": "0", "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
            "RAY_TMPDIR": "{folder}", "RAY_AUTH_MODE": "disabled",
        }),
    )
)  # fmt: skip
# What cannot serve every model: measured on the committed one, one connection at a time, because it
# takes no second one before the first is closed.
ON_DEMO = ("timber",)
