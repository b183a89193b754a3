"""A bundle on disk, `models/<name>/<version>/`: what its manifest says. reading.py reads it.

The format is docs/bundle.md.
"""

from pathlib import Path

import msgspec

from .calibrator import Calibrator

MANIFEST = "manifest.json"
CHECKSUMS = "SHA256SUMS"
SCHEMA_VERSION = 1


class BundleError(Exception):
    """A bundle that must not be served: one line that names the file and what is wrong with it."""


class Missing(msgspec.Struct, frozen=True):
    """What a feature does when its value is missing."""

    allowed: bool
    policy: str
    value: float | None = None


class Seen(msgspec.Struct, frozen=True):
    """The range of a number in the training rows."""

    min: float
    max: float


class Number(msgspec.Struct, frozen=True, tag_field="type", tag="number"):
    """A feature whose value is a float64; of a `boolean` one, true is 1 and false is 0."""

    name: str
    missing: Missing
    zero_as_missing: bool = False
    used: bool = True
    seen: Seen | None = None
    boolean: bool = False


class Category(msgspec.Struct, frozen=True, tag_field="type", tag="category"):
    """A feature whose value is one of a list; `codes` stands at the positions of `categories`.

    The codes of an `ordered` one are compared as numbers by the model.
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
    """What turns a raw score into a prediction, in float64 and outside the graph."""

    name: str
    sigmoid: float = 1.0
    divide_by: float = 1
    calibrator: Calibrator | None = None


class Policy(msgspec.Struct, frozen=True):
    """Which side of which threshold refuses or refers."""

    version: str
    refuse_at: float
    refer_from: float | None = None


class Contributions(msgspec.Struct, frozen=True):
    """There where the bundle can tell what each feature contributes to a raw score.

    Behind a pipeline's steps `columns` says which feature each number that the trees take is of.
    """

    columns: tuple[int, ...] | None = None


class Manifest(msgspec.Struct, frozen=True):
    """`manifest.json`, as far as the server reads it; unknown keys are for other readers."""

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
    """A bundle whose files were found whole."""

    path: Path
    manifest: Manifest
    manifest_sha256: str = ""  # not told where the manifest was made and not read

    @property
    def model_sha256(self) -> str:
        """The hash of model.onnx: what names this model in every answer and record."""
        return self.manifest.files["model.onnx"]
