"""Accept (RFC 9110, 12.5.1): choose the format that the client prefers."""

import re
from functools import lru_cache

from ..scoring.codec import BY_MEDIA_TYPE, Codec
from .problem import Problem

# Java's default Accept contains `q=.2`.
QUALITY = re.compile(rb"0?\.[0-9]+|0\.?|1(?:\.0*)?")
Ranges = dict[bytes, float]
MOST_BYTES = 1000  # browsers send a sixth of this


def negotiate(accept: bytes, default: bytes) -> Codec:
    """Return the codec of the highest quality; among equals, that of the media type `default`.

    Raises Problem 406 if the client accepts none, and 400 if a quality is malformed or the field
    too long.
    """
    if len(accept) > MOST_BYTES:
        raise Problem(400, f"Accept: wanted at most {MOST_BYTES} bytes, got {len(accept)}")
    return weigh(accept, default)


@lru_cache(maxsize=64)
def weigh(accept: bytes, default: bytes) -> Codec:
    """See negotiate."""
    ranges = dict(map(media_range, accept.split(b",")))
    codecs = dict.fromkeys([BY_MEDIA_TYPE[default], *BY_MEDIA_TYPE.values()])
    best = max(codecs, key=lambda codec: quality(codec, ranges))
    if quality(best, ranges) == 0:
        got = accept.decode("latin-1")
        raise Problem(406, f"Accept: wanted application/json or application/msgpack, got {got}")
    return best


def media_range(part: bytes) -> tuple[bytes, float]:
    """Return a media range and its quality, 1 by default; raises Problem 400."""
    name, *parameters = (each.strip().lower() for each in part.split(b";"))
    for parameter in parameters:
        key, _, value = parameter.partition(b"=")
        if key.strip() == b"q":
            return name, number(value.strip())
    return name, 1.0


def number(value: bytes) -> float:
    """Return a quality; raises Problem 400."""
    if not QUALITY.fullmatch(value):
        got = value.decode("latin-1")
        raise Problem(400, f"Accept: wanted a quality of 0 to 1, got {got}")
    return float(value)


def quality(codec: Codec, ranges: Ranges) -> float:
    """Return a codec's quality: the most specific matching range decides."""
    names = (name for name, each in BY_MEDIA_TYPE.items() if each is codec)
    named = [ranges[name] for name in names if name in ranges]
    if named:
        return max(named)
    return ranges.get(b"application/*", ranges.get(b"*/*", 0.0))


def prefers_html(accept: str) -> bool:
    """Return whether the client prefers a page to JSON; raises Problem 400."""
    ranges = dict(map(media_range, accept[:MOST_BYTES].encode("latin-1").split(b",")))
    page, plain = (
        next((ranges[name] for name in names if name in ranges), 0.0)
        for names in (
            (b"text/html", b"text/*", b"*/*"),
            (b"application/json", b"application/*", b"*/*"),
        )
    )
    return page > plain


def media_type(value: bytes) -> bytes:
    """Return a media type without its parameters, in lower case."""
    return value.partition(b";")[0].strip().lower()
