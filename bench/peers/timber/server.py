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
model = Path.home() / ".timber" / "models" / "credit"
if not any((model / "lib").iterdir()):  # it takes any error of gcc for no gcc: what gcc said
    check = ["gcc", "-std=c99", "-fsyntax-only", str(model / "compiled" / "model.c")]
    said = subprocess.run(check, capture_output=True, text=True, check=False).stderr
    sys.exit(f"timber load compiled nothing; gcc:{said.partition('error:')[2].splitlines()[0]}")
address = ["--host", "127.0.0.1", "--port", os.environ["PEER_PORT"]]
os.execv(timber, [timber, "serve", "credit", *address])  # noqa: S606
