"""A server with both doors, and a channel to it."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from tests.conftest import Running, Serve
from tests.server.grpc.calling import channel_to


@pytest.fixture(scope="module")
def server(
    bundle: Path, serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A server with gRPC, shared by the tests of a module."""
    with serve(bundle, tmp_path_factory.mktemp("log"), "--grpc-port", "0") as up:
        yield up


@pytest.fixture(scope="module")
def channel(server: Running) -> Iterator[grpc.Channel]:
    """A channel that the tests of a module share."""
    with channel_to(server) as opened:
        yield opened
