"""The manifest of a bundle, `models/<name>/<version>/`, as types (docs/bundle.md).

reading.py reads it.
"""

from pathlib import Path

import msgspec

from .calibrator import Calibrator

MANIFEST = "manifest.json"
CHECKSUMS = "SHA256SUMS"
SCHEMA_VERSION = 1


class BundleError(Exception):
    """A bundle that must not be served; the message is one line and names the file."""


class Missing(msgspec.Struct, frozen=True):
    """How a feature's missing values are handled."""

    allowed: bool
    policy: str
    value: float | None = None


class Seen(msgspec.Struct, frozen=True):
    """The range of a number in the training rows."""

    min: float
    max: float


class Number(msgspec.Struct, frozen=True, tag_field="type", tag="number"):
    """A numeric feature; if `boolean`, true is 1 and false is 0."""

    name: str
    missing: Missing
    zero_as_missing: bool = False
    used: bool = True
    seen: Seen | None = None
    boolean: bool = False


class Category(msgspec.Struct, frozen=True, tag_field="type", tag="category"):
    """A feature whose value is one of a list; `codes` are at the positions of `categories`.

    If `ordered`, the model compares the codes as numbers.
    """

    name: str
    missing: Missing
    categories: tuple[str | int | float | bool, ...]
    codes: tuple[float, ...]
    zero_as_missing: bool = False
    used: bool = True
    ordered: bool = False


Feature = Number | Category


class Transform(msgspec.Struct, frozen=True):
    """From raw score to prediction, in float64 and outside the graph."""

    name: str
    sigmoid: float = 1.0
    divide_by: float = 1
    calibrator: Calibrator | None = None


class Rule(msgspec.Struct, frozen=True):
    """The thresholds from which applicants are refused or referred."""

    version: str
    refuse_at: float
    refer_from: float | None = None


class Policy(Rule, frozen=True):
    """The rule in force, and those that it replaced."""

    earlier: tuple[Rule, ...] = ()


class Contributions(msgspec.Struct, frozen=True):
    """Present if the bundle can explain its scores.

    After pipeline steps, `columns` maps each input of the trees to its feature.
    """

    columns: tuple[int, ...] | None = None


class Manifest(msgspec.Struct, frozen=True):
    """The keys of `manifest.json` that the server reads; others are for other readers."""

    schema_version: int
    name: str
    version: str
    files: dict[str, str]
    task: str
    outputs: int
    features: tuple[Feature, ...]
    transform: Transform
    classes: tuple[str | int | float | bool, ...] | None = None
    probability_of: str | int | float | bool | None = None
    policy: Policy | None = None
    contributions: Contributions | None = None


class Bundle(msgspec.Struct, frozen=True):
    """A bundle whose files were checked."""

    path: Path
    manifest: Manifest
    manifest_sha256: str = ""  # empty if the manifest was not read from a file

    @property
    def model_sha256(self) -> str:
        """The SHA-256 of model.onnx, which identifies the model in every answer and record."""
        return self.manifest.files["model.onnx"]
