"""From a body that does not fit to the problem that says everything that is wrong with it."""

from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from .applicant import UnfitError
from .bundle import Feature
from .codec import Codec
from .faults import Fault, of_applicant
from .http.problem import Problem

MAX_FAULTS = 100


class Refusals:
    """Knows the features of one model, and whether an unseen category is a fault."""

    def __init__(self, features: Sequence[Feature], unseen_is_missing: bool) -> None:
        self._features = features
        self._unseen_is_missing = unseen_is_missing

    def look_closer(self, body: bytes, codec: Codec, index: int | None) -> None:
        """Raise Problem 422 where a body that decodes holds what the model must not see."""
        faults = self._faults(body, codec, index)
        if faults:
            raise Problem(422, summary(faults), faults)

    def of(self, body: bytes, codec: Codec, index: int | None, error: Exception) -> Problem:
        """Return 422 for what decodes and does not fit, 400 for what is not the format at all."""
        faults = self._faults(body, codec, index)
        if faults and isinstance(error, msgspec.ValidationError | UnfitError):
            return Problem(422, summary(faults), faults)
        return Problem(400, f"not {codec.name}: {error}", faults)

    def _faults(self, body: bytes, codec: Codec, index: int | None) -> tuple[Fault, ...]:
        return tuple(islice(self._every_fault(body, codec, index), MAX_FAULTS))

    def _every_fault(self, body: bytes, codec: Codec, index: int | None) -> Iterator[Fault]:
        try:
            value = codec.parse(body)
        except (ValueError, RecursionError):
            return
        yield from of_applicant(self._features, value, index, self._unseen_is_missing)


def summary(faults: tuple[Fault, ...]) -> str:
    """Say in one line what the first fault is and how many more there are."""
    first = faults[0]
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{first.feature or 'body'}: wanted {first.wanted}, got {first.got}{more}"
