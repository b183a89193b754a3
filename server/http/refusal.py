"""Refusals outside the hot path, in the format of their path: {"error": …} under /v2."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from .problem import Problem


def as_response(request: Request, problem: Exception) -> Response:
    """Return a Problem as Starlette's response."""
    assert isinstance(problem, Problem)  # noqa: S101 - what Starlette was told
    head = {k.decode(): v.decode() for k, v in problem.headers}
    kind, body = problem.rendered("", request.url.path.startswith("/v2"))
    return Response(body, problem.status, head, kind.decode())


def on_http(request: Request, error: Exception) -> Response:
    """Return Starlette's own refusal, 404 or 405."""
    assert isinstance(error, HTTPException)  # noqa: S101 - what Starlette was told
    head = [(k.lower().encode(), v.encode()) for k, v in (error.headers or {}).items()]
    path, wanted = request.scope["path"], (error.headers or {}).get("Allow")
    said = f"{path}: {error.detail}"
    if wanted is not None:
        wanted = " or ".join(sorted(wanted.split(", ")))
        said = f"{path}: wanted {wanted}, got {request.method}"
    return as_response(request, Problem(error.status_code, said, headers=head))
