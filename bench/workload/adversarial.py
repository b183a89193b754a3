"""Requests that cost a server as much as possible, by codec and shape; all of them are harmless.

A shape is a function from a size in bytes to HTTP requests of about that total size: one request if
a body can be that large, otherwise several.
"""

import json
import struct
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from .request import post

BATCH = 1000  # the server's max_batch
DEPTH = 400  # below what any decoder refuses
Shape = Callable[[int], list[bytes]]
Make = Callable[[int], bytes]
JSON, PACK, BINARY = b"application/json", b"application/msgpack", b"application/octet-stream"


class Target(NamedTuple):
    """The paths for scoring and inference; a valid applicant, and its row as the model sees it."""

    score: str
    infer: str
    applicant: dict[str, object]
    row: list[float]


def shapes(target: Target) -> dict[tuple[str, str], Shape]:
    """Return every shape by codec and name."""
    found = {
        "JSON": json_shapes(target),
        "MessagePack": msgpack_shapes(target),
        "OIP JSON": oip_json_shapes(target),
        "OIP binary": oip_binary_shapes(target),
    }
    return {(codec, name): shape for codec, of in found.items() for name, shape in of.items()}


def one(path: str, media_type: bytes, make: Make) -> Shape:
    """Return the shape of one request whose body is made to a size."""
    return lambda size: [post(path, media_type, make(size))]


def many(path: str, media_type: bytes, body: bytes, extra: bytes = b"") -> Shape:
    """Return the shape of one request, repeated."""
    request = post(path, media_type, body, extra)
    return lambda size: [request] * max(1, size // len(request))


def fill(part: bytes) -> Make:
    """Return a function that repeats a part up to a size."""
    return lambda size: part * max(1, size // len(part))


def numbered(part: Callable[[int], bytes]) -> Make:
    """Return a function that makes numbered parts up to a size."""
    each = len(part(99_999))
    return lambda size: b"".join(part(i) for i in range(max(1, size // each)))


def around(before: bytes, make: Make, behind: bytes) -> Make:
    """Return a function that puts something between two parts."""
    return lambda size: before + make(size) + behind


def batches(
    score: str, media_type: bytes, applicants: dict[str, bytes], batch: Callable[[bytes], bytes]
) -> dict[str, Shape]:
    """Return the shapes of batches of one applicant, all or nothing and in parts."""
    return {
        f"batches of {BATCH}, {name} applicants{how}": many(score + query, media_type, batch(body))
        for name, body in applicants.items()
        for how, query in (("", ""), (", partial", "?partial=true"))
    }


def json_shapes(target: Target) -> dict[str, Shape]:
    """Return the shapes of JSON."""
    score, fit = target.score, json.dumps(target.applicant).encode()
    name = json.dumps(next(iter(target.applicant))).encode()
    bodies = json_members(name) | json_values(name) | {
        "nothing but space": fill(b" "),
        "an array cut off": fill(b"[{},"),
        "an array of numbers": around(b"[", fill(b"0,"), b"0]"),
        "an array of empty objects": around(b"[", fill(b"{},"), b"{}]"),
    }  # fmt: skip
    applicants = {
        "right": fit, "empty": b"{}", "numbers for": b"0", "of one unknown name": b'{"":0}',
    }  # fmt: skip
    return {name: one(score, JSON, make) for name, make in bodies.items()} | {
        **batches(score, JSON, applicants, lambda body: b"[" + b",".join([body] * BATCH) + b"]"),
        "right applicants, one a request": many(score, JSON, fit),
        "empty applicants, one a request": many(score, JSON, b"{}"),
        "right applicants, each with an Accept of 60 kB": lambda size: [
            post(score, JSON, fit, b"accept: a/%d," % i + b"a/b;q=0.1," * 6000 + b"*/*\r\n")
            for i in range(max(1, size // 60_000))
        ],
    }


def json_members(name: bytes) -> dict[str, Make]:
    """Return objects whose members cost much; `name` is a feature's, as JSON."""
    members = {
        "many unknown names": numbered(lambda i: b'"%05x":0,' % i),
        "one name again and again": fill(name + b":0,"),
        "many names twice": numbered(lambda i: b'"%05x":0,' % (i // 2)),
        "one long name": around(b'"', fill(b"x"), b'":0,'),
    }
    return {what: around(b"{", make, b'"":0}') for what, make in members.items()}


def json_values(name: bytes) -> dict[str, Make]:
    """Return objects in which the value of a feature costs much; `name` is its, as JSON."""
    deep, objects = b"[" * DEPTH + b"]" * DEPTH + b",", b'{"":' * DEPTH + b"0" + b"}" * DEPTH + b","
    values = {
        "deep arrays": around(b"[", fill(deep), b"0]"),
        "deep objects": around(b"[", fill(objects), b"0]"),
        "empty objects": around(b"[", fill(b"{},"), b"0]"),
        "small numbers": around(b"[", fill(b"0,"), b"0]"),
        "long numbers": around(b"[", fill(b"9" * 300 + b","), b"0]"),
        "fractions": around(b"[", fill(b"1e1,"), b"0]"),
        "one long integer": fill(b"1"),
        "one long fraction": around(b"0.", fill(b"0"), b"1"),
        "one long text": around(b'"', fill(b"x"), b'"'),
        "one long text of escapes": around(b'"', fill(b"\\u0001"), b'"'),
    }
    return {
        f"in a value: {what}": around(b"{%b:" % name, make, b"}") for what, make in values.items()
    }


def packed_map(members: int, make: Make) -> Make:
    """Return a function that makes a map of a given size from members of so many bytes."""
    return lambda size: (
        (parts := make(size)) and (b"\xdf" + (len(parts) // members).to_bytes(4) + parts)
    )


def packed_array(each: int, make: Make) -> Make:
    """Return a function that makes an array of a given size from elements of so many bytes."""
    return lambda size: (
        (parts := make(size)) and (b"\xdd" + (len(parts) // each).to_bytes(4) + parts)
    )


def msgpack_shapes(target: Target) -> dict[str, Shape]:
    """Return the shapes of MessagePack."""
    score, pack = target.score, msgspec.msgpack.encode
    name, fit = pack(next(iter(target.applicant))), pack(target.applicant)
    bodies = msgpack_members(name) | msgpack_values(name)
    bodies["an array of numbers"] = packed_array(1, fill(b"\0"))
    applicants = {"right": fit, "empty": b"\x80", "numbers for": b"\0"}
    head = b"\xdc" + BATCH.to_bytes(2)
    return {name: one(score, PACK, make) for name, make in bodies.items()} | {
        **batches(score, PACK, applicants, lambda body: head + body * BATCH),
        "right applicants, one a request": many(score, PACK, fit),
        "empty applicants, one a request": many(score, PACK, b"\x80"),
    }


def msgpack_members(name: bytes) -> dict[str, Make]:
    """Return maps whose members cost much; `name` is a feature's, packed."""
    return {
        "many unknown names": packed_map(7, numbered(lambda i: b"\xa5%05x\0" % i)),
        "one name again and again": packed_map(len(name) + 1, fill(name + b"\0")),
        "many names twice": packed_map(7, numbered(lambda i: b"\xa5%05x\0" % (i // 2))),
        "numbers for names": packed_map(6, numbered(lambda i: b"\xce" + i.to_bytes(4) + b"\0")),
        "one long name": lambda size: b"\x81\xdb" + size.to_bytes(4) + b"x" * size + b"\0",
    }


def msgpack_values(name: bytes) -> dict[str, Make]:
    """Return maps in which the value of a feature costs much; `name` is its, packed."""
    deep = b"\x91" * DEPTH + b"\0"
    values = {
        "deep arrays": packed_array(len(deep), fill(deep)),
        "empty maps": packed_array(1, fill(b"\x80")),
        "small numbers": packed_array(1, fill(b"\0")),
        "extensions": packed_array(3, fill(b"\xd4\x05\0")),
        "one long text": lambda size: b"\xdb" + size.to_bytes(4) + b"x" * size,
        "long bytes": lambda size: b"\xc6" + size.to_bytes(4) + b"\0" * size,
    }
    return {
        f"in a value: {what}": around(b"\x81" + name, make, b"") for what, make in values.items()
    }


def tensor(target: Target, rows: int, rest: bytes) -> bytes:
    """Return the input's JSON up to its data or parameters."""
    return b'{"name":"X","datatype":"FP64","shape":[%d,%d],%b}' % (rows, len(target.row), rest)


def oip_json_shapes(target: Target) -> dict[str, Shape]:
    """Return the shapes of the Open Inference Protocol in JSON."""
    data = json.dumps(target.row).replace("NaN", "null").encode()[1:-1]
    right = tensor(target, BATCH, b'"data":[%b]' % b",".join([data] * BATCH))
    small = tensor(target, 1, b'"data":[%b]' % data)
    bodies = oip_json_members(target, right, small) | oip_json_values(target)
    shapes = {name: one(target.infer, JSON, make) for name, make in bodies.items()}
    return shapes | {
        "right, 1000 rows": many(target.infer, JSON, b'{"inputs":[%b]}' % right),
        "right, one row": many(target.infer, JSON, b'{"inputs":[%b]}' % small),
    }


def oip_json_members(target: Target, right: bytes, small: bytes) -> dict[str, Make]:
    """Return requests that cost much beside their data; `right` has many rows, `small` has one."""
    before = b'{"inputs":[%b],' % small
    odd = b'"parameters":{"a":[' + b"0," * 10 + b"0]}"
    return {
        "a long id, one row": around(before + b'"id":"', fill(b"x"), b'"}'),
        "a long id, 1000 rows": around(b'{"inputs":[%b],"id":"' % right, fill(b"x"), b'"}'),
        "one output again and again": around(
            before + b'"outputs":[', fill(b'{"name":"raw"},'), b'{"name":"raw"}]}'
        ),
        "unknown outputs": around(
            before + b'"outputs":[', fill(b'{"name":"a"},'), b'{"name":"a"}]}'
        ),
        "one input again and again": around(
            b'{"inputs":[', fill(tensor(target, 1, odd) + b","), small + b"]}"
        ),
        "a long shape": around(b'{"inputs":[{"name":"X","datatype":"FP64","shape":[',
                               fill(b"1,"), b"1]}]}"),
        "a long datatype": around(b'{"inputs":[{"name":"X","shape":[1,1],"datatype":"',
                                  fill(b"x"), b'"}]}'),
        "many parameters": around(before + b'"parameters":{', numbered(
            lambda i: b'"%05x":0,' % i), b'"":0}}'),
    }  # fmt: skip


def oip_json_values(target: Target) -> dict[str, Make]:
    """Return requests whose data cost much."""
    values = {
        "small numbers": fill(b"0,"), "nulls": fill(b"null,"),
        "deep arrays": fill(b"[" * DEPTH + b"]" * DEPTH + b","), "empty arrays": fill(b"[],"),
        "long numbers": fill(b"9" * 300 + b","), "fractions": fill(b"1e1,"), "texts": fill(b'"",'),
    }  # fmt: skip
    before = b'{"inputs":[' + tensor(target, BATCH, b'"data":[').removesuffix(b"}")
    return {f"in the data: {what}": around(before, make, b"0]}]}") for what, make in values.items()}


def oip_binary_shapes(target: Target) -> dict[str, Shape]:
    """Return the shapes of the Open Inference Protocol with binary tensors."""
    row = struct.pack(f"<{len(target.row)}d", *target.row)
    length = b"inference-header-content-length: %d\r\n"

    def binary(rows: int, outputs: bytes, datatype: bytes = b"FP64", data: bytes = b"") -> Shape:
        content = data or row * rows
        rest = b'"parameters":{"binary_data_size":%d}' % len(content)
        head = b'{"inputs":[%b]%b}' % (tensor(target, rows, rest), outputs)
        head = head.replace(b'"FP64"', b'"%b"' % datatype)
        return many(target.infer, BINARY, head + content, length % len(head))

    outputs = b'{"name":"raw","parameters":{"binary_data":true}},'
    again = b',"outputs":[%b]' % (outputs * 1000).removesuffix(b",")
    return {
        "right, 1000 rows": binary(BATCH, b""),
        "right, one row": binary(1, b""),
        "raw, 1000 rows": many(target.infer, BINARY, row * BATCH, length % 0),
        "raw, infinities": one(target.infer, BINARY, lambda size: b"\xff" * (size // 184 * 184)),
        "1000 rows of UINT8": binary(BATCH, b"", b"UINT8", b"\1" * BATCH * len(target.row)),
        "one output 1000 times, 1000 rows": binary(BATCH, again),
        "one output 1000 times, one row": binary(1, again),
    }
