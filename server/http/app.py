"""The ASGI application: `/score` before any routing, everything else through Starlette."""

from collections.abc import Awaitable, Callable, Container, Mapping
from functools import cached_property

import msgspec
from starlette.types import Receive, Scope, Send

from .endpoint import MOST_WAITING, Endpoint, Handler, Waiting
from .ledger import Ledger
from .score import Score
from .services import Services
from .shadow import Shadow

NONE: Mapping[str, type[Score]] = {}
App = Callable[[Scope, Receive, Send], Awaitable[None]]
EXPOSED = (
    "X-Request-Id", "Retry-After", "Idempotency-Replayed", "Inference-Header-Content-Length",
)  # fmt: skip


class Rest:
    """Everything but scoring, created on first use or shortly after the first score.

    Importing Starlette takes a fifth of a start, and a server's first task is to score.
    """

    def __init__(self, services: Services, make: Callable[[Services], App]) -> None:
        self._services = services
        self._make = make

    @cached_property
    def app(self) -> App:
        """Return the application."""
        return self._make(self._services)

    def prepare(self) -> None:
        """Create it now."""
        _ = self.app


def scope_of(scores: Container[str], path: str) -> str:
    """Return the API key scope that a path needs; "" if no body is read there."""
    if path in scores or path.startswith("/v2/models/"):
        return "score"
    return "metrics" if path == "/metrics" else ""


def create(services: Services, scores: "Scores", rest: Rest) -> App:
    """Return the application for one worker's services."""
    ledger = scores.ledger
    # Waiting requests take places in the queue; the rest must stay free for requests without a key.
    waiting = Waiting(min(MOST_WAITING, services.settings.max_in_flight // 2))
    endpoints = {path: Endpoint(score, ledger, waiting) for path, score in scores.handlers.items()}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (endpoints.get(scope["path"]) or rest.app)(scope, receive, send)

    origin = services.settings.cors_origin
    if origin is None:
        return app
    from starlette.middleware.cors import CORSMiddleware

    return CORSMiddleware(app, (origin,), allow_methods=("GET", "POST"), allow_headers=("*",),
                          expose_headers=EXPOSED)  # fmt: skip


class Scores(msgspec.Struct, frozen=True):
    """The scoring handlers by path, found with one look-up, and the ledger that commits
    their answers.
    """

    handlers: dict[str, Handler]
    ledger: Ledger

    def weigh(self, path: str, query: bytes, body: bytes) -> int:
        """Return the cost of a request; see in_flight."""
        handler = self.handlers.get(path)
        return 1 if handler is None else handler.weigh(query, body)


def scores(services: Services, platform: Mapping[str, type[Score]] = NONE) -> Scores:
    """Return the scoring handlers of all models in the catalog, and a platform's by path, which
    answer with the default model.
    """
    catalog = services.catalog
    shadow = None
    if catalog.shadow is not None:
        shadow = Shadow(catalog.shadow, services.recorder, services.counters)
    ledger = Ledger(services, shadow)
    handlers: dict[str, Handler] = {"/score": Score(catalog.default, services, ledger, shadow)}
    for (name, version), model in catalog.models.items():
        handler = Score(model, services, ledger)
        handlers[f"/models/{name}/versions/{version}/score"] = handler
        if catalog.newest(name) is model:
            handlers[f"/models/{name}/score"] = handler
    for path, make in platform.items():
        handlers[path] = make(catalog.default, services, ledger, shadow)
    return Scores(handlers, ledger)
