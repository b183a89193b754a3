"""What is put under load: ours in its encodings, and the limits; the peers are in peers.py."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from ..workload.models import Workload
from . import body
from .body import Encode

OURS_FLAGS = ("--access-log", "0", "--log-level", "error")


class Subject(msgspec.Struct, frozen=True):
    """A server: how to start it (workload, port, log folder) and what to send it.

    It is started in `folder`, with `variables` added to our environment.
    """

    name: str
    label: str
    kind: str
    command: Callable[[Workload, int, Path], list[str]]
    encode: Callable[[Workload], Encode]
    environment: str | None = None
    folder: Path | None = None
    variables: Mapping[str, str] = {}


def ours(*flags: str) -> Callable[[Workload, int, Path], list[str]]:
    """Return the command that starts this server: one worker, the record on, no access log.

    Settings are the defaults except `flags`; each variant is a line in SUBJECTS.
    """

    def command(workload: Workload, port: int, folder: Path) -> list[str]:
        start = [sys.executable, "-m", "server", "--model", str(workload.bundle)]
        return [*start, "--port", str(port), "--log-dir", str(folder), *OURS_FLAGS, *flags]

    return command


def limit(kind: str) -> Callable[[Workload, int, Path], list[str]]:
    """Return the command that starts a limit."""
    command = [sys.executable, "-m", "bench.limits", kind, "--port"]
    return lambda workload, port, folder: [*command, str(port)]


def oip(workload: Workload) -> Encode:
    """Return the encoder for this model's inference path."""
    return body.oip_binary(f"/v2/models/{workload.size.name}/infer")


def oip_batches(workload: Workload) -> Encode:
    """Return the encoder of batches."""
    return body.oip_batches(f"/v2/models/{workload.size.name}/infer")


def oip_json(workload: Workload) -> Encode:
    """Return the encoder for JSON, which MLServer and KServe are sent."""
    return body.oip_json(f"/v2/models/{workload.size.name}/infer")


SUBJECTS = (
    Subject("protocol", "empty asyncio protocol", "limit", limit("protocol"), lambda _: body.json),
    Subject("asgi", "empty ASGI app", "limit", limit("asgi"), lambda _: body.json),
    Subject(
        "starlette", "empty Starlette endpoint", "limit", limit("starlette"), lambda _: body.json
    ),
    Subject("json", "this server, JSON", "ours", ours(), body.json_of_model),
    Subject(
        "asgi_path",
        "this server, JSON, ASGI path",
        "ours",
        ours("--fast-lane", "off"),
        lambda _: body.json,
    ),
    Subject("msgpack", "this server, MessagePack", "ours", ours(), lambda _: body.message_pack),
    Subject("oip", "this server, OIP binary", "ours", ours(), oip),
    Subject("oip_json", "this server, OIP JSON", "ours", ours(), oip_json),
    Subject(
        "onnxruntime",
        "this server, JSON, onnxruntime",
        "ours",
        ours("--engine", "onnxruntime"),
        lambda _: body.json,
    ),
)
IN_BATCHES = Subject(
    "oip_batch", "this server, OIP binary, 1,000 rows", "ours", ours(), oip_batches
)
BY_NAME = {each.name: each for each in (*SUBJECTS, IN_BATCHES)}
OURS = BY_NAME["json"]
