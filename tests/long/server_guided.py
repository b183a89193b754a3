"""What `make fuzz-guided` holds every body to: one function from bytes to a status, in process.

The first byte of an input says how the rest is sent; the rest is the body of `POST /score`, given
to the handler that the fast lane and ASGI share. An answer is held against a second model on the
other engine, over what a reader of its own finds in the body.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec

from server import settings
from server.bundle.manifest import Number
from server.http import app
from server.http.message import Answer, Request
from server.http.services import open_services
from server.metrics.counters import Table
from server.scoring import catalog
from server.scoring.codec import ARRAYS
from server.scoring.codec import MESSAGE_PACK as MESSAGE_PACK_CODEC
from server.scoring.model import Model, Options, load
from tests.long.server_fuzz import NO_APPLICANT
from tests.long.server_guided_inputs import ANSWER_MESSAGE_PACK, MAX_BATCH, MESSAGE_PACK, PARTIAL

TYPES = (b"application/json", b"application/msgpack")
REFUSALS = {400, 413, 422}
Handle = Callable[[Request], Answer]


class BrokenRuleError(AssertionError):
    """An answer that breaks a rule."""


@contextmanager
def opened(bundle: Path, log: Path) -> Iterator["Harness"]:
    """Open a server's handler over a bundle, its records going to `log`."""
    given = {"model": str(bundle), "log_dir": str(log), "access_log": "0", "log_segment_mb": "1"}
    chosen = settings.read({}, {**given, "max_batch": str(MAX_BATCH)})
    services = open_services(chosen, catalog.load_all(chosen), Table(1), 0)
    try:
        scores = app.scores(services)
        handle = partial(scores.ledger.answer, scores.handlers["/score"])
        yield Harness(handle, load(bundle, Options(engine="onnxruntime")))
    finally:
        services.close()


class Harness:
    """Sends bodies to a handler and holds its answers to the rules; counts them by status."""

    def __init__(self, handle: Handle, model: Model) -> None:
        self.handle = handle
        self.model = model
        self._numbers = {f.name: isinstance(f, Number) for f in model.manifest.features}
        self.statuses: Counter[int] = Counter()

    def examine(self, data: bytes) -> int:
        """Send an input; return the status. Raises BrokenRuleError."""
        how, body = (data[0] if data else 0), data[1:]
        answer = self.handle(request_of(how, body))
        self.statuses[answer.status] += 1
        if answer.status != 200:
            named(answer.status, json.loads(answer.body))
            return answer.status
        decode = msgspec.msgpack.decode if how & ANSWER_MESSAGE_PACK else json.loads
        said, sent = decode(answer.body), read(how, body)
        if not isinstance(sent, list):
            self._scored(said, sent)
            return 200
        if len(said) != len(sent):
            raise BrokenRuleError(f"{len(said)} answers to {len(sent)} applicants")
        for each, applicant in zip(said, sent, strict=True):
            if how & PARTIAL and "status" in each:
                named(each["status"], each)
            else:
                self._scored(each, applicant)
        return 200

    def _scored(self, said: dict[str, Any], applicant: Any) -> None:
        wanted = self.model.score_values([self._value(applicant, each) for each in self._numbers])
        if applicant.keys() != self._numbers.keys():
            raise BrokenRuleError(f"scored with other names: {[*applicant]}")
        got = (said["probability"], said["decision"])
        if got != (wanted.prediction, wanted.decision):
            raise BrokenRuleError(
                f"{got} is not the model's {(wanted.prediction, wanted.decision)}"
            )

    def _value(self, applicant: Any, name: str) -> Any:
        if not isinstance(applicant, dict) or name not in applicant:
            raise BrokenRuleError(f"scored without {name}: {applicant!r}")
        value = applicant[name]
        fit = type(value) in {int, str, type(None)}
        if not fit and not (type(value) is float and math.isfinite(value)):
            raise BrokenRuleError(f"scored with {name} {value!r}")
        if type(value) is int and float(value) != value:
            raise BrokenRuleError(f"scored with {name} {value}, which no float64 holds")
        return float(value) if self._numbers[name] and value is not None else value


def request_of(how: int, body: bytes) -> Request:
    """Return a request as the server's protocol makes it."""
    fields = {b"content-type": TYPES[how & MESSAGE_PACK]}
    fields[b"accept"] = TYPES[bool(how & ANSWER_MESSAGE_PACK)]
    query = b"partial=true" if how & PARTIAL else b""
    return Request("POST", "/score", b"/score", query, fields, body, perf_counter())


def named(status: int, document: dict[str, Any]) -> None:
    """Hold a refusal to the rules: its status, and that it says what is wrong."""
    if status not in REFUSALS:
        raise BrokenRuleError(f"status {status}: {document}")
    if document["status"] != status or not document["detail"] or not document["title"]:
        raise BrokenRuleError(f"names no fault: {document}")
    faults = document.get("errors", [])
    told = faults or document.get("more_errors")  # a hundred a request
    if status == 422 and not told and document["detail"] != NO_APPLICANT:
        raise BrokenRuleError(f"lists no fault: {document}")
    if not all(fault["wanted"] and fault["got"] for fault in faults):
        raise BrokenRuleError(f"a fault without wanted or got: {document}")


def read(how: int, body: bytes) -> Any:
    """Decode a body that was scored, by the standard library where it is JSON.

    What no applicant may hold is left in it: of a partial batch some may have been refused for it.
    """
    if how & MESSAGE_PACK:
        if body[0] not in ARRAYS:
            return unpacked(body)
        return [
            unpacked(bytes(each)) for each in msgspec.msgpack.decode(body, type=list[msgspec.Raw])
        ]
    try:
        text = body.decode(errors="surrogateescape" if how & PARTIAL else "strict")
        return json.loads(text, object_pairs_hook=once, parse_constant=Unfit)
    except ValueError as error:
        raise BrokenRuleError(f"scored what is no JSON: {error}") from error


def unpacked(body: bytes) -> Any:
    """Return a MessagePack value, unless it is none or a name stands in it twice."""
    try:
        found = msgspec.msgpack.decode(body)
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
        return Unfit(f"what is no MessagePack: {error}")
    if isinstance(found, dict) and not MESSAGE_PACK_CODEC.has_members(body, len(found)):
        return Unfit("a name given twice")
    return found


def once(pairs: list[tuple[str, Any]]) -> Any:
    """Return an object, unless a name stands in it twice."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else Unfit("a name given twice")


class Unfit:
    """What must not have been scored."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __repr__(self) -> str:
        return self.what
