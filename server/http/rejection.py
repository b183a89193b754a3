"""What came and is no request that could be answered: said once all before it is answered."""

from ..metrics.counters import Counters
from .bare import CLOSE, bare_answer, is_oip
from .problem import Problem


def rejection(problem: Problem, url: bytes, counters: Counters) -> bytes:
    """Return what the client is told; count it, since it never reaches the endpoint it is for."""
    counters.request(endpoint_of(url), problem.status)
    return bare_answer(problem, CLOSE, is_oip(url))


def endpoint_of(url: bytes) -> str:
    """Return which endpoint's counters a path belongs to."""
    url = url.partition(b"?")[0]
    if url.endswith(b"/score"):
        return "score"
    return "infer" if url.endswith(b"/infer") else "other"
