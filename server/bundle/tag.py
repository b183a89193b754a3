"""The fields of a record that are the same for one model."""

import msgspec


class ModelTag(msgspec.Struct, frozen=True):
    """The fields of every record that are constant for one model."""

    name: str
    version: str
    sha256: str
    policy: str | None
