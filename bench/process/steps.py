"""The cold start step by step, in its own process.

`python -m bench.process.steps BUNDLE SPAWNED`

SPAWNED is the parent's perf_counter, which all processes share. Prints one JSON line with the
milliseconds of each step. Libraries are imported in the server's order, each with what it is the
first to need. Starlette is not among them, because the server loads it after its first answers.
"""

import gc
import json
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib import import_module
from time import perf_counter
from typing import Any

LIBRARIES = ("numpy", "onnxruntime", "msgspec", "uvicorn.server", "server.cli")


def prepare() -> None:
    """Do what `server.__main__` does before it imports."""
    from server import deferred

    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    gc.disable()
    deferred.package("logging.config")
    deferred.package("uvicorn", Config="uvicorn.config", Server="uvicorn.server")


def main(bundle: str, spawned: float) -> dict[str, float]:
    """Do what the server does before it opens its socket; return milliseconds per step."""
    took = {"interpreter": (perf_counter() - spawned) * 1e3}
    prepare()

    def timed(step: str, work: Callable[[], Any]) -> Any:
        began = perf_counter()
        done = work()
        took[step] = (perf_counter() - began) * 1e3
        return done

    for name in LIBRARIES:
        timed(f"import {name.partition('.')[0]}", partial(import_module, name))
    from server import settings
    from server.http import services
    from server.metrics.counters import Table
    from server.scoring import catalog

    with tempfile.TemporaryDirectory() as folder:
        chosen = settings.read({}, {"model": bundle, "log_dir": folder})
        loaded = timed("bundle: hashes, session, golden rows", lambda: catalog.load_all(chosen))
        opened = timed("log and counters",
                       lambda: services.open_services(chosen, loaded, Table(1), 0))  # fmt: skip
        opened.close()
    return took


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], float(sys.argv[2]))))
