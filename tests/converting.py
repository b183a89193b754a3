"""What tests of convert share: a conversion as a user asks for it, and a model as a file."""

import pickle
from pathlib import Path

import joblib
import skops.io

from convert.__main__ import main


def convert(model: Path, out: Path, *more: object) -> int:
    """Convert to OUT/m/1; return the exit code."""
    arguments = [model, "--name", "m", "--version", "1", "--out", out, *more]
    return main([str(each) for each in arguments])


def written(path: Path, model: object, form: str) -> Path:
    """Write a model as skops, joblib, or a pickle of the newest or of another protocol."""
    if form == "skops":
        skops.io.dump(model, path)
    elif form == "joblib":
        joblib.dump(model, path)
    else:
        path.write_bytes(pickle.dumps(model, protocol=2 if form == "protocol 2" else 5))
    return path
