"""What the admin process asks of the supervisor, and what it hears: one message each way."""

import msgspec


class Command(msgspec.Struct, frozen=True):
    """`index`, `reload`, `restart`, `load` or `unload`."""

    verb: str
    model: str = ""


class Listing(msgspec.Struct, frozen=True):
    """One model that is served."""

    name: str
    version: str
    sha256: str
    default: bool
    state: str = "READY"


class Reply(msgspec.Struct, frozen=True):
    """What went wrong, or None, and what is served now."""

    error: str | None
    models: tuple[Listing, ...]
