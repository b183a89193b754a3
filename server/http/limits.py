"""The limits of one connection."""

import msgspec

from ..settings import Settings


class Limits(msgspec.Struct, frozen=True):
    """The size of a body in bytes, and how long a client may take, in seconds."""

    max_body: int
    head_seconds: float
    body_seconds: float
    answer_seconds: float
    keep_alive_seconds: float


def limits(settings: Settings) -> Limits:
    """Return the limits from the settings."""
    return Limits(
        settings.max_body, settings.head_seconds, settings.body_seconds, settings.answer_seconds,
        settings.keep_alive_seconds,
    )  # fmt: skip
