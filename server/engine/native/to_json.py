"""MessagePack to JSON in C; see to_json.c."""

from .powers import powers_of_five

try:
    from ._kernel import to_json as _to_json
except ImportError:  # not built, or built from older sources
    _to_json = None  # type: ignore[assignment]


def to_json(body: bytes) -> bytes | None:
    """Return a MessagePack map as JSON; None if it is not plain, or if the C code is not built."""
    return None if _to_json is None else _to_json(body, powers_of_five())
