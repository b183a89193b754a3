"""An HTTP request as bytes."""


def post(path: str, media_type: bytes, body: bytes, extra: bytes = b"") -> bytes:
    """Return one complete HTTP/1.1 request."""
    head = b"POST %b HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: %b\r\ncontent-length: %d\r\n"
    return head % (path.encode(), media_type, len(body)) + extra + b"\r\n" + body
