"""The last accept: who has connected is accepted, who begins to connect is not answered."""

import socket

import pytest

from server.process import farewell


def test_new_connections_are_dropped_and_those_that_wait_are_accepted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with socket.create_connection(address, timeout=5) as early:
            farewell.drop_new(listener)
            early.sendall(b"sent after the filter")
            with pytest.raises(TimeoutError):
                socket.create_connection(address, timeout=0.3)
            [accepted] = farewell.waiting(listener)
            with accepted:
                accepted.settimeout(5)
                assert accepted.recv(100) == b"sent after the filter"


def test_only_a_syn_that_begins_a_handshake_is_dropped() -> None:
    """The packet that ends a handshake, and data behind it, must come through."""
    verdicts = {flags: verdict(flags) for flags in (0x02, 0xC2, 0x12, 0x10, 0x18, 0x11, 0x04)}
    assert [flags for flags, taken in verdicts.items() if not taken] == [0x02, 0xC2]


def verdict(flags: int) -> int:
    """Run the filter's program over a TCP header with these flags, as the kernel would."""
    header, at, loaded = bytes(13) + bytes([flags]) + bytes(6), 0, 0
    while True:
        code, if_true, if_false, value = farewell.PROGRAM[at]
        at += 1
        if code == 0x30:
            loaded = header[value]
        elif code == 0x54:
            loaded &= value
        elif code == 0x15:
            at += if_true if loaded == value else if_false
        else:
            assert code == 0x06
            return value
