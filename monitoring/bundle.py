"""What the readers need of a bundle's manifest (docs/bundle.md); other keys are not read."""

from pathlib import Path
from typing import Literal

import msgspec

from .errors import MonitoringError
from .replay.calibrator import Calibrator


class Missing(msgspec.Struct):
    """What stands in the row for a missing value: NaN, or `value` where the policy names one."""

    allowed: bool
    policy: str
    value: float | None = None


class Feature(msgspec.Struct):
    """One place in the row; a category stands in it as the code at its position."""

    name: str
    type: Literal["number", "category"]
    missing: Missing
    zero_as_missing: bool = False
    categories: list[str | float | int | bool] | None = None
    codes: list[float] | None = None
    boolean: bool = False
    ordered: bool = False


class Transform(msgspec.Struct):
    """From raw score to prediction, in float64."""

    name: str
    sigmoid: float = 1.0
    divide_by: float = 1
    calibrator: Calibrator | None = None


class Rule(msgspec.Struct):
    """Which predictions are refused or referred."""

    version: str
    refuse_at: float
    refer_from: float | None = None


class Policy(Rule):
    """The rule in force, and those that stood there before it."""

    earlier: list[Rule] = []


class Manifest(msgspec.Struct):
    """One model version."""

    name: str
    version: str
    task: str
    files: dict[str, str]
    features: list[Feature]
    transform: Transform
    policy: Policy | None = None
    classes: list[str | float | int | bool] | None = None
    outputs: int = 1


def manifest(folder: Path) -> Manifest:
    """Return the manifest of a bundle. Raises MonitoringError."""
    path = folder / "manifest.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise MonitoringError(f"{path}: wanted a bundle's manifest: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise MonitoringError(f"{path}: {error}") from error
