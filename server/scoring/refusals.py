"""From a body that does not fit to the problem that says what is wrong with it."""

from collections.abc import Sequence

import msgspec

from ..bundle.applicant import UnfitError
from ..bundle.manifest import Feature
from ..http.problem import Problem
from .codec import Codec
from .faults import NOTHING, Found, Rules


class Refusals:
    """Knows the features of one model, and whether an unseen category is a fault."""

    def __init__(self, features: Sequence[Feature], unseen_is_missing: bool) -> None:
        self._rules = Rules(features, unseen_is_missing)

    def look_closer(self, body: bytes, codec: Codec, index: int | None, most: int) -> None:
        """Raise Problem 422, with `most` faults, where a body that decodes does not fit."""
        found = self._found(body, codec, index, most)
        if found.count:
            raise unfit(found, most)

    def of(
        self, body: bytes, codec: Codec, index: int | None, most: int, error: Exception
    ) -> Problem:
        """Return 422 for what decodes and does not fit, 400 for what is not the format at all."""
        found = self._found(body, codec, index, most)
        if found.count and isinstance(error, msgspec.ValidationError | UnfitError):
            return unfit(found, most)
        told = found.told[:most]
        return Problem(400, f"not {codec.name}: {error}", told, more=found.count - len(told))

    def _found(self, body: bytes, codec: Codec, index: int | None, most: int) -> Found:
        try:
            value = codec.parse(body, self._rules.most_members)
        except (ValueError, RecursionError):
            return NOTHING
        return self._rules.faults(value, index, most)


def unfit(found: Found, most: int) -> Problem:
    """Return the problem that says the first fault in a line, lists `most` and counts the rest."""
    told = found.told[:most]
    return Problem(422, summary(found), told, more=found.count - len(told))


def summary(found: Found) -> str:
    """Say in one line what the first fault is and how many more there are."""
    first = found.told[0]
    more = f" (and {found.count - 1} more)" if found.count > 1 else ""
    return f"{first.feature or 'body'}: wanted {first.wanted}, got {first.got}{more}"
