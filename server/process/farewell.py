"""Stop accepting without resetting connections.

Closing a listening socket resets the connections in its queue and those in a handshake. So first a
filter drops new SYNs (their clients retry, and then find the port closed), then the queue is
emptied, and once more after handshakes had time to end.
"""

import ctypes
import socket
import struct

SO_ATTACH_FILTER = 26  # Linux, asm-generic/socket.h
# Classic BPF over the TCP header: flags are in byte 13; a SYN without ACK begins a handshake.
LOAD_FLAGS = (0x30, 0, 0, 13)
KEEP_SYN_AND_ACK = (0x54, 0, 0, 0x12)
SKIP_UNLESS_SYN_ALONE = (0x15, 0, 1, 0x02)
DROP, TAKE = (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF)
PROGRAM = (LOAD_FLAGS, KEEP_SYN_AND_ACK, SKIP_UNLESS_SYN_ALONE, DROP, TAKE)
HANDSHAKE_SECONDS = 0.2


def drop_new(listener: socket.socket) -> None:
    """Let the kernel drop every SYN for the listening socket; raises OSError."""
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in PROGRAM)
    program = ctypes.create_string_buffer(code)
    header = struct.pack("HP", len(PROGRAM), ctypes.addressof(program))
    listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, header)


def waiting(listener: socket.socket) -> list[socket.socket]:
    """Accept and return all connections in the queue."""
    listener.setblocking(False)
    accepted = []
    while True:
        try:
            accepted.append(listener.accept()[0])
        except BlockingIOError:
            return accepted
