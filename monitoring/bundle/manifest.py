"""The parts of a bundle's manifest that monitoring reads (docs/bundle.md); other keys are
ignored.
"""

import hashlib
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from ..errors import MonitoringError
from .calibrator import Calibrator

MOST_BYTES = 64 * 1024 * 1024


class BundleError(MonitoringError):
    """A bundle is missing or damaged; the message is one line and names the file."""


class Missing(msgspec.Struct):
    """How missing values are handled: `value` replaces them if the policy has one,
    otherwise NaN.
    """

    allowed: bool
    policy: str
    value: float | None = None


class Feature(msgspec.Struct):
    """One feature of the row; a category is stored as its code."""

    name: str
    type: Literal["number", "category"]
    missing: Missing
    used: bool = True
    importance: float = 0.0
    zero_as_missing: bool = False
    categories: list[str | float | int | bool] = []
    codes: list[float] = []
    boolean: bool = False
    ordered: bool = False


class Transform(msgspec.Struct):
    """From raw score to prediction, in float64."""

    name: str
    sigmoid: float = 1.0
    divide_by: float = 1
    calibrator: Calibrator | None = None


class Rule(msgspec.Struct):
    """The thresholds from which predictions are refused or referred."""

    version: str
    refuse_at: float
    refer_from: float | None = None


class Policy(Rule):
    """The current rule, how it was chosen, and the earlier rules."""

    chosen: dict[str, float | str] = {}
    earlier: list[Rule] = []


class Contributions(msgspec.Struct):
    """`columns`: behind pipeline steps, the feature of each number that the trees take."""

    columns: list[int] | None = None


class Manifest(msgspec.Struct):
    """One model version."""

    schema_version: int
    name: str
    version: str
    task: str
    files: dict[str, str]
    features: list[Feature]
    transform: Transform
    policy: Policy | None = None
    classes: list[str | float | int | bool] | None = None
    probability_of: str | float | int | bool | None = None
    outputs: int = 1
    contributions: Contributions | None = None


Document = TypeVar("Document")


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a bundle. Raises BundleError."""
    return read(folder / "manifest.json", Manifest)


def content(folder: Path, manifest: Manifest, name: str) -> bytes:
    """Return a file that the manifest lists, byte for byte as listed. Raises BundleError."""
    path = folder / name
    try:
        if path.exists() and not path.is_file():
            raise BundleError(f"{path}: wanted a regular file")
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != manifest.files.get(name):
        raise BundleError(f"{path}: not the file listed in its manifest; was it changed?")
    return data


def read(path: Path, document: type[Document]) -> Document:
    """Return a JSON file of a bundle, if it is a regular file of at most MOST_BYTES.

    Raises BundleError.
    """
    try:
        if path.exists() and not path.is_file():
            raise BundleError(f"{path}: wanted a regular file")
        if path.stat().st_size > MOST_BYTES:
            raise BundleError(f"{path}: wanted at most {MOST_BYTES:,} bytes")
        return msgspec.json.decode(path.read_bytes(), type=document)
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}; wanted a bundle's folder") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"{path}: {error}") from error
