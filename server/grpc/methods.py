"""The calls beside ModelInfer: health, metadata, what is served."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from google.protobuf.message import DecodeError, Message

from .. import __version__
from ..http.problem import Problem
from ..http.services import Services
from ..oip.infer import Infer
from ..scoring.catalog import Key
from . import health_pb2, inference_pb2
from .infer import served

SERVICE = "inference.GRPCInferenceService"
PATH = b"/" + SERVICE.encode() + b"/"
HEALTH = b"/grpc.health.v1.Health/"
INFER, WATCH = PATH + b"ModelInfer", HEALTH + b"Watch"
EXTENSIONS = ["model_repository"]
Status = health_pb2.HealthCheckResponse
Health = health_pb2.HealthCheckResponse.ServingStatus
Method = Callable[[bytes], bytes]


class Methods:
    """The methods by path; each takes an encoded message and returns one, or raises Problem."""

    def __init__(self, services: Services, infers: Mapping[Key, Infer]) -> None:
        self._services, self._infers = services, infers
        pb = inference_pb2
        # Like their paths over HTTP, these ask for no key.
        self.open: dict[bytes, Method] = {
            PATH + b"ServerLive": self._of(pb.ServerLiveRequest, self.server_live),
            PATH + b"ServerReady": self._of(pb.ServerReadyRequest, self.server_ready),
            PATH + b"ServerMetadata": self._of(pb.ServerMetadataRequest, self.server_metadata),
            HEALTH + b"Check": self._of(health_pb2.HealthCheckRequest, self.check),
        }
        self.keyed: dict[bytes, Method] = {
            PATH + b"ModelReady": self._of(pb.ModelReadyRequest, self.model_ready),
            PATH + b"ModelMetadata": self._of(pb.ModelMetadataRequest, self.model_metadata),
            PATH + b"RepositoryIndex": self._of(pb.RepositoryIndexRequest, self.index),
        }

    @staticmethod
    def _of(kind: type[Message], method: Callable[[Any], Message]) -> Method:
        def call(data: bytes) -> bytes:
            try:
                request = kind.FromString(data)
            except DecodeError as error:
                raise Problem(400, f"not a {kind.DESCRIPTOR.name}: {error}") from error
            answer: bytes = method(request).SerializeToString()
            return answer

        return call

    def names(self) -> list[str]:
        """Return the names of all methods of the inference service."""
        paths = [*self.open, *self.keyed, INFER]
        return [path[len(PATH) :].decode() for path in paths if path.startswith(PATH)]

    def server_live(self, _: Any) -> Message:
        """Say that the process answers."""
        return inference_pb2.ServerLiveResponse(live=True)

    def server_ready(self, _: Any) -> Message:
        """Return whether new calls should come here."""
        return inference_pb2.ServerReadyResponse(ready=not self._services.unready())

    def server_metadata(self, _: Any) -> Message:
        """Return the server's metadata."""
        return inference_pb2.ServerMetadataResponse(
            name="credit-express", version=__version__, extensions=EXTENSIONS
        )

    def model_ready(self, request: inference_pb2.ModelReadyRequest) -> Message:
        """Say that a model is ready; one that is not ready is not served. Raises Problem 404."""
        served(self._services, request.name, request.version)
        return inference_pb2.ModelReadyResponse(ready=True)

    def model_metadata(self, request: inference_pb2.ModelMetadataRequest) -> Message:
        """Return a model's inputs, outputs and versions; raises Problem 404."""
        key = served(self._services, request.name, request.version)
        found = self._infers[key].metadata(self._services.catalog.versions(request.name))
        properties = {
            name: msgspec.json.encode(value).decode() for name, value in found["parameters"].items()
        }
        tensors = {name: [inference_pb2.ModelMetadataResponse.TensorMetadata(**each)
                   for each in found[name]] for name in ("inputs", "outputs")}  # fmt: skip
        return inference_pb2.ModelMetadataResponse(
            name=found["name"], versions=found["versions"], platform=found["platform"],
            properties=properties, **tensors,
        )  # fmt: skip

    def index(self, _: Any) -> Message:
        """Return what is served; all of it is ready."""
        models = [
            inference_pb2.RepositoryIndexResponse.ModelIndex(
                name=each.name, version=each.version, state=each.state
            )
            for each in self._services.catalog.listing()
        ]
        return inference_pb2.RepositoryIndexResponse(models=models)

    def check(self, request: health_pb2.HealthCheckRequest) -> Message:
        """Return the health of the server, or of the inference service; raises Problem 404."""
        if request.service not in {"", SERVICE}:
            raise Problem(404, f"no service {request.service}; there is {SERVICE}")
        return health_pb2.HealthCheckResponse(status=self.status())

    def watched(self, data: bytes) -> Health | None:
        """Return a Watch's first status if it is final, else None; raises Problem 400."""
        try:
            service = health_pb2.HealthCheckRequest.FromString(data).service
        except DecodeError as error:
            raise Problem(400, f"not a HealthCheckRequest: {error}") from error
        return None if service in {"", SERVICE} else Status.SERVICE_UNKNOWN

    def status(self) -> Health:
        """Return the server's health as gRPC names it."""
        return Status.NOT_SERVING if self._services.unready() else Status.SERVING
