"""A model version as the server ran it: from rows to raw scores, predictions and decisions."""

import hashlib
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..bundle.manifest import Manifest, Rule, read_manifest
from ..bundle.transform import vector
from ..errors import MonitoringError

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # on by default; read only at import

import onnxruntime as ort

Floats = npt.NDArray[np.float64]
SILENT = 4
# onnxruntime's own exceptions derive directly from Exception.
FAILURES: tuple[type[Exception], ...] = (
    RuntimeError,
    ValueError,
    *(
        each
        for each in vars(ort.capi.onnxruntime_pybind11_state).values()
        if isinstance(each, type) and issubclass(each, Exception)
    ),
)


class Scores(NamedTuple):
    """A model's results for N rows."""

    raw: Floats  # [N, K]
    prediction: Floats  # [N, K]
    decision: list[str | None]  # [N]


class Model:
    """A bundle with an open session. Raises MonitoringError if the model file was changed."""

    def __init__(self, folder: Path) -> None:
        self.manifest = read_manifest(folder)
        self.sha256 = self.manifest.files.get("model.onnx", "")
        path = folder / "model.onnx"
        self._session = _session(path, self.sha256)
        self._transform = vector(self.manifest.transform)
        policy = self.manifest.policy
        rules = [*policy.earlier, policy] if policy else []
        self.rules: dict[str | None, Rule | None] = {None: None}
        self.rules |= {rule.version: rule for rule in rules}

    @property
    def name(self) -> str:
        """`NAME/VERSION`."""
        return f"{self.manifest.name}/{self.manifest.version}"

    def score(self, rows: Floats) -> Scores:
        """Score rows [N, F] as the model sees them."""
        width = len(self.manifest.features)
        if rows.shape[1] != width:
            raise MonitoringError(f"{self.name}: wanted rows of {width}, got {rows.shape[1]}")
        raw: Floats = self._session.run(None, {"X": rows})[0]
        prediction = np.array([self._transform(row) for row in raw.tolist()]).reshape(raw.shape)
        return Scores(raw, prediction, decide(self.manifest.policy, prediction))


def decide(policy: Rule | None, prediction: Floats) -> list[str | None]:
    """Return the policy's decisions for predictions [N, K]; None without a policy."""
    if policy is None:
        return [None] * len(prediction)
    p = prediction[:, 0]
    refer_from = np.inf if policy.refer_from is None else policy.refer_from
    choices = np.where(
        p >= policy.refuse_at, "refuse", np.where(p >= refer_from, "refer", "approve")
    )
    return list(choices.tolist())


def find(models: Path) -> dict[tuple[str, str], Path]:
    """Return the bundles in a folder by name and version. Raises MonitoringError.

    Folders that begin with a dot are ignored: they are being written.
    """
    if not models.is_dir():
        raise MonitoringError(f"{models}: wanted a folder of bundles, NAME/VERSION/manifest.json")
    found = {(p.parts[-3], p.parts[-2]): p.parent for p in models.glob("*/*/manifest.json")}
    return {key: folder for key, folder in found.items() if not any(k[0] == "." for k in key)}


def _session(path: Path, sha256: str) -> Any:
    """Open a session with one thread: more threads would change the order of sums, and so
    the bits.
    """
    try:
        if path.exists() and not path.is_file():
            raise MonitoringError(f"{path}: wanted a regular file")
        data = path.read_bytes()
    except OSError as error:
        raise MonitoringError(f"{path}: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise MonitoringError(f"{path}: not the file listed in its manifest; was it changed?")
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = SILENT
    try:
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except FAILURES as error:
        first = str(error).splitlines()[0]
        raise MonitoringError(f"{path}: onnxruntime cannot load it: {first}") from error


__all__ = ["Manifest", "Model", "Scores", "decide", "find"]
