"""Bodies of the Open Inference Protocol, right and wrong, made from applicants."""

import json
import math
import random
import struct
from collections.abc import Iterator
from typing import Any

Applicant = dict[str, Any]
Json = dict[str, Any]
Sent = tuple[bytes | None, bytes]  # Inference-Header-Content-Length, if it is sent; the body
FORMATS = {
    "FP64": "d", "FP32": "f", "INT64": "q", "INT32": "i", "INT16": "h", "INT8": "b", "UINT64": "Q",
    "UINT32": "I", "UINT16": "H", "UINT8": "B",
}  # fmt: skip
FLOATS = {"FP64", "FP32"}
SHARE = 0.7  # of the bodies whose values stay right
ODD: tuple[Any, ...] = (
    None, True, "", "car", [], {}, 0, -0.0, 0.5, 17, -1, 300, 1e-36, 1e308, 2**53 - 1, 2**53,
    2**53 + 1, 2**64, 10**30, math.nan, math.inf, -math.inf,
)  # fmt: skip
PIECES = (
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b":",
    b'"',
    b"null",
    b"NaN",
    b"-0",
    b"01",
    b"1e400",
    b" ",
    b"\xff",
)


def coded(draw: random.Random, applicant: Applicant) -> list[Any]:
    """Return the values of a tensor: a text becomes a code that may be known."""
    return [
        draw.choice([0, 0, 0, 1, 1, 1, 4]) if isinstance(x, str) else x for x in applicant.values()
    ]


def tensor(draw: random.Random, applicants: list[Applicant]) -> tuple[Json, bytes]:
    """Return one tensor of all features, and its binary data."""
    rows = [coded(draw, draw.choice(applicants)) for _ in range(draw.choice([1, 1, 1, 2, 5]))]
    if draw.random() > SHARE:
        draw.choice(rows)[draw.randrange(len(rows[0]))] = draw.choice(ODD)
    datatype = draw.choice(["FP64"] * 6 + [*FORMATS])
    if datatype not in FLOATS and draw.random() < 0.8:
        rows = [
            [int(x) if type(x) is float and math.isfinite(x) else x for x in row] for row in rows
        ]
    made: Json = {"name": "X", "shape": [len(rows), len(rows[0])], "datatype": datatype}
    values = [x for row in rows for x in row]
    if draw.random() < 0.5:
        return made | {"data": rows if draw.random() < 0.3 else values}, b""
    data = packed(FORMATS[datatype], values)
    return made | {"parameters": {"binary_data_size": len(data)}}, data


def packed(kind: str, values: list[Any]) -> bytes:
    """Return numbers as binary data; what the type does not hold becomes something it does."""
    numbers = [math.nan if x is None or isinstance(x, str | list | dict) else x for x in values]
    if kind in "df":
        return b"".join(struct.pack(f"<{kind}", float(clipped(kind, x))) for x in numbers)
    bits = 8 * struct.calcsize(f"<{kind}")
    whole = [int(x) if math.isfinite(x) else 0 for x in numbers]
    return b"".join((x % 2**bits).to_bytes(bits // 8, "little") for x in whole)


def clipped(kind: str, x: float) -> float:
    """Return what float32 holds, where that is the kind."""
    return math.copysign(math.inf, x) if kind == "f" and abs(x) > 3e38 else x


def columns(draw: random.Random, applicants: list[Applicant]) -> tuple[list[Json], bytes]:
    """Return an input for each feature, in any order, and the binary data of all."""
    rows = [dict(draw.choice(applicants)) for _ in range(draw.choice([1, 1, 3]))]
    names, inputs, blobs = [*rows[0]], [], []
    if draw.random() > SHARE:
        draw.choice(rows)[draw.choice(names)] = draw.choice(ODD)
    draw.shuffle(names)
    in_json = draw.choice([0.5, 1, 1])
    for name in names:
        values = [row[name] for row in rows]
        if all(isinstance(x, int) for x in values) and draw.random() < 0.8:
            values = [str(x) for x in values]
        is_text = any(isinstance(x, str) for x in values)
        shape = [len(rows)] if draw.random() < 0.5 else [len(rows), 1]
        made: Json = {"name": name, "shape": shape, "datatype": "BYTES" if is_text else "FP64"}
        if draw.random() < in_json:
            inputs.append(made | {"data": nested(draw, values)})
            continue
        data = texts(values) if is_text else packed("d", values)
        blobs.append(data)
        inputs.append(made | {"parameters": {"binary_data_size": len(data)}})
    if draw.random() > 0.9:
        inputs[0] = draw.choice(inputs)
    return inputs, b"".join(blobs)


def nested(draw: random.Random, values: list[Any]) -> Any:
    """Return the values, now and then in more lists than they need, or in fewer."""
    kind = draw.randrange(20)
    if kind < 16:
        return values
    deeper = [[x] for x in values]
    return {16: deeper, 17: [deeper], 18: [[deeper]], 19: values[0]}[kind]


def texts(values: list[Any]) -> bytes:
    """Return texts as binary data."""
    encoded = [str(x).encode() for x in values]
    return b"".join(len(each).to_bytes(4, "little") + each for each in encoded)


def outputs(draw: random.Random) -> list[Json]:
    """Return what is asked for: known, unknown and repeated outputs."""
    rare = ["contributions", "reasons", "none"] if draw.random() < 0.2 else []
    names = draw.sample(["raw", "prediction", "decision", *rare], draw.randrange(1, 4))
    return [
        {"name": name, "parameters": {"binary_data": draw.random() < 0.5}} for name in names
    ] + ([{"name": "raw"}] if draw.random() < 0.1 else [])


def damaged(draw: random.Random, body: bytes) -> bytes:
    """Flip, cut, repeat or insert bytes."""
    made = bytearray(body)
    for _ in range(draw.randrange(1, 3)):
        at = draw.randrange(len(made) + 1)
        kind = draw.randrange(4)
        if kind == 0 and at < len(made):
            made[at] = draw.randrange(256)
        elif kind == 1:
            del made[at : at + draw.randrange(1, 12)]
        elif kind == 2:
            made[at:at] = made[: draw.randrange(1, 60)]
        else:
            made[at:at] = draw.choice(PIECES)
    return bytes(made)


def one(draw: random.Random, applicants: list[Applicant]) -> Sent:
    """Return one body."""
    if draw.random() < 0.05:  # the raw form
        values = [x for _ in range(draw.randrange(1, 3)) for x in coded(draw, applicants[0])]
        return b"0", packed("d", values)[: None if draw.random() < 0.8 else draw.randrange(40)]
    if draw.random() < 0.7:
        found, data = tensor(draw, applicants)
        inputs = [found]
    else:
        inputs, data = columns(draw, applicants)
    request: Json = {"inputs": inputs}
    if draw.random() < 0.4:
        request["outputs"] = outputs(draw)
    if draw.random() < 0.2:
        request["id"] = draw.choice(["a1", "b2", "c3", "", "a b", "x" * 129, 7])
    if draw.random() < 0.2:
        request["parameters"] = {"binary_data_output": draw.choice([True, False, 1])}
    head = json.dumps(request, ensure_ascii=draw.random() < 0.5).encode()
    if draw.random() > 0.85:
        head = damaged(draw, head)
    if data and draw.random() > 0.9:
        data = damaged(draw, data)
    length = draw.choice([len(head)] * 29 + [draw.randrange(len(head) + 9)])
    return (b"%d" % length if data or draw.random() < 0.1 else None), head + data


def bodies(seed: int, applicants: list[Applicant], count: int) -> Iterator[Sent]:
    """Yield bodies, many of them right."""
    draw = random.Random(seed)
    for _ in range(count):
        yield one(draw, applicants)
