"""A client of HTTP/2 that sends what no library of gRPC would, and sees every frame."""

import socket
from types import TracebackType
from typing import Any, Self

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes
from hyperframe.frame import GoAwayFrame

from server.grpc.framing import framed

INFER = b"/inference.GRPCInferenceService/ModelInfer"
CONFIG = H2Configuration(
    client_side=True, header_encoding=None, validate_outbound_headers=False,
    normalize_outbound_headers=False,
)  # fmt: skip


class Raw:
    """One connection; `last` is the stream that ended last, `goaways` what each GOAWAY allows."""

    def __init__(self, port: int, window: int | None = None, preface: bool = True) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._h2 = H2Connection(CONFIG)
        self._ends: list[tuple[int, dict[bytes, bytes], bytes]] = []
        self._heads: dict[int, dict[bytes, bytes]] = {}
        self._bodies: dict[int, bytes] = {}
        self.goaways: list[int] = []
        self.last = 0
        self._unread = b""
        if preface:
            self._h2.initiate_connection()
            if window is not None:
                self._h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: window})
            self._flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.socket.close()

    def _flush(self) -> None:
        self.socket.sendall(self._h2.data_to_send())

    def begin(self, path: bytes, data: bytes, *more: tuple[bytes, bytes]) -> int:
        """Send a head and a part of the body; return the stream."""
        fields = {
            b":method": b"POST", b":scheme": b"http", b":path": path, b":authority": b"x",
            b"te": b"trailers", b"content-type": b"application/grpc",
        } | dict(more)  # fmt: skip
        stream: int = self._h2.get_next_available_stream_id()
        self._heads[stream], self._bodies[stream] = {}, b""
        self._h2.send_headers(stream, [*fields.items()])
        while data:
            part, data = data[:16384], data[16384:]
            self._h2.send_data(stream, part)
        self._flush()
        return stream

    def call(self, path: bytes, message: bytes, *more: tuple[bytes, bytes]) -> int:
        """Send a whole call; return its stream."""
        stream = self.begin(path, framed(message), *more)
        self._h2.end_stream(stream)
        self._flush()
        return stream

    def ask(self, request: Any, *more: tuple[bytes, bytes]) -> int:
        """Send a ModelInfer."""
        return self.call(INFER, request.SerializeToString(), *more)

    def reset(self, stream: int) -> None:
        self._h2.reset_stream(stream)
        self._flush()

    def say_goodbye(self) -> None:
        self.socket.sendall(GoAwayFrame(0, last_stream_id=0).serialize())

    def _read(self) -> bool:
        """Take what comes; return whether the connection is open."""
        data = self.socket.recv(65536)
        self._unread += data
        while len(self._unread) >= 9:  # one frame after the other: h2 ends with a GOAWAY
            size = 9 + int.from_bytes(self._unread[:3], "big")
            if len(self._unread) < size:
                break
            frame, self._unread = self._unread[:size], self._unread[size:]
            for event in self._h2.receive_data(frame):
                self._take(event)
        self._flush()
        return bool(data)

    def _take(self, event: Any) -> None:
        if isinstance(event, events.ResponseReceived | events.TrailersReceived):
            self._heads[event.stream_id] |= dict(event.headers)
        elif isinstance(event, events.DataReceived):
            self._bodies[event.stream_id] += event.data
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, events.StreamEnded):
            stream = event.stream_id
            self._ends.append((stream, self._heads[stream], self._bodies[stream]))
        elif isinstance(event, events.ConnectionTerminated):
            self.goaways.append(event.last_stream_id or 0)
            self._h2.state_machine.state = type(self._h2.state_machine.state).CLIENT_OPEN

    def _next(self) -> tuple[dict[bytes, bytes], bytes]:
        while not self._ends:
            assert self._read(), "closed before an answer"
        self.last, head, body = self._ends.pop(0)
        return head, body

    def trailers(self) -> dict[bytes, bytes]:
        """Return all header fields of the next call that ends."""
        return self._next()[0]

    def answer(self) -> bytes:
        """Return the message of the next call that ends."""
        return self._next()[1][5:]

    def is_ended(self) -> bool:
        """Wait until the server closes the connection."""
        try:
            while self._read():
                pass
        except OSError:
            pass
        return True
