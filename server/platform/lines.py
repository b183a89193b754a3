"""JSON Lines in, and answers as JSON Lines or CSV: one line an applicant, in the same order."""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any

import msgspec

from ..http.problem import FOR_TABLES, Problem
from ..scoring.codec import SPACE
from ..scoring.unreadable import unreadable
from .csv_rows import of_line
from .translated import Sent

read_line = msgspec.json.Decoder(msgspec.Raw).decode
read_answers = msgspec.json.Decoder(list[msgspec.Raw]).decode


def read(body: bytes, most: int) -> Sent:
    """Return the applicants, one a line; raises Problem 400 and 413."""
    lines = body.rstrip(SPACE).split(b"\n", most)
    if len(lines) > most:
        raise Problem(413, f"body: wanted at most {most} lines, got more{FOR_TABLES}")
    numbers, found = [], []
    for number, line in enumerate(lines, 1):
        if line.strip(SPACE):
            numbers.append(number)
            found.append(checked(number, line))
    return Sent(b"[%b]" % b",".join(found), lambda i, name: of_line(numbers[i], name))


def checked(number: int, line: bytes) -> bytes:
    """Return a line that is one JSON value; raises Problem 400."""
    try:
        return bytes(read_line(line))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, f"line {number}: {unreadable('JSON', line, error)}") from error


def each_of(body: bytes) -> list[bytes]:
    """Return the answers in a body of `/score`, which holds one or an array of them."""
    return [bytes(each) for each in read_answers(body)] if body.startswith(b"[") else [body]


def as_lines(body: bytes) -> bytes:
    """Return answers as JSON Lines."""
    return b"".join(b"%b\n" % each for each in each_of(body))


def as_csv(body: bytes) -> bytes:
    """Return answers as CSV without a header: predictions, decision, codes of reasons."""
    out = StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([*cells(msgspec.json.decode(each))] for each in each_of(body))
    return out.getvalue().encode()


def cells(answer: dict[str, Any]) -> Iterator[Any]:
    """Yield the cells of one answer: of a class each, in the order of `/models`."""
    if "status" in answer:  # a problem, where the batch was answered in part
        yield from ("", answer["detail"])
        return
    told = next(
        answer[name] for name in ("probability", "probabilities", "value") if name in answer
    )
    values = [*told.values()] if isinstance(told, dict) else told
    yield from values if isinstance(values, list) else [values]
    if "decision" in answer:
        yield answer["decision"]
        yield " ".join(each["code"] for each in answer.get("reasons", ()))
