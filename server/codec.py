"""JSON and MessagePack: how a body is split, decoded and searched, and an answer encoded."""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from .faults import Members, parse_json
from .native.to_json import to_json

SPACE = b" \t\r\n"
# The first byte of a MessagePack array: fixarray, array 16, array 32.
ARRAYS = frozenset([*range(0x90, 0xA0), 0xDC, 0xDD])
MAP16, MAP32 = 0xDE, 0xDF
Decode = Callable[[bytes], Any]


class Codec(Protocol):
    """One media type."""

    name: str
    media_type: bytes
    may_hold_nan: bool

    def decoder(self, of: type[msgspec.Struct]) -> Decode:
        """Return bytes -> Struct; it raises msgspec.DecodeError or UnicodeDecodeError."""

    def encode(self, answer: Any) -> bytes:
        """Encode an answer."""

    def is_batch(self, body: bytes) -> bool:
        """Whether the body is an array."""

    def split(self, body: bytes) -> list[msgspec.Raw]:
        """Return the elements of an array, undecoded; raises msgspec.DecodeError."""

    def has_members(self, body: bytes, count: int) -> bool:
        """Whether an object is sure to have no more than `count` members.

        With every field required and unknown ones refused, that rules out a repeated name, which
        decoders let pass. False means: not sure, look closer.
        """

    def parse(self, body: bytes) -> Any:
        """Decode without a type, leniently, to name faults; raises ValueError or RecursionError."""

    def as_json(self, body: bytes) -> bytes:
        """Return the body as JSON: itself, where it is."""


class Json:
    """application/json."""

    name = "JSON"
    media_type = b"application/json"
    may_hold_nan = False

    def __init__(self) -> None:
        self.encode = msgspec.json.Encoder().encode
        self.split = msgspec.json.Decoder(list[msgspec.Raw]).decode
        self.parse = parse_json

    def decoder(self, of: type[msgspec.Struct]) -> Decode:
        """See Codec."""
        return msgspec.json.Decoder(of).decode

    def is_batch(self, body: bytes) -> bool:
        """See Codec."""
        return body.lstrip(SPACE)[:1] == b"["

    def has_members(self, body: bytes, count: int) -> bool:
        """See Codec: members are one more than the commas, where no text holds one."""
        return body.count(b",") < count

    def as_json(self, body: bytes) -> bytes:
        """See Codec."""
        return body


class MessagePack:
    """application/msgpack."""

    name = "MessagePack"
    media_type = b"application/msgpack"
    may_hold_nan = True

    def __init__(self) -> None:
        self.encode = msgspec.msgpack.Encoder().encode
        self.split = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode

    def decoder(self, of: type[msgspec.Struct]) -> Decode:
        """See Codec."""
        return msgspec.msgpack.Decoder(of).decode

    def is_batch(self, body: bytes) -> bool:
        """See Codec."""
        return bool(body) and body[0] in ARRAYS

    def has_members(self, body: bytes, count: int) -> bool:
        """See Codec: the header says how many."""
        if body[0] == MAP16:
            return int.from_bytes(body[1:3]) <= count
        if body[0] == MAP32:
            return int.from_bytes(body[1:5]) <= count
        return body[0] & 0x0F <= count

    def parse(self, body: bytes) -> Any:
        """See Codec."""
        try:
            value = msgspec.msgpack.decode(body)
        except (msgspec.DecodeError, TypeError) as error:
            raise ValueError(str(error)) from error
        if not isinstance(value, dict) or self.has_members(body, len(value)):
            return value
        members = Members(list(value.items()))
        members.repeated = [
            name for name in members if body.count(msgspec.msgpack.encode(name)) > 1
        ] or [""]
        return members

    def as_json(self, body: bytes) -> bytes:
        """See Codec."""
        quick = to_json(body)
        return msgspec.json.encode(msgspec.msgpack.decode(body)) if quick is None else quick


JSON: Codec = Json()
MESSAGE_PACK: Codec = MessagePack()
BY_MEDIA_TYPE = {
    b"application/json": JSON,
    b"application/msgpack": MESSAGE_PACK,
    b"application/x-msgpack": MESSAGE_PACK,
    b"application/vnd.msgpack": MESSAGE_PACK,
}
