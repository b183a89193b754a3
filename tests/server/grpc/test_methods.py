"""The calls beside ModelInfer, and health, over a real channel."""

import json
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from server import __version__
from server.grpc import health_pb2
from server.grpc import inference_pb2 as pb
from tests.conftest import Running, Serve
from tests.server.grpc.calling import call, channel_to, refused

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def health(channel: grpc.Channel, method: str, service: str) -> Any:
    make = channel.unary_unary if method == "Check" else channel.unary_stream
    asked = make(
        f"/grpc.health.v1.Health/{method}",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    return asked(health_pb2.HealthCheckRequest(service=service), timeout=60)


def test_the_server_is_live_and_ready(channel: grpc.Channel) -> None:
    assert call(channel, "ServerLive", pb.ServerLiveRequest(), pb.ServerLiveResponse).live
    assert call(channel, "ServerReady", pb.ServerReadyRequest(), pb.ServerReadyResponse).ready


def test_the_servers_metadata(channel: grpc.Channel) -> None:
    said = call(channel, "ServerMetadata", pb.ServerMetadataRequest(), pb.ServerMetadataResponse)
    assert (said.name, said.version) == ("credit-express", __version__)


def test_a_model_is_ready_or_not_found(channel: grpc.Channel) -> None:
    ask = pb.ModelReadyRequest(name="small", version="1")
    assert call(channel, "ModelReady", ask, pb.ModelReadyResponse).ready
    error = refused(
        lambda: call(channel, "ModelReady", pb.ModelReadyRequest(name="x"), pb.ModelReadyResponse)
    )
    assert error.code() is grpc.StatusCode.NOT_FOUND


def test_a_models_metadata_is_that_of_http(server: Running, channel: grpc.Channel) -> None:
    said = call(
        channel, "ModelMetadata", pb.ModelMetadataRequest(name="small"), pb.ModelMetadataResponse
    )
    found = httpx.get(f"{server.url}/v2/models/small").json()
    assert (said.name, [*said.versions], said.platform) == (
        found["name"], found["versions"], found["platform"]
    )  # fmt: skip
    for kind in ("inputs", "outputs"):
        assert [
            {"name": each.name, "datatype": each.datatype, "shape": [*each.shape]}
            for each in getattr(said, kind)
        ] == found[kind]
    by_feature = json.loads(said.properties["inputs_by_feature"])
    assert by_feature == found["parameters"]["inputs_by_feature"]


def test_the_index_names_what_is_served(channel: grpc.Channel) -> None:
    said = call(channel, "RepositoryIndex", pb.RepositoryIndexRequest(), pb.RepositoryIndexResponse)
    assert [(each.name, each.version, each.state) for each in said.models] == [
        ("small", "1", "READY")
    ]


def test_an_unknown_method_is_named_with_those_there_are(channel: grpc.Channel) -> None:
    method = channel.unary_unary("/inference.GRPCInferenceService/ModelStreamInfer")
    error = refused(lambda: method(b"", timeout=60))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert error.details().startswith(
        "no method /inference.GRPCInferenceService/ModelStreamInfer; there is ServerLive, "
    )


@pytest.mark.parametrize("service", ["", "inference.GRPCInferenceService"])
def test_health_says_serving(channel: grpc.Channel, service: str) -> None:
    assert health(channel, "Check", service).status == SERVING


def test_health_knows_no_other_service(channel: grpc.Channel) -> None:
    assert refused(lambda: health(channel, "Check", "x")).code() is grpc.StatusCode.NOT_FOUND
    watch = health(channel, "Watch", "x")
    assert next(watch).status == UNKNOWN
    watch.cancel()


def test_a_watch_is_told_of_the_drain_and_ends_with_the_server(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    with serve(bundle, tmp_path, "--grpc-port", "0") as running, channel_to(running) as channel:
        watch = health(channel, "Watch", "")
        assert next(watch).status == SERVING
        running.process.terminate()
        assert next(watch).status == NOT_SERVING
        assert refused(lambda: next(watch)).code() is grpc.StatusCode.UNAVAILABLE
        running.process.wait(timeout=60)
