"""Ports for a server whose addresses a test must know beforehand."""

import random
import socket


def free_ports() -> int:
    """Return a port that is free, as is the next; below those the kernel hands out.

    Drawn, so that tests that run at once do not all try the same.
    """
    draw = random.SystemRandom()
    for _ in range(1000):
        port = draw.randrange(20_000, 32_000)
        with socket.socket() as one, socket.socket() as two:
            try:
                one.bind(("127.0.0.1", port))
                two.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise SystemExit("no two free ports")
