"""A bundle on disk, `models/<name>/<version>/`: its manifest, and proof that its files are whole.

The format is docs/bundle.md. Reading never executes or unpickles anything.
"""

import hashlib
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


class Bundle(msgspec.Struct, frozen=True):
    """A bundle whose files were found whole."""

    path: Path
    manifest: Manifest

    @property
    def model_sha256(self) -> str:
        """The hash of model.onnx: what names this model in every answer and record."""
        return self.manifest.files["model.onnx"]


def read(path: Path) -> Bundle:
    """Compare every file in `path` with its sha256, then read the manifest.

    Raises BundleError naming the file that is absent, unreadable or changed.
    """
    manifest = read_manifest(path / MANIFEST)
    sums = read_sums(path / CHECKSUMS)
    for name, digest in sums.items():
        check_file(path / name, digest)
    if {**manifest.files, MANIFEST: sums.get(MANIFEST)} != sums:
        raise BundleError(
            f"{path / CHECKSUMS}: wanted the files and hashes of {MANIFEST}, and its own"
        )
    if not {"model.onnx", "golden.json"} <= sums.keys():
        raise BundleError(f"{path / CHECKSUMS}: wanted model.onnx and golden.json among the files")
    return Bundle(path, manifest)


def read_manifest(file: Path) -> Manifest:
    """Decode and check `manifest.json`; raises BundleError."""
    try:
        manifest = msgspec.json.decode(read_bytes(file), type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"{file}: {error}") from error
    if manifest.schema_version != SCHEMA_VERSION:
        found = manifest.schema_version
        raise BundleError(f"{file}: wanted schema_version {SCHEMA_VERSION}, got {found}")
    if manifest.task == "multiclass" and len(manifest.classes or ()) != manifest.outputs:
        raise BundleError(f"{file}: wanted {manifest.outputs} classes, got {manifest.classes}")
    names = [feature.name for feature in manifest.features]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise BundleError(f"{file}: wanted a feature under one name only, got {repeated} again")
    return manifest


def read_sums(file: Path) -> dict[str, str]:
    """Return file name -> sha256, from the format of sha256sum; raises BundleError."""
    lines = read_bytes(file).decode(errors="replace").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def check_file(file: Path, digest: str) -> None:
    """Raise BundleError unless the sha256 of `file` is `digest`."""
    found = hashlib.sha256(read_bytes(file)).hexdigest()
    if found != digest:
        raise BundleError(f"{file}: changed since conversion: wanted sha256 {digest}, got {found}")


def read_bytes(file: Path) -> bytes:
    """Return the content of `file`; raises BundleError."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise BundleError(f"{file}: {error.strerror}") from error
