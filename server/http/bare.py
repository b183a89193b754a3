"""Answers written directly to the connection, without the application."""

from .problem import Problem

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSE = b"connection: close\r\n"
SECURITY = b"cache-control: no-store\r\nx-content-type-options: nosniff\r\n"
RETRY_SECONDS = 1


def is_oip(url: bytes | None) -> bool:
    """Whether an error must be in the Open Inference Protocol's format."""
    return url is not None and url.startswith(b"/v2")


def bare_answer(problem: Problem, head: bytes, oip: bool) -> bytes:
    """Return a complete HTTP answer."""
    kind, body = problem.rendered("", oip)
    more = b"".join(b"%b: %b\r\n" % field for field in problem.headers)
    return (
        b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b%b%b\r\n"
        % (problem.status, problem.title.encode(), kind, len(body), SECURITY, more, head)
    ) + body  # fmt: skip


BUSY = Problem(503, "more requests are waiting than this worker takes; try again later")
CROWDED = Problem(
    503, "more is on its way than this worker holds, and this was longest; send it faster",
    headers=[(b"retry-after", b"%d" % RETRY_SECONDS)],
)  # fmt: skip
CHANGED = Problem(503, "the API keys changed while this was on its way; try again")
RETRY = b"retry-after: %d\r\n" % RETRY_SECONDS
# By (connection kept, under /v2).
SHED = {
    (keep, oip): bare_answer(BUSY, RETRY if keep else RETRY + CLOSE, oip)
    for keep in (True, False)
    for oip in (True, False)
}
