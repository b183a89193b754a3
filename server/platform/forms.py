"""Applicants inside a JSON object, as rows or as columns, made a plain array of applicants.

Values are passed on as they were sent, byte for byte, so that `/score` reads and refuses them.
"""

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from ..http.problem import FOR_TABLES, Problem
from ..scoring.lenient import show
from ..scoring.unreadable import unreadable
from ..settings import Reasons
from .translated import Most, Sent

Decoded = TypeVar("Decoded")
Member = msgspec.Raw | UnsetType
read_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
read_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
TEXT = re.compile(rb'("(?:[^"\\]++|\\.)*+"?+)', re.DOTALL)


class Name:
    """A member's name that equals no other, so that a decoder shows each."""


class Split(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table as pandas' `to_dict(orient="split")` writes it; its index is not looked at."""

    columns: list[str]
    data: list[list[msgspec.Raw]]
    index: Member = UNSET


read_split = msgspec.json.Decoder(Split).decode


class Wishes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a request may wish beside its applicants, as in the query of `/score`."""

    partial: bool = False
    reasons: Reasons | None = None


read_wishes = msgspec.json.Decoder(Wishes | None).decode


def decoded(
    read: Callable[[bytes], Decoded], value: bytes, wanted: str, name: str = "body"
) -> Decoded:
    """Return what a decoder reads; raises Problem 400, and 422 for JSON that is not as wanted."""
    try:
        found = read(value)
        if kind(value) == "an object":
            once(value, name)
    except msgspec.ValidationError as error:
        raise Problem(422, f"{name}: wanted {wanted}: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        said = unreadable("JSON", value, error)
        raise Problem(
            400, said if value.strip() else f"{name}: wanted {wanted}, got nothing"
        ) from error
    return found


def nan_as_null(body: bytes) -> bytes:
    """Return JSON in which null stands for NaN, as Python's encoder writes a missing value."""
    if b"NaN" not in body:
        return body
    parts = TEXT.split(body)  # every other part is a text
    parts[::2] = [part.replace(b"NaN", b"null") for part in parts[::2]]
    return b"".join(parts)


def once(value: bytes, name: str) -> None:
    """Raise Problem 422 if an object has a member twice: decoders take the last."""
    seen: set[str] = set()

    def note(_: type, member: str) -> Name:
        if member in seen:
            raise Problem(422, f"{name}: wanted {show(member)} once, got it more than once")
        seen.add(member)
        return Name()

    msgspec.json.decode(value, type=dict[Name, msgspec.Raw], dec_hook=note)


def bounded(name: str, value: bytes, most: Most) -> None:
    """Raise Problem 413 for more values than a batch has: each becomes an object of Python's.

    Each value may be a text with a comma in it.
    """
    if value.count(b",") > 2 * (most.applicants + 1) * len(most.names):
        said = f"{name}: wanted at most {most.applicants} applicants, got more values{FOR_TABLES}"
        raise Problem(413, said)


def rows(name: str, value: bytes, _: Most) -> Sent:
    """Read an array of applicants; raises Problem 422."""
    if not value.lstrip().startswith(b"["):
        raise Problem(422, f"{name}: wanted an array of applicants, got {kind(value)}")
    return Sent(value, partial(place_of_row, name), name)


def split(name: str, value: bytes, most: Most) -> Sent:
    """Read a table of `columns` and `data`; raises Problem 413 and 422."""
    bounded(name, value, most)
    table = decoded(read_split, value, "columns and data", name)
    width = len(table.columns)
    for place, row in enumerate(table.data):
        if len(row) != width:
            said = f"wanted {width} values, as many as columns, got {len(row)}"
            raise Problem(422, f"{name}.data[{place}]: {said}")
    body = joined(map(most.short, table.columns), table.data)
    return Sent(body, partial(place_of_row, f"{name}.data"), name)


def columns(name: str, value: bytes, most: Most) -> Sent:
    """Read an object of columns, or of single values; raises Problem 413 and 422."""
    bounded(name, value, most)
    found = decoded(read_members, value, "columns", name)
    values = [read_array(each) if kind(each) == "an array" else [each] for each in found.values()]
    counts = {column: len(each) for column, each in zip(found, values, strict=True)}
    if len({*counts.values()}) > 1:
        shortest, longest = (pick(counts, key=counts.__getitem__) for pick in (min, max))
        said = f"{counts[shortest]} of {show(shortest)} and {counts[longest]} of {show(longest)}"
        raise Problem(422, f"{name}: wanted as many values of each feature, got {said}")
    body = joined(map(most.short, found), [*zip(*values, strict=True)])
    return Sent(body, lambda index, feature: f"{name}.{feature}[{index}]", name)


def rows_or_columns(name: str, value: bytes, most: Most) -> Sent:
    """Read either form; raises Problem 413 and 422."""
    return (columns if kind(value) == "an object" else rows)(name, value, most)


def query_of(name: str, value: Member) -> bytes | None:
    """Return wishes as the query of `/score`, None if there are none; raises Problem 422."""
    wanted = "partial (true or false) and reasons (none, principal, all)"
    wishes = None if value is UNSET else decoded(read_wishes, bytes(value), wanted, name)
    if wishes is None:
        return None
    partly = [b"partial=true"] if wishes.partial else []
    reasons = [b"reasons=" + wishes.reasons.encode()] if wishes.reasons else []
    return b"&".join(partly + reasons)


def joined(names: Iterable[str], table: Iterable[Iterable[Any]]) -> bytes:
    """Return an array of objects from rows of encoded values."""
    keys = (msgspec.json.encode(name).replace(b"%", b"%%") for name in names)
    template = b"{%b}" % b",".join(b"%b:%%b" % key for key in keys)
    return b"[%b]" % b",".join(template % tuple(row) for row in table)


def place_of_row(name: str, index: int, feature: str) -> str:
    """Return where a value stood in an array of applicants."""
    return f"{name}[{index}]" + (f".{feature}" if feature else "")


def kind(value: bytes | msgspec.Raw) -> str:
    """Return what a value is, in words."""
    begin = bytes(value).lstrip()[:1]
    return {b"{": "an object", b"[": "an array", b'"': "a text"}.get(begin, "a single value")
