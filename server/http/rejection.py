"""Data that are not a valid request: refused after all earlier answers."""

from ..metrics.counters import Counters
from .bare import CLOSE, bare_answer, is_oip
from .problem import FOR_TABLES, Problem

# How the paths end that score, those of platforms (server/platform) among them.
SCORES = (b"/score", b"/invocations", b"predict")


def rejection(problem: Problem, url: bytes, counters: Counters) -> bytes:
    """Return the refusal, and count it, since it never reaches an endpoint."""
    counters.request(endpoint_of(url), problem.status)
    return bare_answer(problem, CLOSE, is_oip(url))


def too_large(most: int, url: bytes) -> Problem:
    """Return the refusal of a body, which for /score says what a large table is for."""
    more = FOR_TABLES if endpoint_of(url) == "score" else ""
    return Problem(413, f"body: wanted at most {most} bytes{more}")


def endpoint_of(url: bytes) -> str:
    """Return the endpoint whose counters a path belongs to."""
    url = url.partition(b"?")[0]
    if url.endswith(SCORES):
        return "score"
    return "infer" if url.endswith(b"/infer") else "other"
