"""Messages between the admin process and the supervisor: a command and its reply."""

import msgspec

from ..scoring.catalog import Listing


class Command(msgspec.Struct, frozen=True):
    """`index`, `reload`, `restart`, `load` or `unload`."""

    verb: str
    model: str = ""


class Reply(msgspec.Struct, frozen=True):
    """The error, or None, and what is served now."""

    error: str | None
    models: tuple[Listing, ...]
