"""What the head of a request to a score path asks for."""

import msgspec

from ..scoring.codec import Codec
from ..settings import Reasons as Wanted
from .message import NO_SNIFF, NO_STORE
from .problem import Headers

Why = tuple[Wanted, str]  # which reasons, in which language


class Terms(msgspec.Struct, frozen=True):
    """`codec` is the body's, `out` the answer's; `partial`: a batch may be answered in part."""

    codec: Codec
    out: Codec
    partial: bool
    why: Why


def head_of(out: Codec, request_id: str) -> Headers:
    """Return the header fields of an answer."""
    return [
        (b"content-type", out.media_type), (b"x-request-id", request_id.encode()),
        NO_STORE, NO_SNIFF,
    ]  # fmt: skip
