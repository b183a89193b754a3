"""The part of a model that stands in each of its records."""

import msgspec


class ModelTag(msgspec.Struct, frozen=True):
    """The part of every record that is the same for one model."""

    name: str
    version: str
    sha256: str
    policy: str | None
