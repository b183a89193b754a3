"""NaN and Infinity in JSON: no JSON, but what Python's encoder writes, and so tritonclient's."""

import re

WORD = rb"(?<!:)(?<!:\s)(?:(NaN)|-?Infinity)(?=\s*+[\],])"  # as an element of an array
# Up to the next word or the end, texts as wholes: no byte is looked at twice.
BEFORE = rb'(?:[^"NI-]++|"(?:[^"\\]++|\\.)*+"?+|(?!%b)[NI-])*+' % WORD.replace(b"(NaN)", b"NaN")
PART = re.compile(rb"(%b)(?:%b|\Z)" % (BEFORE, WORD), re.DOTALL)


class InfiniteError(ValueError):
    """An Infinity in an array; the message says where."""


def nan_as_null(text: bytes) -> bytes:
    """Return JSON in which each NaN of an array is null; raises InfiniteError."""
    if b"NaN" not in text and b"Infinity" not in text:
        return text
    return PART.sub(_replace, text)


def _replace(found: re.Match[bytes]) -> bytes:
    if found[2] is not None:
        return found[1] + b"null"
    if word := found[0][len(found[1]) :].decode():
        raise InfiniteError(f"byte {found.end(1)}: wanted a finite number or null, got {word}")
    return found[0]
