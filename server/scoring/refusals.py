"""From an invalid body to an error that explains it."""

from collections.abc import Sequence

import msgspec

from ..bundle.applicant import UnfitError
from ..bundle.manifest import Feature
from .codec import Codec
from .faults import NOTHING, Fault, Found, Rules
from .sentences import NOT_MISSING, SEND_NULL
from .unreadable import unreadable

ENDLESS = {"NaN", "Infinity", "-Infinity"}


class RefusedError(Exception):
    """An applicant without a score: `faults` are listed, `more` are only counted."""

    def __init__(self, detail: str, faults: tuple[Fault, ...] = (), more: int = 0) -> None:
        super().__init__(detail)
        self.detail, self.faults, self.more = detail, faults, more


class UnreadableError(RefusedError):
    """A body that is not in the codec's format at all."""


class Refusals:
    """Knows one model's features, and whether an unseen category is a fault."""

    def __init__(self, features: Sequence[Feature], unseen_is_missing: bool) -> None:
        self._rules = Rules(features, unseen_is_missing)

    def look_closer(self, body: bytes, codec: Codec, index: int | None, most: int) -> None:
        """Raise RefusedError, with `most` faults, if a body that decodes is not valid."""
        found = self._found(body, codec, index, most)
        if found.count:
            raise unfit(found, most)

    def of(
        self, body: bytes, codec: Codec, index: int | None, most: int, error: Exception
    ) -> RefusedError:
        """Return the error to raise: UnreadableError if the body is not in the format at all."""
        found = self._found(body, codec, index, most)
        if found.count and isinstance(error, msgspec.ValidationError | UnfitError):
            return unfit(found, most)
        told = found.told[:most]
        detail = no_json(found) or unreadable(codec.name, body, error)
        return UnreadableError(detail, told, found.count - len(told))

    def _found(self, body: bytes, codec: Codec, index: int | None, most: int) -> Found:
        try:
            value = codec.parse(body, self._rules.most_members)
        except (ValueError, RecursionError):
            return NOTHING
        return self._rules.faults(value, index, most)


def unfit(found: Found, most: int) -> RefusedError:
    """Return the error that names the first fault, lists `most` and counts the rest."""
    told = found.told[:most]
    return RefusedError(summary(found), told, found.count - len(told))


def summary(found: Found) -> str:
    """Describe the first fault in one line, and how many more there are."""
    return found.first + (f" (and {found.count - 1} more)" if found.count > 1 else "")


def no_json(found: Found) -> str:
    """Name the feature whose value is not quite JSON; "" if there is none."""
    fault = next((each for each in found.told if each.got in ENDLESS), None)
    if fault is None:
        return ""
    instead = f"wanted {fault.wanted}"
    if fault.got == "NaN":
        instead = SEND_NULL if fault.wanted.endswith("null") else f"{instead}; {NOT_MISSING}"
    return f"not JSON: {fault.feature}: got {fault.got}: {instead}"
