"""What the calls of all connections of a worker share: keys, queue, methods, counters."""

import asyncio
from collections.abc import Mapping
from time import perf_counter
from typing import Protocol

from google.protobuf.message import DecodeError

from ..http.bare import BUSY, RETRY_SECONDS
from ..http.fast_path import NOT_YET
from ..http.fields import Fields, trace_of
from ..http.group_commit import Asked, GroupCommit
from ..http.message import Answer
from ..http.problem import Problem
from ..http.services import Services
from ..metrics.counters import AT
from ..oip.infer import Infer
from ..scoring.catalog import Key
from . import health_pb2
from .call import Call
from .framing import ACCEPTED, ENCODINGS
from .infer import InferHandler, Named, served, told
from .inference_pb2 import ModelInferRequest
from .methods import INFER, WATCH, Health, Methods, Status

INFER_PATH = INFER.decode()
KIND = b"application/grpc"
SHEDS = AT["plain", "shed"]


class Watches(Protocol):
    """The connection of a Watch."""

    def watch(self, call: Call, status: Health | None) -> None:
        """Tell it the health, now and whenever it changes, or only `status`."""


class Service:
    """Takes whole calls; ModelInfer waits in the worker's queue, the others are answered at once.

    So health and metadata are answered under overload too, as over HTTP.
    """

    unknown = Status.SERVICE_UNKNOWN

    def __init__(
        self, services: Services, infers: Mapping[Key, Infer], group_commit: GroupCommit
    ) -> None:
        self._services, self._group_commit = services, group_commit
        self._methods = methods = Methods(services, infers)
        self._handlers = {key: InferHandler(each, services, key) for key, each in infers.items()}
        self._counters = services.counters
        self.row = services.counters.row
        self.arrivals = services.state.arrivals
        self.health = methods.status

    def unfit(self, fields: Fields) -> bytes | None:
        """Return the status of HTTP for what is no call of gRPC, None for a call."""
        if fields.get(b":method") != b"POST":
            return b"405"
        kind = fields.get(b"content-type", b"")
        is_ours = kind == KIND or kind.startswith((KIND + b"+proto", KIND + b";"))
        return None if is_ours else b"415"

    def admit(self, call: Call) -> None:
        """Raise Problem for a call that is refused whatever its message."""
        path, methods = call.path, self._methods
        encoding = call.fields.get(b"grpc-encoding", b"identity")
        if encoding not in ENCODINGS:
            wanted, got = b", ".join(ENCODINGS).decode(), encoding.decode("latin-1")
            raise Problem(501, f"grpc-encoding: wanted {wanted}, got {got}", headers=[ACCEPTED])
        if path in methods.open or path == WATCH:
            return
        if path != INFER and path not in methods.keyed:
            known, got = ", ".join(methods.names()), path.decode("latin-1")
            raise Problem(501, f"no method {got}; there is {known}")
        self._services.keys.check(call.fields, "score")
        if path == INFER:
            self._make_room()

    def take(self, call: Call, message: bytes, connection: Watches) -> None:
        """Answer a whole call, or let it wait in the queue; raises Problem."""
        if call.path == INFER:
            self._make_room()
            self._queue(call, message)
        elif call.path == WATCH:
            connection.watch(call, self._methods.watched(message))
        else:
            self._answer(call, message)

    def _queue(self, call: Call, body: bytes) -> None:
        try:
            message = ModelInferRequest.FromString(body)
        except DecodeError as error:
            raise Problem(400, f"not a ModelInferRequest: {error}") from error
        key = served(self._services, message.model_name, message.model_version)
        handler, now = self._handlers[key], perf_counter()
        named = Named(
            "POST", INFER_PATH, INFER, b"", call.fields, body, now, call=call, message=message
        )  # fmt: skip
        asked = Asked(named, NOT_YET, handler, call, True)
        self._group_commit.add(asyncio.get_running_loop(), asked)

    def _answer(self, call: Call, message: bytes) -> None:
        began, methods = perf_counter(), self._methods
        method = methods.open.get(call.path) or methods.keyed[call.path]
        answer = Answer("", 200, [], method(message))
        call.finish(answer, True)
        self._write(call, 200, perf_counter() - began)

    def refused(self, call: Call, problem: Problem) -> Answer:
        """Return the answer to a call that reaches no handler, and count it."""
        self._write(call, problem.status, 0.0)
        return told(problem, "", call.fields)

    def _write(self, call: Call, status: int, seconds: float) -> None:
        self._counters.request("infer" if call.path == INFER else "other", status)
        path = call.path.decode("latin-1")
        self._services.access.write("", "POST", path, status, seconds, trace_of(call.fields))

    def _make_room(self) -> None:
        """Raise Problem 503 if the queue is full."""
        if self._services.state.in_flight.is_full():
            self.row[SHEDS] += 1
            raise Problem(503, BUSY.detail, headers=[(b"retry-after", b"%d" % RETRY_SECONDS)])

    @staticmethod
    def health_message(status: Health) -> bytes:
        """Return a status as Health answers it."""
        message: bytes = health_pb2.HealthCheckResponse(status=status).SerializeToString()
        return message
