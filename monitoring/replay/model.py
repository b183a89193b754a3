"""A model version as the server ran it: from rows to raw scores, predictions and decisions."""

from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..bundle.manifest import Manifest, Rule, content, read_manifest
from ..bundle.session import open_session
from ..bundle.transform import vector
from ..errors import MonitoringError
from ..explain.contributions import Contributions, contributions_of
from ..explain.principal import Principal, principal_of

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


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
        self.folder = folder
        model = content(folder, self.manifest, "model.onnx")
        self._session = open_session(folder / "model.onnx", model)
        self._transform = vector(self.manifest.transform)
        policy = self.manifest.policy
        rules = [*policy.earlier, policy] if policy else []
        self.rules: dict[str | None, Rule | None] = {None: None}
        self.rules |= {rule.version: rule for rule in rules}
        self._principals: dict[str | None, Principal | None] = {}

    @property
    def name(self) -> str:
        """`NAME/VERSION`."""
        return f"{self.manifest.name}/{self.manifest.version}"

    @cached_property
    def contributions(self) -> Contributions | None:
        """What explains its scores; None if the bundle cannot. Raises BundleError."""
        return contributions_of(self.folder, self.manifest)

    def principal(self, version: str | None = None) -> Principal | None:
        """Return what finds the reasons of its refusals by the codes of a version, or the present.

        None if it holds no such codes. Raises BundleError.
        """
        if version not in self._principals:
            self._principals[version] = principal_of(self.folder, self.manifest, version)
        return self._principals[version]

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


__all__ = ["Manifest", "Model", "Scores", "decide", "find"]
