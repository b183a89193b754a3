"""A bundle's profile.json as drift reads it: histograms of the reference rows (docs/bundle.md)."""

from pathlib import Path

import msgspec

from .manifest import BundleError, read


class Sentinel(msgspec.Struct):
    """A number that stands for something else, such as -999, and how many rows hold it."""

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


def read_profile(folder: Path) -> Profile:
    """Return the profile of a bundle. Raises BundleError."""
    if not (folder / "profile.json").exists():
        raise BundleError(
            f"{folder} has no profile.json: convert the model again with --reference ROWS"
        )
    return read(folder / "profile.json", Profile)
