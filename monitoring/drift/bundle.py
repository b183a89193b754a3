"""What drift reads of a bundle (docs/bundle.md): manifest.json and profile.json."""

from pathlib import Path
from typing import TypeVar

import msgspec

from ..rows.errors import BadReferenceError


class Missing(msgspec.Struct):
    """How the row holds a missing value."""

    policy: str = "trained"
    value: float | None = None


class Feature(msgspec.Struct):
    """A feature of the manifest."""

    name: str
    type: str
    used: bool = True
    importance: float = 0.0
    zero_as_missing: bool = False
    missing: Missing = msgspec.field(default_factory=Missing)
    categories: list[str | float | bool] = []
    codes: list[float] = []
    boolean: bool = False
    ordered: bool = False


class Policy(msgspec.Struct):
    """The decision policy: refuse at or above, refer from."""

    version: str
    refuse_at: float
    refer_from: float | None = None
    chosen: dict[str, float | str] = {}


class Manifest(msgspec.Struct):
    """The keys of manifest.json that monitoring needs."""

    schema_version: int
    name: str
    version: str
    files: dict[str, str]
    features: list[Feature]
    task: str = "raw"
    probability_of: str | float | bool | None = None
    policy: Policy | None = None


class Sentinel(msgspec.Struct):
    """A value that stands for something else than a number, and how many rows hold it."""

    value: float
    count: int


class FeatureProfile(msgspec.Struct):
    """The reference histogram of a feature."""

    name: str
    type: str
    counts: list[int]
    missing: int
    edges: list[float] = []
    unseen: int = 0
    min: float | None = None
    max: float | None = None
    sentinels: list[Sentinel] = []


class ScoreProfile(msgspec.Struct):
    """The reference histogram of the prediction."""

    edges: list[float]
    counts: list[int]


class Profile(msgspec.Struct):
    """profile.json."""

    schema_version: int
    rows: int
    features: list[FeatureProfile]
    prediction: ScoreProfile | None = None
    decisions: dict[str, int] | None = None


Document = TypeVar("Document")


def read_manifest(folder: Path) -> Manifest:
    """Read manifest.json of a bundle. Raises BadReferenceError."""
    return _read(folder / "manifest.json", Manifest)


def read_profile(folder: Path) -> Profile:
    """Read profile.json of a bundle. Raises BadReferenceError."""
    if not (folder / "profile.json").is_file():
        raise BadReferenceError(
            f"{folder} has no profile.json: convert the model again with --reference ROWS"
        )
    return _read(folder / "profile.json", Profile)


def _read(path: Path, document: type[Document]) -> Document:
    try:
        return msgspec.json.decode(path.read_bytes(), type=document)
    except OSError as error:
        raise BadReferenceError(
            f"{path}: {error.strerror}; wanted the folder of a bundle"
        ) from error
    except msgspec.MsgspecError as error:
        raise BadReferenceError(f"{path}: {error}") from error
