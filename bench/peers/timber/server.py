"""Timber, as its documentation shows: timber load, then timber serve; python server.py

It compiles the model with gcc into a store under HOME, here a folder of the run. Its server is that
of the standard library: one thread, one connection a request. Nothing is there to tune.
"""

import os
import subprocess
import sys
from pathlib import Path

timber = str(Path(sys.executable).parent / "timber")
load = [timber, "load", os.environ["PEER_MODEL"], "--name", "credit", "--format", "lightgbm"]
subprocess.run(load, check=True)
address = ["--host", "127.0.0.1", "--port", os.environ["PEER_PORT"]]
os.execv(timber, [timber, "serve", "credit", *address])  # noqa: S606
