"""The last accept: nobody who has connected is turned away, nobody connects who would be.

Closing a listening socket resets the connections that wait in its queue. So first a filter drops
new SYNs (their clients try again, and then find the port closed), then the queue is emptied.
"""

import ctypes
import socket
import struct

SO_ATTACH_FILTER = 26  # Linux, asm-generic/socket.h
BPF_RETURN = 0x06
DROP_ALL = struct.pack("HBBI", BPF_RETURN, 0, 0, 0)


def drop_new(listener: socket.socket) -> None:
    """Let the kernel drop every packet for the listening socket; raises OSError."""
    program = ctypes.create_string_buffer(DROP_ALL)
    header = struct.pack("HP", 1, ctypes.addressof(program))
    listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, header)


def waiting(listener: socket.socket) -> list[socket.socket]:
    """Accept and return every connection in the queue."""
    listener.setblocking(False)
    accepted = []
    while True:
        try:
            accepted.append(listener.accept()[0])
        except BlockingIOError:
            return accepted
