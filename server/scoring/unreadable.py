"""Explain a body that is not in the format of its Content-Type."""

import re

import msgspec

PLACE = re.compile(r"JSON is malformed: (.*) \(byte (\d+)\)", re.DOTALL)
SPACE = b" \t\r\n"
# First bytes of bodies that are not JSON, or that begin with a byte order mark.
BEGINNINGS = (
    (b"\xef\xbb\xbf", "it begins with a byte order mark (BOM): save it as UTF-8 without one"),
    (b"\xff\xfe", "it is UTF-16: send UTF-8"),
    (b"\xfe\xff", "it is UTF-16: send UTF-8"),
    (b"\x1f\x8b", "it is compressed: send it as it is"),
)
# Text at which JSON parsing stops, and what JSON has instead.
TOKENS = (
    (b"NaN", "NaN is no JSON: send null where a value is missing"),
    (b"Infinity", "Infinity is no JSON: send a finite number"),
    (b"None", "None is Python's: JSON has null"),
    (b"True", "True is Python's: JSON has true"),
    (b"False", "False is Python's: JSON has false"),
    (b"undefined", "undefined is JavaScript's: JSON has null"),
    (b"'", "JSON has double quotes"),
)
# What stands behind a whole value.
BEHIND = {b"{": "send several applicants as one array", b",": "it looks like CSV"}
PACKED = frozenset([*range(0x80, 0xA0), *range(0xDC, 0xE0)])  # a map or an array


def unreadable(name: str, body: bytes, error: Exception) -> str:
    """Return a line about a body that the decoder of format `name` refused with `error`."""
    if not body.strip(SPACE):
        return "body: empty; wanted an object of feature names and values"
    if name != "JSON":
        is_json = body.lstrip(SPACE)[:1] in {b"{", b"["}
        said = "it looks like JSON: send Content-Type: application/json" if is_json else str(error)
        return f"not {name}: {said}"
    for beginning, said in BEGINNINGS:
        if body.startswith(beginning):
            return f"not JSON: {said}"
    if body[0] in PACKED:
        return "not JSON: it looks like MessagePack: send Content-Type: application/msgpack"
    if isinstance(error, msgspec.ValidationError):  # the type was looked at before the syntax
        error = malformed(body) or error
    return f"not JSON: {placed(body, str(error))}"


def malformed(body: bytes) -> Exception | None:
    """Return why a body is no JSON, None if it is."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return error
    return None


def placed(body: bytes, error: str) -> str:
    """Return the JSON decoder's message, with what to write instead if that is known."""
    if error == "Input data was truncated":
        return f"it ends in the middle, after {len(body)} bytes"
    found = PLACE.fullmatch(error)
    if found is None:
        return error
    what, at = found[1], int(found[2])
    said = f"{what} (byte {at})"
    if what == "trailing characters":
        advice = BEHIND.get(body[at - 1 : at])
        return f"{said}: {advice}" if advice else said
    known = (advice for token, advice in TOKENS if body.startswith(token, at))
    return next((f"{said}: {advice}" for advice in known), said)
