"""JSON and MessagePack: split, decode and inspect bodies, and encode answers."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from .lenient import NESTED, SHOWN, Literal, Members, members, parse_json, show

SPACE = b" \t\r\n"
SPACES = re.compile(r"[ \t\r\n]*")
read_element = json.JSONDecoder().raw_decode
# The first byte of a MessagePack array: fixarray, array 16, array 32.
ARRAYS = frozenset([*range(0x90, 0xA0), 0xDC, 0xDD])
MAP16, MAP32 = 0xDE, 0xDF
# Names of values by their first byte; their content is not decoded.
KINDS = {
    **dict.fromkeys([*range(0x80, 0x90), MAP16, MAP32], NESTED[0]),
    **dict.fromkeys(ARRAYS, NESTED[1]),
    **dict.fromkeys([*range(0xC7, 0xCA), *range(0xD4, 0xD9)], "an extension type"),
}
Decode = Callable[[bytes], Any]


class TooManyError(Exception):
    """A batch of too many applicants; the message says how many it holds."""


class Codec(Protocol):
    """One media type."""

    name: str
    media_type: bytes
    may_hold_nan: bool
    mark: bytes  # what stands between two elements of an array

    def decoder(self, of: type[msgspec.Struct]) -> Decode:
        """Return a function from bytes to Struct; it raises msgspec.DecodeError or
        UnicodeDecodeError.
        """

    def encode(self, answer: Any) -> bytes:
        """Encode an answer."""

    def is_batch(self, body: bytes) -> bool:
        """Whether the body is an array."""

    def split(self, body: bytes, most: int, width: int) -> list[msgspec.Raw]:
        """Return the elements of an array, undecoded: objects of `width` members, if they fit.

        Raises msgspec.DecodeError, and TooManyError for more than `most`.
        """

    def is_element(self, part: bytes) -> bool:
        """Whether an object without others in it is one that `split` would return."""

    def joined(self, answers: Sequence[bytes], count: int) -> bytes:
        """Return an array of `count` encoded answers; they stand alone or joined by `mark`."""

    def has_members(self, body: bytes, count: int) -> bool:
        """Whether an object certainly has no more than `count` members.

        With all fields required and unknown ones refused, that excludes repeated names, which
        decoders accept. False means: not certain, look closer.
        """

    def parse(self, body: bytes, most: int) -> Any:
        """Decode leniently, without a type, to name faults; raises ValueError or RecursionError.

        For an object with more than `most` members, their number is enough.
        """


class Json:
    """application/json."""

    name = "JSON"
    media_type = b"application/json"
    may_hold_nan = False
    mark = b","

    def __init__(self) -> None:
        self.encode = msgspec.json.Encoder().encode
        self._split = msgspec.json.Decoder(list[msgspec.Raw]).decode

    def decoder(self, of: type[msgspec.Struct]) -> Decode:
        """See Codec."""
        return msgspec.json.Decoder(of).decode

    def is_batch(self, body: bytes) -> bool:
        """See Codec."""
        return body.lstrip(SPACE)[:1] == b"["

    def split(self, body: bytes, most: int, width: int) -> list[msgspec.Raw]:
        """See Codec.

        An array of millions would take much memory, so it is counted before it is split.
        """
        if body.count(b",") >= most * max(width, 1) and holds_more(body, most):
            raise TooManyError("more")
        found = self._split(body)
        if len(found) > most:
            raise TooManyError(str(len(found)))
        return found

    def is_element(self, part: bytes) -> bool:
        """See Codec."""
        try:
            part.decode()
            self._split(b"[%b]" % part)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        return True

    def joined(self, answers: Sequence[bytes], count: int) -> bytes:
        """See Codec."""
        return b"[%b]" % b",".join(answers)

    def has_members(self, body: bytes, count: int) -> bool:
        """See Codec: members are one more than the commas, if no text holds one."""
        return body.count(b",") < count

    def parse(self, body: bytes, most: int) -> Any:
        """See Codec: the number is known only after all were read."""
        return parse_json(body)


class MessagePack:
    """application/msgpack."""

    name = "MessagePack"
    media_type = b"application/msgpack"
    may_hold_nan = True
    mark = b""

    def __init__(self) -> None:
        self.encode = msgspec.msgpack.Encoder().encode
        self._split = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode

    def decoder(self, of: type[msgspec.Struct]) -> Decode:
        """See Codec."""
        return msgspec.msgpack.Decoder(of).decode

    def is_batch(self, body: bytes) -> bool:
        """See Codec."""
        return bool(body) and body[0] in ARRAYS

    def split(self, body: bytes, most: int, width: int) -> list[msgspec.Raw]:
        """See Codec: the header holds the number."""
        count, _ = header(body)
        if count > most:
            raise TooManyError(str(count))
        return self._split(body)

    def is_element(self, part: bytes) -> bool:
        """See Codec."""
        try:
            self._split(b"\x91" + part)
        except msgspec.DecodeError:
            return False
        return True

    def joined(self, answers: Sequence[bytes], count: int) -> bytes:
        """See Codec."""
        return b"".join((self.encode([None] * count)[:-count], *answers))

    def has_members(self, body: bytes, count: int) -> bool:
        """See Codec: the header holds the number."""
        return header(body)[0] <= count

    def parse(self, body: bytes, most: int) -> Any:
        """See Codec: nested values are not decoded, so every name is a text."""
        if KINDS.get(body[0] if body else 0) != NESTED[0]:
            return plain(body)
        count, start = header(body)
        if count > len(body):
            raise ValueError("more members than bytes")
        if count > most:
            return Members([], count)
        # Read a map as an array of alternating names and values, so that no repeated name is lost.
        as_array = b"\xdd" + (2 * count).to_bytes(4) + body[start:]
        try:
            parts = [plain(bytes(each)) for each in self._split(as_array)]
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from error
        names = [each if isinstance(each, str) else Literal(show(each)) for each in parts[::2]]
        return members(list(zip(names, parts[1::2], strict=True)))


def holds_more(body: bytes, most: int) -> bool:
    """Whether a JSON array certainly holds more than `most` elements, as far as it can be read."""
    text = body.decode()
    at = text.index("[") + 1
    try:
        for _ in range(most):
            _, end = read_element(text, after_space(text, at))
            at = after_space(text, end) + 1
            if text[at - 1 : at] != ",":
                return False
    except (ValueError, RecursionError):
        return False
    return True


def after_space(text: str, at: int) -> int:
    """Return the position after white space that may begin at `at`."""
    found = SPACES.match(text, at)
    return found.end() if found else at


def header(body: bytes) -> tuple[int, int]:
    """Return the number of elements of a MessagePack array or map, and where they begin."""
    kind = body[0]
    if kind < 0xA0:
        return kind & 0x0F, 1
    width = 2 if kind in {0xDC, MAP16} else 4
    return int.from_bytes(body[1 : 1 + width]), 1 + width


def plain(value: bytes) -> Any:
    """Return a text, number, boolean or nil of MessagePack; for any other value, its type's
    name.
    """
    nested = KINDS.get(value[0] if value else 0)
    if nested is not None:
        return Literal(nested)
    try:
        found = msgspec.msgpack.decode(value)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
    return Literal(f"binary data {found[:SHOWN]!r}") if isinstance(found, bytes) else found


JSON: Codec = Json()
MESSAGE_PACK: Codec = MessagePack()
BY_MEDIA_TYPE = {
    b"application/json": JSON,
    b"application/msgpack": MESSAGE_PACK,
    b"application/x-msgpack": MESSAGE_PACK,
    b"application/vnd.msgpack": MESSAGE_PACK,
}
