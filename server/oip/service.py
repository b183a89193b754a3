"""The routes of the Open Inference Protocol v2 beside inference; see handler.py for that."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .. import __version__
from ..http.services import Services
from ..scoring.catalog import Key
from .infer import Infer
from .wire import OipError

EXTENSIONS = ["binary_tensor_data", "model_repository"]


class Protocol:
    """The protocol for all models of the catalog."""

    def __init__(self, services: Services, infers: Mapping[Key, Infer]) -> None:
        self._services = services
        self._catalog = services.catalog
        self._infer = infers

    def routes(self) -> list[Route]:
        """Return all routes except health, which depends on draining, and inference."""
        model, version = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"
        routes = [Route(path, self.server) for path in ("/v2", "/v2/")]
        routes.append(Route("/v2/repository/{verb:path}", self.repository, methods=["GET", "POST"]))
        for base in (model, version):
            routes += [
                Route(base, self.metadata),
                Route(f"{base}/ready", self.ready),
                Route(f"{base}/infer", self.absent, methods=["POST"]),
            ]
        return routes

    async def server(self, _: Request) -> Response:
        """Return the server's metadata."""
        return JSONResponse(
            {"name": "credit-express", "version": __version__, "extensions": EXTENSIONS}
        )  # fmt: skip

    async def metadata(self, request: Request) -> Response:
        """Return a model's inputs, outputs and versions."""
        found = self._find(request)
        return JSONResponse(found.metadata(self._catalog.versions(request.path_params["name"])))

    async def ready(self, request: Request) -> Response:
        """Say that a model is ready; one that is not ready is not served."""
        self._find(request)
        return JSONResponse({"name": request.path_params["name"], "ready": True})

    async def repository(self, _: Request) -> Response:
        """Refuse what only the admin port answers."""
        raise OipError(404, "the repository is answered on the admin port (--admin-port)")

    async def absent(self, request: Request) -> Response:
        """Refuse inference by a model that is not served; each other has a handler."""
        raise OipError(404, self._catalog.absent(*self._named(request)))

    def _find(self, request: Request) -> Infer:
        name, version = self._named(request)
        if version is None:
            newest = self._catalog.newest(name)
            version = newest.manifest.version if newest else None
        found = self._infer.get((name, version or ""))
        if found is None:
            raise OipError(404, self._catalog.absent(name, version))
        return found

    def _named(self, request: Request) -> tuple[str, str | None]:
        """Return the name and version in the path, the key checked first."""
        self._services.keys.check(dict(request.scope["headers"]), "score")
        return request.path_params["name"], request.path_params.get("version")
