"""The messages: generated code is what protoc makes, and no field number differs from KServe's."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from server.grpc import health_pb2, inference_pb2
from tests.conftest import ROOT

PYTHON = ROOT / ".venv-clients" / "bin" / "python"
MADE = ("inference_pb2.py", "inference_pb2.pyi", "health_pb2.py", "health_pb2.pyi")
# Prints {message: {field: [number, kind]}} of a client's own messages.
FIELDS = """
import json, sys, importlib
found = {}
def walk(message):
    found[message.full_name] = {f.name: [f.number, f.type] for f in message.fields}
    for inner in message.nested_types:
        walk(inner)
for name in sys.argv[1:]:
    for message in importlib.import_module(name).DESCRIPTOR.message_types_by_name.values():
        walk(message)
print(json.dumps(found))
"""


def ran(*command: str) -> str:
    if not PYTHON.exists():
        pytest.skip(".venv-clients is absent: make setup-dev")
    done = subprocess.run([str(PYTHON), *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_committed_code_is_what_protoc_makes(tmp_path: Path) -> None:
    source = ROOT / "server" / "grpc"
    protos = [str(each) for each in sorted(source.glob("*.proto"))]
    ran("-m", "grpc_tools.protoc", "-I", str(source), f"--python_out={tmp_path}",
        f"--pyi_out={tmp_path}", *protos)  # fmt: skip
    for name in MADE:
        assert (tmp_path / name).read_text() == (source / name).read_text(), "make proto"


@pytest.mark.parametrize(
    "module", ["kserve.protocol.grpc.grpc_predict_v2_pb2", "tritonclient.grpc.service_pb2"]
)
def test_every_field_has_the_number_and_kind_that_others_give_it(module: str) -> None:
    theirs: dict[str, dict[str, Any]] = json.loads(ran("-c", FIELDS, module))
    shared = 0
    for message, fields in fields_of(inference_pb2).items():
        for name, place in fields.items():
            if name in theirs.get(message, {}):
                assert theirs[message][name] == place, f"{message}.{name}"
                shared += 1
    assert shared > 50


def fields_of(module: Any) -> dict[str, dict[str, list[int]]]:
    found: dict[str, dict[str, list[int]]] = {}

    def walk(message: Any) -> None:
        found[message.full_name] = {each.name: [each.number, each.type] for each in message.fields}
        for inner in message.nested_types:
            walk(inner)

    for message in module.DESCRIPTOR.message_types_by_name.values():
        walk(message)
    return found


def test_health_has_the_numbers_of_the_standard() -> None:
    status = health_pb2.HealthCheckResponse.ServingStatus
    assert {name: status.Value(name) for name in status.keys()} == {  # noqa: SIM118
        "UNKNOWN": 0, "SERVING": 1, "NOT_SERVING": 2, "SERVICE_UNKNOWN": 3,
    }  # fmt: skip
