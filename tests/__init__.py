"""The environment of all tests, set before any library is imported."""

import os
import sys

# Several processes share the processors: each computes on one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Tests start hundreds of Pythons: without compiled files each would compile its sources anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
