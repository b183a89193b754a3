"""What a client may send on one connection: requests of every kind, right, odd and wrong.

Each is an `Item`: its bytes, the status it is to be answered with where that is known, and whether
the server closes behind it. Every request of its own has its own id, and a body that looks like a
request has the id NEVER, which is to be seen nowhere.
"""

import json
import random
from collections.abc import Callable
from typing import NamedTuple

import msgspec

MAX_BODY = 100_000
NEVER = "never-1"
INSIDE = (
    f"POST /score HTTP/1.1\r\nHost: x\r\nX-Request-Id: {NEVER}\r\nContent-Length: 2\r\n\r\n{{}}"
)
SCORES = ("/score", "/models/small/score", "/models/small/versions/1/score")
OPEN = ("/livez", "/models", "/readyz", "/v2")


class Item(NamedTuple):
    """One request, or what is none; `status` is None where it is not known beforehand."""

    data: bytes
    status: int | None = None
    closes: bool = False


class Maker:
    """Makes items by chance, from a seed."""

    def __init__(self, draw: random.Random, bodies: list[bytes], key: str, name: str) -> None:
        self.draw = draw
        self._name = name
        self._paths = ("/score", f"/models/{name}/score", f"/models/{name}/versions/1/score")
        self.key = f"X-API-Key: {key}\r\n"
        self._bodies = bodies
        self._last = 0
        self._kinds: list[Callable[[], Item]] = [
            self.plain, self.plain, self.plain, self.repeated, self.msgpack, self.faulty, self.get,
            self.chunked, self.chunked, self.expecting, self.offering, self.offering, self.old,
            self.version, self.hosts, self.twice, self.lengths, self.odd_field, self.long_head,
            self.one_byte_changed, self.one_byte_changed, self.noise, self.coding, self.method,
            self.once, self.query, self.infer, self.after_line_breaks, self.large, self.stranger,
            self.closing, self.cut_short,
        ]  # fmt: skip

    def item(self) -> Item:
        """Return the next."""
        return self.draw.choice(self._kinds)()

    def _body(self) -> bytes:
        return self.draw.choice(self._bodies)

    def _id(self) -> str:
        self._last += 1
        return f"X-Request-Id: n{self._last}\r\n"

    def _post(
        self, body: bytes, more: str = "", path: str = "", version: str = "1.1", host: str = "x"
    ) -> bytes:
        path = path or self.draw.choice(self._paths)
        length = "" if "-Length:" in more or "-Encoding: c" in more else f"{len(body)}"
        fields = [f"Host: {host}\r\n", self.key, "Content-Type: application/json\r\n", more]
        fields += [self._id(), f"Content-Length: {length}\r\n" if length else ""]
        if self.draw.random() < 0.3:
            self.draw.shuffle(fields)
        return f"POST {path} HTTP/{version}\r\n{''.join(fields)}\r\n".encode() + body

    def plain(self) -> Item:
        """A score."""
        return Item(self._post(self._body()), 200)

    def repeated(self) -> Item:
        """A score with a head that is sent again and again."""
        body = self._body()
        head = f"POST /score HTTP/1.1\r\nHost: x\r\n{self.key}Content-Type: application/json\r\n"
        return Item(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body, 200)

    def msgpack(self) -> Item:
        """A score in MessagePack."""
        body = msgspec.msgpack.encode(json.loads(self._body()))
        return Item(self._post(body).replace(b"/json", b"/msgpack"), 200)

    def faulty(self) -> Item:
        """A body that is refused."""
        body, status = self.draw.choice([(b"{}", 422), (b"{", 400), (b"", 400), (b"[{}]", 422),
                                         (INSIDE.encode(), 400)])  # fmt: skip
        return Item(self._post(body), status)

    def get(self) -> Item:
        """A question that needs no key."""
        path = self.draw.choice(OPEN)
        return Item(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), 200)

    def _in_chunks(self, body: bytes, extension: str = "", trailers: str = "") -> bytes:
        parts, at = [], 0
        while at < len(body):
            size = self.draw.choice([1, 2, 7, 40, 200])
            part = body[at : at + size]
            parts.append(f"{len(part):x}{extension}\r\n".encode() + part + b"\r\n")
            at += size
        return b"".join(parts) + f"0{extension}\r\n{trailers}\r\n".encode()

    def chunked(self) -> Item:
        """A body in chunks, with extensions, and with trailers that look like fields of a head."""
        extension = self.draw.choice(["", ";a", ";a=b", ';a="b c"', ";" + "a" * 100])
        trailers = self.draw.choice(["", "X: y\r\n", "X-API-Key: none\r\n", "Accept: text/html\r\n",
                                     f"X-Request-Id: {NEVER}\r\n", "Content-Type: a/b\r\n",
                                     "Authorization: Bearer none\r\n", "Idempotency-Key: a b\r\n",
                                     "Connection: upgrade\r\nUpgrade: h2c\r\n"])  # fmt: skip
        body, status = self.draw.choice([(self._body(), 200), (INSIDE.encode(), 400)])
        data = self._in_chunks(body, extension, trailers)
        return Item(self._post(data, "Transfer-Encoding: chunked\r\n"), status)

    def expecting(self) -> Item:
        """Expect, which wants an invitation, or something unknown."""
        value = self.draw.choice(["100-continue", "100-Continue", "something"])
        return Item(self._post(self._body(), f"Expect: {value}\r\n"), 200)

    def offering(self) -> Item:
        """An offer of another protocol, in front of a body that may look like a request."""
        offer = self.draw.choice(["h2c", "websocket", "a/1, b", ""])
        connection = self.draw.choice(["Upgrade", "keep-alive, Upgrade", "upgrade, HTTP2-Settings"])
        more = f"Connection: {connection}\r\nUpgrade: {offer}\r\n"
        body, status = self.draw.choice([(self._body(), 200), (INSIDE.encode(), 400)])
        if self.draw.random() < 0.5:
            return Item(self._post(body, more), status)
        more += "Transfer-Encoding: chunked\r\n"
        return Item(self._post(self._in_chunks(body), more), status)

    def old(self) -> Item:
        """HTTP/1.0, which may lack its Host."""
        more = self.draw.choice(["", "Connection: keep-alive\r\n", "Expect: 100-continue\r\n"])
        data = self._post(self._body(), more, version="1.0")
        return Item(self.draw.choice([data, data.replace(b"Host: x\r\n", b"")]), 200, closes=True)

    def version(self) -> Item:
        """A version that is not spoken, or none."""
        version, status = self.draw.choice(
            [("0.9", 505), ("2.0", 505), ("1.2", 400), ("3.0", 400), ("1", 400), ("x", 400)]
        )
        return Item(self._post(self._body(), version=version), status, closes=True)

    def hosts(self) -> Item:
        """No Host, or two."""
        data = self._post(self._body())
        other = self.draw.choice([b"", b"Host: x\r\nHost: x\r\n", b"Host: x\r\nhost: y\r\n"])
        return Item(data.replace(b"Host: x\r\n", other), 400, closes=True)

    def twice(self) -> Item:
        """A field that stands once alone."""
        name = self.draw.choice(["Content-Type", "X-Request-Id", "Authorization", "X-API-Key",
                                 "Idempotency-Key", "X-Request-Timeout-Ms"])  # fmt: skip
        more = f"{name}: 1000\r\n{name.lower()}: 1000\r\n"
        return Item(self._post(self._body(), more), 400, closes=True)

    def lengths(self) -> Item:
        """Lengths that contradict each other, or the body."""
        body = self._body()
        size = len(body)
        more = self.draw.choice([
            f"Content-Length: {size}\r\nContent-Length: 1\r\n",
            f"Content-Length: {size}\r\nTransfer-Encoding: chunked\r\n",
            f"Transfer-Encoding: chunked\r\nContent-Length: {size}\r\n",
            f"Content-Length: {size + 7}\r\n", f"Content-Length: {size - 7}\r\n",
            f"Content-Length: +{size}\r\n", f"Content-Length: -{size}\r\n",
            f"Content-Length: 0x{size:x}\r\n", f"Content-Length: {size}, {size}\r\n",
            f"Content-Length : {size}\r\n", "Content-Length: 9999999999999999999999\r\n",
            "Content-Length:\r\n",
        ])  # fmt: skip
        return Item(self._post(body, more))

    def odd_field(self) -> Item:
        """Fields that are folded, spaced, empty, binary, or end in other ways."""
        more = self.draw.choice(["X: a\r\n b\r\n", "X : a\r\n", ": a\r\n", "X:\r\n", "X\r\n",
                                 "X: a\x00b\r\n", "X: a\x7f\r\n", "X: a\n", "X: a\rY: b\r\n",
                                 " X: a\r\n", "X: \t a \t\r\n", "X\u00e9: a\r\n", "X: \u00e9\r\n",
                                 "X{}: a\r\n", "X: a\r\n\r\n"])  # fmt: skip
        return Item(self._post(self._body(), more))

    def long_head(self) -> Item:
        """A head beyond its bound."""
        more = self.draw.choice([f"X: {'a' * 70_000}\r\n", "a: b\r\n" * 200,
                                 f"{'a' * 70_000}: b\r\n"])  # fmt: skip
        return Item(self._post(self._body(), more), 431, closes=True)

    def one_byte_changed(self) -> Item:
        """The head that is sent again and again, but for a byte; or with one more, or less."""
        data = bytearray(self.repeated().data)
        at = self.draw.randrange(data.index(b"\r\n\r\n") + 4)
        how = self.draw.randrange(3)
        if how == 0:
            data[at] = self.draw.randrange(256)
        elif how == 1:
            del data[at]
        else:
            data.insert(at, self.draw.choice(b"\r\n :\x00aP/1"))
        return Item(bytes(data))

    def noise(self) -> Item:
        """What is no request at all."""
        return Item(self.draw.randbytes(self.draw.randrange(1, 60)) + b"\r\n\r\n")

    def coding(self) -> Item:
        """Transfer codings that are not spoken."""
        coding = self.draw.choice(["gzip", "gzip, chunked", "identity", "xchunked",
                                   "gzip\r\nTransfer-Encoding: chunked"])  # fmt: skip
        more = f"X-Encoding: c\r\nTransfer-Encoding: {coding}\r\n"
        return Item(self._post(self._in_chunks(self._body()), more), 501, closes=True)

    def method(self) -> Item:
        """Another method; CONNECT is a tunnel."""
        data, method = self._post(self._body(), path="/score"), self.draw.choice(["PUT", "CONNECT"])
        path = b"CONNECT x:1" if method == "CONNECT" else b"PUT /score"
        return Item(data.replace(b"POST /score", path, 1), 405, closes=method == "CONNECT")

    def once(self) -> Item:
        """A key by which an answer is stored."""
        return Item(self._post(self._body(), f"Idempotency-Key: k{self._last}\r\n"), 200)

    def query(self) -> Item:
        """A query that is known, and one that is not."""
        path, status = self.draw.choice([("/score?partial=true", 200), ("/score?x", 400)])
        return Item(self._post(self._body(), path=path), status)

    def infer(self) -> Item:
        """The other protocol's path."""
        body, status = self.draw.choice([(b"{}", 400), (INSIDE.encode(), 400), (b"", 400)])
        return Item(self._post(body, path=f"/v2/models/{self._name}/infer"), status)

    def after_line_breaks(self) -> Item:
        """A score behind empty lines."""
        return Item(b"\r\n" * self.draw.randrange(1, 5) + self._post(self._body()), 200)

    def large(self) -> Item:
        """A body beyond its bound, told or not."""
        body = b" " * (MAX_BODY + 1)
        if self.draw.random() < 0.5:
            return Item(self._post(body), 413, closes=True)
        data = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        return Item(self._post(data, "Transfer-Encoding: chunked\r\n"), 413, closes=True)

    def stranger(self) -> Item:
        """Somebody without a key, whatever else is wrong."""
        more = self.draw.choice(["", "Accept: text/html\r\n", "Content-Encoding: gzip\r\n"])
        data = self._post(self.draw.choice([self._body(), b"{", INSIDE.encode()]), more)
        other = self.draw.choice(["", "X-API-Key: none\r\n", "Authorization: Bearer none\r\n"])
        return Item(data.replace(self.key.encode(), other.encode()), 401)

    def closing(self) -> Item:
        """A request that closes its connection."""
        return Item(self._post(self._body(), "Connection: close\r\n"), 200, closes=True)

    def cut_short(self) -> Item:
        """A request that ends too early, and takes what follows for the rest of it."""
        data = self._post(self._body())
        return Item(data[: self.draw.randrange(1, len(data))])
