"""Health, readiness, metrics, models and the OpenAPI document."""

from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ..bundle.manifest import Category, Feature
from ..metrics import exposition
from ..scoring.model import Model
from .front import Front, as_json, rendered
from .not_found import absent
from .openapi import document
from .problem import Problem
from .refusal import as_response, on_http
from .services import Services

Handlers = dict[Any, Callable[[Request, Any], Response]]


class Information:
    """The routes beside scoring."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._catalog = services.catalog
        self._front = Front(services)
        openapi = document(services.catalog, services.settings)
        self._document = rendered(openapi)
        self._paths = {*openapi["paths"], *(route.path for route in self.routes())}
        models, default = self._catalog.models, self._catalog.default
        self._models = rendered({"models": [summary(each, default) for each in models.values()]})
        self._each = {name: rendered(described(each, default)) for name, each in models.items()}

    def routes(self) -> list[Route]:
        """Return all of them."""
        return [
            *self._front.routes(),
            Route("/livez", self.live),
            Route("/readyz", self.ready),
            Route("/v2/health/live", self.live),
            Route("/v2/health/ready", self.ready),
            Route("/metrics", self.metrics),
            Route("/openapi.json", self.openapi),
            Route("/models", self.models),
            Route("/models/{name}/versions/{version}", self.model),
        ]

    def handlers(self) -> Handlers:
        """Return the exception handlers."""
        return {
            Problem: as_response, 404: self._on_absent, HTTPException: on_http,
            Exception: self._on_unforeseen,
        }  # fmt: skip

    async def live(self, _: Request) -> Response:
        """Say that the process answers."""
        return JSONResponse({"live": True})

    async def ready(self, _: Request) -> Response:
        """Return whether new requests should come here: not while draining, not without a log."""
        return readiness(self._services)

    async def metrics(self, request: Request) -> Response:
        """Return the counters of all workers."""
        self._services.keys.check(dict(request.scope["headers"]), "metrics")
        self._services.tick()
        lines = [*exposition.render(self._services.table.sums()), self._model_info()]
        lines.append(exposition.foreign(self._services.settings.drift_metrics))
        return PlainTextResponse("".join(lines), media_type=exposition.MEDIA_TYPE)

    def _model_info(self) -> str:
        samples = [
            (
                {
                    "name": each.name,
                    "version": each.version,
                    "sha256": each.sha256,
                    "default": str(each.default).lower(),
                },
                1.0,
            )
            for each in self._catalog.listing()
        ]
        return exposition.gauge("credit_model_info", "models served", samples)

    async def openapi(self, _: Request) -> Response:
        """Return the OpenAPI document."""
        return as_json(self._document)

    async def models(self, _: Request) -> Response:
        """Return all models that are served."""
        return as_json(self._models)

    async def model(self, request: Request) -> Response:
        """Return one model and its features; raises Problem 404."""
        wanted = (request.path_params["name"], request.path_params["version"])
        found = self._each.get(wanted)
        if found is None:
            raise Problem(404, self._catalog.absent(*wanted))
        return as_json(found)

    def _on_absent(self, request: Request, _: Exception) -> Response:
        said = absent(request.scope["path"], self._paths, self._catalog)
        return as_response(request, Problem(404, said))

    def _on_unforeseen(self, request: Request, _: Exception) -> Response:
        self._services.counters.add("unhandled")
        return as_response(
            request, Problem(500, "unforeseen error: its trace is in the server's log")
        )


def readiness(services: Services) -> Response:
    """Return 200, or 503 with the reason."""
    if reason := services.unready():
        return JSONResponse({"ready": False, "reason": reason}, 503)
    return JSONResponse({"ready": True})


def described(model: Model, default: Model) -> dict[str, Any]:
    """Return a model's identity and its features."""
    features = [feature_of(feature) for feature in model.manifest.features]
    return {**summary(model, default), "features": features}


def summary(model: Model, default: Model) -> dict[str, Any]:
    """Return a model's identity."""
    manifest = model.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "sha256": model.bundle.model_sha256,
        "task": manifest.task,
        "classes": manifest.classes,
        "probability_of": manifest.probability_of,
        "default": model is default,
        "threshold": manifest.policy.refuse_at if manifest.policy else None,
        "refer_from": manifest.policy.refer_from if manifest.policy else None,
        "policy": manifest.policy.version if manifest.policy else None,
    }


def feature_of(feature: Feature) -> dict[str, Any]:
    """Return what a client must know about a feature."""
    known: dict[str, Any] = {"name": feature.name, "missing": feature.missing.allowed}
    if isinstance(feature, Category):
        known |= {"type": "category", "categories": list(feature.categories)}
        return {**known, "ordered": True} if feature.ordered else known
    seen = [feature.seen.min, feature.seen.max] if feature.seen else None
    return {**known, "type": "number", "boolean": feature.boolean, "seen": seen}
