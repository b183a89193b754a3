"""What the admin process asks of the supervisor, and what it hears: one message each way."""

import msgspec

from ..scoring.catalog import Listing


class Command(msgspec.Struct, frozen=True):
    """`index`, `reload`, `restart`, `load` or `unload`."""

    verb: str
    model: str = ""


class Reply(msgspec.Struct, frozen=True):
    """What went wrong, or None, and what is served now."""

    error: str | None
    models: tuple[Listing, ...]
