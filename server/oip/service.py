"""The routes of the Open Inference Protocol v2, and its format of errors."""

from collections.abc import Awaitable, Callable
from time import perf_counter

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .. import __version__
from ..http.fields import check_deadline, check_encoding, request_id_of, trace_of
from ..http.ledger import Ledger
from ..http.message import ARRIVED
from ..http.problem import Problem
from ..http.services import Services
from .infer import Infer
from .wire import HEADER_LENGTH, OipError

EXTENSIONS = ["binary_tensor_data", "model_repository"]
Handler = Callable[[Request], Awaitable[Response]]


class Protocol:
    """The protocol for all models of the catalog."""

    def __init__(self, services: Services, ledger: Ledger) -> None:
        self._services = services
        self._catalog = services.catalog
        most, models = services.settings.max_batch, services.catalog.models
        self._infer = {key: Infer(model, ledger, most) for key, model in models.items()}

    def routes(self) -> list[Route]:
        """Return all routes except health, which depends on draining."""
        model, version = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"
        routes = [Route(path, self.server) for path in ("/v2", "/v2/")]
        for base in (model, version):
            routes += [
                Route(base, answering(self.metadata)),
                Route(f"{base}/ready", answering(self.ready)),
                Route(f"{base}/infer", answering(self.infer), methods=["POST"]),
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

    async def infer(self, request: Request) -> Response:
        """Score the rows of a tensor."""
        fields = dict(request.scope["headers"])
        found = self._find(request)  # check the key first
        check_encoding(fields)
        request_id = request_id_of(fields)
        body, now = await request.body(), perf_counter()
        check_deadline(fields, now - request.scope.get(ARRIVED, now))
        answer, json_length = found.answer(body, fields.get(HEADER_LENGTH), request_id)
        head = {"x-request-id": request_id}
        if trace := trace_of(fields):
            head["traceparent"] = trace.decode()
        if json_length is None:
            return Response(answer, media_type="application/json", headers=head)
        head[HEADER_LENGTH.decode()] = str(json_length)
        return Response(answer, media_type="application/octet-stream", headers=head)

    def _find(self, request: Request) -> Infer:
        self._services.keys.check(dict(request.scope["headers"]), "score")
        name, version = request.path_params["name"], request.path_params.get("version")
        if version is None:
            newest = self._catalog.newest(name)
            version = newest.manifest.version if newest else None
        found = self._infer.get((name, version or ""))
        if found is None:
            raise OipError(404, self._catalog.absent(name, version))
        return found


def answering(handler: Handler) -> Handler:
    """Return a handler that reports refusals as {"error": …}."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except OipError as error:
            return failure(error.status, str(error))
        except Problem as problem:
            head = {k.decode(): v.decode() for k, v in problem.headers}
            return failure(problem.status, problem.detail, head)

    return handle


def failure(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """Return the protocol's error."""
    return JSONResponse({"error": message}, status, headers)
