"""What is said of a request that reaches no endpoint."""

import pytest

from server.http.problem import Problem
from server.http.rejection import rejection
from server.metrics.counters import AT, Table


@pytest.mark.parametrize(
    ("url", "endpoint", "says"),
    [(b"/score", "score", b"application/problem+json"),
     (b"/models/m/score?partial=true", "score", b"application/problem+json"),
     (b"/invocations", "score", b"application/problem+json"),
     (b"/v1/endpoints/1/deployedModels/2:predict", "score", b"application/problem+json"),
     (b"/v2/models/m/infer", "infer", b'{"error":'),
     (b"/v2/models/m", "other", b'{"error":'),
     (b"", "other", b"application/problem+json")],
)  # fmt: skip
def test_it_is_counted_and_said_as_by_the_endpoint_it_was_for(
    url: bytes, endpoint: str, says: bytes
) -> None:
    counters = Table(1).row(0)
    answer = rejection(Problem(413, "body: too large"), url, counters)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert says in answer
    assert b"connection: close\r\n" in answer
    assert counters.row[AT["requests", endpoint, 413]] == 1
