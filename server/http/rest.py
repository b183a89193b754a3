"""Everything but scoring, through Starlette; no score needs what is imported here."""

from collections.abc import Sequence
from time import perf_counter

from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import Message, Receive, Scope, Send

from .app import App
from .fields import trace_of
from .information import Information
from .services import Services

POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
HEADERS = [
    (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"), (b"x-frame-options", b"DENY"),
]  # fmt: skip


def create(services: Services, protocol: Sequence[BaseRoute]) -> App:
    """Return the application beside `/score`; `protocol`: the routes of the inference protocol."""
    information = Information(services)
    routes = [*information.routes(), *protocol]
    starlette = Starlette(routes=routes, exception_handlers=information.handlers())
    starlette.router.redirect_slashes = False  # a redirect would follow the Host header
    return Counted(starlette, services)


class Counted:
    """Counts, logs and adds the security headers to everything outside the hot path."""

    def __init__(self, app: App, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request through."""
        status, request_id, began = 499, b"", perf_counter()
        counters = self._services.counters
        counters.add("in_flight")

        async def watched(message: Message) -> None:
            nonlocal status, request_id
            if message["type"] == "http.response.start":
                status = message["status"]
                head = dict(message["headers"])
                request_id = head.get(b"x-request-id", b"")
                policy = [] if POLICY[0] in head else [POLICY]  # pages have their own policy
                message["headers"] = [*message["headers"], *HEADERS, *policy]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            counters.add("in_flight", -1)
            endpoint = "infer" if scope["path"].endswith("/infer") else "other"
            counters.request(endpoint, status)
            took = perf_counter() - began
            trace = trace_of(dict(scope["headers"]))
            self._services.access.write(
                request_id.decode(), scope["method"], scope["path"], status, took, trace
            )
