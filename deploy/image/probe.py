"""Exit 0 when the server in this container is ready, 1 otherwise: the image's HEALTHCHECK.

It reads the port and TLS from the same CREDIT_* variables as the server; where the server asks for
client certificates, an accepted connection is all that can be asked.
"""

import os
import socket
import ssl
from collections.abc import Mapping

TIMEOUT = 2.0
REQUEST = b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
READY = b"HTTP/1.1 200 "


def ready(environment: Mapping[str, str]) -> bool:
    """Whether /readyz answers 200."""
    port = int(environment.get("CREDIT_PORT", "8000"))
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as connection:
            if "CREDIT_TLS_CLIENT_CA" in environment:
                return True
            if "CREDIT_TLS_CERT" not in environment:
                return ask(connection)
            with unverified().wrap_socket(connection) as encrypted:
                return ask(encrypted)
    except OSError:
        return False


def ask(connection: socket.socket) -> bool:
    """Send the request and look at the first line of the answer."""
    connection.sendall(REQUEST)
    return connection.recv(len(READY)) == READY


def unverified() -> ssl.SSLContext:
    """Return a context for a certificate made out to a name that is not localhost."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


if __name__ == "__main__":
    raise SystemExit(0 if ready(os.environ) else 1)
