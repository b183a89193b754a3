"""The ASGI application: every `/score` before all routing, everything else through Starlette."""

from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from importlib import import_module
from typing import Any

from starlette.types import Receive, Scope, Send

from .http.endpoint import Endpoint
from .score import Score
from .services import Services
from .shadow import Shadow

App = Callable[[Scope, Receive, Send], Awaitable[None]]
EXPOSED = (
    "X-Request-Id", "Retry-After", "Idempotency-Replayed", "Inference-Header-Content-Length",
)  # fmt: skip


class Rest:
    """What is not scoring, made when it is first asked for, or as soon as scoring is under way.

    Starlette's import is a fifth of a start, and a server's first task is to score.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    @cached_property
    def app(self) -> App:
        """Return the application."""
        made: App = load_rest().create(self._services)
        return made

    def prepare(self) -> None:
        """Make it now."""
        _ = self.app


def load_rest() -> Any:
    """Import what `Rest` needs: before a fork, so that processes share it."""
    return import_module(".rest", __package__)


def create(services: Services, scores: Mapping[str, Score], rest: Rest) -> App:
    """Return the application over one worker's services; `scores` as by `score_handlers`."""
    endpoints = {path: Endpoint(score) for path, score in scores.items()}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (endpoints.get(scope["path"]) or rest.app)(scope, receive, send)

    origin = services.settings.cors_origin
    if origin is None:
        return app
    from starlette.middleware.cors import CORSMiddleware

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
