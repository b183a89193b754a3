"""The ASGI application: every `/score` before all routing, everything else through Starlette."""

from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Message, Receive, Scope, Send

from .http.endpoint import Endpoint
from .http.fields import trace_of
from .http.information import Information
from .oip.service import Protocol
from .score import Score
from .services import Services
from .shadow import Shadow

App = Callable[[Scope, Receive, Send], Awaitable[None]]
HEADERS = [
    (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
    (b"referrer-policy", b"no-referrer"), (b"x-frame-options", b"DENY"),
]  # fmt: skip

EXPOSED = (
    "X-Request-Id", "Retry-After", "Idempotency-Replayed", "Inference-Header-Content-Length",
)  # fmt: skip


def create(services: Services, scores: Mapping[str, Score]) -> App:
    """Return the application over one worker's services; `scores` as by `score_handlers`."""
    endpoints = {path: Endpoint(score) for path, score in scores.items()}
    information = Information(services)
    routes = [*information.routes(), *Protocol(services).routes()]
    starlette = Starlette(routes=routes, exception_handlers=information.handlers())
    starlette.router.redirect_slashes = False  # a redirect would go where the Host header says
    rest = Counted(starlette, services)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (endpoints.get(scope["path"]) or rest)(scope, receive, send)

    origin = services.settings.cors_origin
    if origin is None:
        return app
    return CORSMiddleware(app, (origin,), allow_methods=("GET", "POST"), allow_headers=("*",),
                          expose_headers=EXPOSED)  # fmt: skip


def score_handlers(services: Services) -> dict[str, Score]:
    """Return path -> handler, so that a request costs one look-up."""
    catalog = services.catalog
    shadow = None
    if catalog.shadow is not None:
        shadow = Shadow(catalog.shadow, services.recorder, services.counters)
    handlers = {"/score": Score(catalog.default, services, shadow)}
    for (name, version), model in catalog.models.items():
        handler = Score(model, services)
        handlers[f"/models/{name}/versions/{version}/score"] = handler
        if catalog.newest(name) is model:
            handlers[f"/models/{name}/score"] = handler
    return handlers


class Counted:
    """Counts, logs and adds the security headers to whatever is not the hot path."""

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
                request_id = dict(message["headers"]).get(b"x-request-id", b"")
                message["headers"] = [*message["headers"], *HEADERS]
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
