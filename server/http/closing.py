"""Close a connection after its last answer."""

import asyncio

import msgspec
from uvicorn.protocols.http.flow_control import FlowControl

LINGER_SECONDS = 2.0


class Closing(msgspec.Struct):
    """Whether the client has said that it sends no more, and whether we have."""

    has_ended: bool = False
    has_parted: bool = False
    _timer: asyncio.TimerHandle | None = None

    def part(
        self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, flow: FlowControl
    ) -> None:
        """Close with a delay: a client that is still sending would otherwise see a reset."""
        if self.has_ended or not transport.can_write_eof():
            transport.close()
        elif not (self.has_parted or transport.is_closing()):
            flow.resume_reading()
            transport.write_eof()
            self._timer = loop.call_later(LINGER_SECONDS, transport.close)
        self.has_parted = True

    def cancel(self) -> None:
        """Record that the connection is closed."""
        if self._timer is not None:
            self._timer.cancel()
