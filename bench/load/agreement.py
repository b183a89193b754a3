"""Whether a server's answers are LightGBM's: the bits of every probability, and every decision."""

import http.client
import socket
from collections.abc import Sequence

import msgspec
import numpy as np

from ..ladder.single_row_fast import SingleRowFast
from ..ladder.timed import Floats
from ..progress import say
from ..result import Row
from ..workload.models import THRESHOLD, Workload, on_thresholds
from .servers import Running, ServerError

SEED, SECONDS = 3, 60
OK = 200


def judge(server: Running, workload: Workload, count: int) -> Row:
    """Return how `count` applicants, and as many with a value on a split, were answered.

    A split is where single precision takes the other branch. Raises ServerError.
    """
    say(f"agreement: {server.subject.name}")
    plain = workload.rows(count)
    rows = np.concatenate([plain, on_thresholds(workload.text, plain, SEED)])
    lightgbm = SingleRowFast(workload.text, rows.shape[1])
    wanted = np.array([lightgbm.score(row) for row in rows])
    return compared(answers(server.port, server.subject.encode(workload)(rows)), wanted)


def compared(given: Floats, wanted: Floats) -> Row:
    """Return how many probabilities have other bits, the largest error, and other decisions."""
    return {
        "compared": len(given),
        "different": int((given.view(np.int64) != wanted.view(np.int64)).sum()),
        "largest_error": float(np.abs(given - wanted).max()),
        "flips": int(((given >= THRESHOLD) != (wanted >= THRESHOLD)).sum()),
    }


def answers(port: int, requests: Sequence[bytes]) -> Floats:
    """Return the probability that each request is answered; raises ServerError, OSError."""
    return np.array([probability(answered(port, request)) for request in requests])


def answered(port: int, request: bytes) -> bytes:
    """Send one request on a connection of its own; return the body of its answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as client:
        client.sendall(request)
        with http.client.HTTPResponse(client) as answer:
            answer.begin()
            body = answer.read()
    if answer.status != OK:
        raise ServerError(f"{answer.status}: {body[:300]!r}")
    return body


def probability(body: bytes) -> float:
    """Return the probability in a JSON answer: a member, or that of an output."""
    answer = msgspec.json.decode(body)
    if "probability" in answer:
        return float(answer["probability"])
    outputs = answer["outputs"]
    if not isinstance(outputs[0], dict):
        return float(outputs[0])
    named = {each["name"]: each["data"][0] for each in reversed(outputs)}
    return float(named.get("prediction", outputs[0]["data"][0]))
