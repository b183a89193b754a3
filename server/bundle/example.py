"""An example applicant: the typical value of each feature in the reference rows.

It looks realistic without being anybody: what is shown publicly must not be a person's data.
"""

from typing import Any

import msgspec

from .applicant import EXACT
from .manifest import Bundle, BundleError, Category, Feature, Number
from .reading import decoded, read_whole

PROFILE = "profile.json"


class Histogram(msgspec.Struct, frozen=True):
    """One feature of `profile.json`: bin i of a number holds edges[i-1] <= x < edges[i]."""

    name: str
    counts: list[int]
    edges: list[float] = []
    missing: int = 0
    min: float | None = None

    def middle(self) -> int:
        """Return the bin that holds the median."""
        seen, half = 0, sum(self.counts) / 2
        for place, count in enumerate(self.counts):
            seen += count
            if seen >= half:
                return place
        return 0


class Profile(msgspec.Struct, frozen=True):
    """The parts of `profile.json` that are used here."""

    features: list[Histogram]


def example(bundle: Bundle) -> dict[str, Any]:
    """Return an applicant as a client sends it; without a profile, from the ranges in the
    manifest.
    """
    histograms = {each.name: each for each in profile_of(bundle).features}
    return {
        feature.name: value(feature, histograms.get(feature.name))
        for feature in bundle.manifest.features
    }


def profile_of(bundle: Bundle) -> Profile:
    """Return the profile; an empty one if the bundle has none or a damaged one."""
    file, digest = bundle.path / PROFILE, bundle.manifest.files.get(PROFILE, "")
    try:
        return decoded(read_whole(file, digest), Profile, file)
    except BundleError:
        return Profile([])


def value(feature: Feature, histogram: Histogram | None) -> Any:
    """Return the typical value of a feature: null if most values are missing."""
    if histogram and feature.missing.allowed and histogram.missing > sum(histogram.counts):
        return None
    if isinstance(feature, Category):
        return category(feature, histogram)
    number = median(feature, histogram)
    if feature.boolean:
        return number != 0
    return int(number) if number.is_integer() and abs(number) <= EXACT else number


def category(feature: Category, histogram: Histogram | None) -> Any:
    """Return the most frequent category, or the first."""
    counts = histogram.counts[: len(feature.categories)] if histogram else []
    if not feature.categories:
        return None
    return feature.categories[counts.index(max(counts))] if counts else feature.categories[0]


def median(feature: Number, histogram: Histogram | None) -> float:
    """Return the median of a number, or the middle of its range to two digits."""
    low, high = (feature.seen.min, feature.seen.max) if feature.seen else (0.0, 0.0)
    if histogram and len(histogram.counts) == len(histogram.edges) + 1:
        place = histogram.middle()
        if place:
            return histogram.edges[place - 1]
        return low if histogram.min is None else histogram.min
    middle = float(f"{low / 2 + high / 2:.2g}")
    return middle if low <= middle <= high else low
