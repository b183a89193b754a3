"""What is put under load: ours in three encodings, the limits, and the peers that are built."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from .. import environments
from ..workload.models import Workload
from . import body
from .body import Encode

Command = Callable[[Path, int], Sequence[str]]
PEERS = environments.PEERS
OURS_FLAGS = ("--access-log", "0", "--log-level", "error")


class Subject(msgspec.Struct, frozen=True):
    """A server: how it is started (python, port, log folder) and what it is sent."""

    name: str
    label: str
    kind: str
    command: Callable[[Workload, int, Path], list[str]]
    encode: Callable[[Workload], Encode]
    environment: str | None = None
    folder: Path | None = None


def ours(*flags: str) -> Callable[[Workload, int, Path], list[str]]:
    """Return what starts the product: one worker, the record on, no access log.

    Settings are as by default but for `flags`: a rung of the ladder is a line in SUBJECTS.
    """

    def command(workload: Workload, port: int, folder: Path) -> list[str]:
        start = [sys.executable, "-m", "server", "--model", str(workload.bundle)]
        return [*start, "--port", str(port), "--log-dir", str(folder), *OURS_FLAGS, *flags]

    return command


def limit(kind: str) -> Callable[[Workload, int, Path], list[str]]:
    """Return what starts a limit."""
    command = [sys.executable, "-m", "bench.limits", kind, "--port"]
    return lambda workload, port, folder: [*command, str(port)]


def fastapi(name: str) -> Callable[[Workload, int, Path], list[str]]:
    """Return what starts a FastAPI peer the way its documentation says: uvicorn app:app."""

    def command(workload: Workload, port: int, folder: Path) -> list[str]:
        python = environments.BUILD / name / "bin" / "python"
        return [str(python), "-m", "uvicorn", "app:app", "--port", str(port)]

    return command


def peer(name: str, label: str) -> Subject:
    """Return a FastAPI peer in bench/peers/<name>."""
    return Subject(
        name, label, "peer", fastapi(name), lambda _: body.json, name, PEERS / name
    )  # fmt: skip


def oip(workload: Workload) -> Encode:
    """Return the encoder for this model's inference path."""
    return body.oip_binary(f"/v2/models/{workload.size.name}/infer")


SUBJECTS = (
    Subject("protocol", "empty asyncio protocol", "limit", limit("protocol"), lambda _: body.json),
    Subject("asgi", "empty ASGI app", "limit", limit("asgi"), lambda _: body.json),
    Subject(
        "starlette", "empty Starlette endpoint", "limit", limit("starlette"), lambda _: body.json
    ),
    Subject("json", "this server, JSON", "ours", ours(), lambda _: body.json),
    Subject(
        "asgi_path",
        "this server, JSON, ASGI path",
        "ours",
        ours("--fast-lane", "off"),
        lambda _: body.json,
    ),
    Subject("msgpack", "this server, MessagePack", "ours", ours(), lambda _: body.message_pack),
    Subject("oip", "this server, OIP binary", "ours", ours(), oip),
    peer("fastapi_written", "FastAPI + pandas, as people write it"),
    peer("fastapi_tuned", "FastAPI, tuned"),
)


def environment(workload: Workload) -> dict[str, str]:
    """Return what every server is started with: no settings of ours, the peers' model."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CREDIT_")}
    return {**inherited, "PEER_MODEL": str(workload.text), "PYTHONUNBUFFERED": "1"}
