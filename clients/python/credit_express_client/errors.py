"""Everything that a call raises; the base of all is CreditExpressError."""

from typing import Any

import httpx
import msgspec

from .answers import Fault, Problem

SHOWN = 200  # characters of an answer that is no problem document, such as a proxy's page


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class CreditExpressError(Exception):
    """No score was answered."""


class UnreachableError(CreditExpressError):
    """The server could not be reached, or the connection broke; `__cause__` is httpx's error."""


class ProblemError(CreditExpressError):
    """The server answered with an error; `problem` is all it said.

    The message quotes what was wrong, values of the applicant included.
    """

    def __init__(self, problem: Problem, retry_after: float | None = None) -> None:
        super().__init__(f"{problem.status} {problem.title}: {problem.detail}")
        self.problem = problem
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it be copied, and raised in another process."""
        return type(self), (self.problem, self.retry_after)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem.status

    @property
    def faults(self) -> list[Fault]:
        """The first hundred faults of the request."""
        return self.problem.errors


class InvalidError(ProblemError):
    """422: the applicants do not fit the model; `faults` says where."""


class AccessError(ProblemError):
    """401 or 403: the API key is absent, unknown or revoked, or lacks the scope."""


class UnavailableError(ProblemError):
    """429 or 503: too busy, after all attempts; `retry_after` is in seconds, if it was told."""


KINDS = {
    401: AccessError,
    403: AccessError,
    422: InvalidError,
    429: UnavailableError,
    503: UnavailableError,
}


def error_of(response: httpx.Response, retry_after: float | None) -> ProblemError:
    """Return the error for a response that is not a score."""
    kind = KINDS.get(response.status_code, ProblemError)
    return kind(problem_of(response), retry_after)


def problem_of(response: httpx.Response) -> Problem:
    """Return the problem that a response holds, or one about the response."""
    try:
        return msgspec.json.decode(response.content, type=Problem)
    except UNREADABLE:
        said = shown(response)
        if response.has_redirect_location:
            said = f"moved to {response.headers['location']}: give the client the server's own URL"
        return Problem(
            title=response.reason_phrase, status=response.status_code, detail=said,
            request_id=response.headers.get("x-request-id", ""),
        )  # fmt: skip


def shown(response: httpx.Response) -> str:
    """Return how a response begins, and of which URL it is."""
    return f"{named(response.url)}: {response.text.strip()[:SHOWN] or 'an empty answer'}"


def named(url: httpx.URL) -> str:
    """Return a URL without a password in it."""
    return str(url.copy_with(userinfo=b""))
