"""Applicants, as they are given and as MessagePack."""

from collections.abc import Iterable, Mapping

import msgspec

Applicant = Mapping[str, object]
UNFIT = (TypeError, OverflowError, UnicodeEncodeError, RecursionError)


def single(applicant: Applicant) -> Applicant:
    """Return an applicant; raises TypeError for anything but a mapping."""
    if not isinstance(applicant, Mapping):
        got = type(applicant).__name__
        raise TypeError(f"wanted one applicant, a mapping of features to values, got {got}")
    return applicant


def batch(applicants: Iterable[Applicant]) -> list[Applicant]:
    """Return applicants as a list; raises TypeError for a single one, or for no mappings."""
    if isinstance(applicants, Mapping):
        raise TypeError("wanted several applicants, got one mapping: use score()")
    return [single(applicant) for applicant in applicants]


def encoded(body: Applicant | list[Applicant]) -> bytes:
    """Encode applicants; raises TypeError with the name of a value that cannot be sent."""
    try:
        return msgspec.msgpack.encode(body, enc_hook=plain)
    except UNFIT as error:
        for each in [body] if isinstance(body, Mapping) else body:
            for name, value in each.items():
                if (unfit := unfit_of(name) or unfit_of(value)) is not None:
                    raise TypeError(f"{name!r}: {unfit}") from error
        raise


def unfit_of(value: object) -> Exception | None:
    """Return why a value cannot be sent, None if it can."""
    try:
        msgspec.msgpack.encode(value, enc_hook=plain)
    except UNFIT as error:
        return error
    return None


def plain(value: object) -> object:
    """Return what msgspec does not encode by itself: a scalar of numpy, or a mapping."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"wanted a number, a text, True, False or None, got {type(value).__name__}")
