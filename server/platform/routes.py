"""The GET routes of a platform: health and documents."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..http.front import as_json, rendered
from ..http.information import readiness
from ..http.services import Services
from .contract import Contract


def routes(services: Services, contract: Contract) -> list[Route]:
    """Return them all; they ask for no key."""

    async def ready(_: Request) -> Response:
        return readiness(services)

    documents = contract.documents(services.settings)
    return [
        *(Route(path, ready) for path in contract.ready),
        *(Route(path, said(document)) for path, document in documents.items()),
    ]


def said(document: Any) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of a document."""
    body = rendered(document)

    async def answer(_: Request) -> Response:
        return as_json(body)

    return answer
