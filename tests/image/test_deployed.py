"""The image as deploy/ runs it: a manifest's user, root, mounts, settings, probes and end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.container import IMAGE, Container, docker, free_port, skip_without_image
from tests.golden import bits, golden
from tests.manifests import COMPOSE, DEPLOY, composed, pods
from tests.waiting import until

MODELS = Path(__file__).parents[2] / "models" / "credit-express"
NOBODY = 65532


@pytest.fixture(scope="module", autouse=True)
def _image() -> None:
    skip_without_image()


def volume(pod: dict[str, Any], folder: Path) -> Path:
    """Make a volume as the kubelet does: its group is fsGroup; without one everybody may write."""
    folder.mkdir()
    group = pod.get("securityContext", {}).get("fsGroup")
    os.chown(folder, 0, group or 0)
    folder.chmod(0o2775 if group else 0o777)
    return folder


def locked(pod: dict[str, Any], container: dict[str, Any]) -> list[str]:
    """Return docker's options for a pod's and its container's security contexts."""
    rules = {**pod.get("securityContext", {}), **container["securityContext"]}
    assert rules["readOnlyRootFilesystem"] is True
    assert rules["allowPrivilegeEscalation"] is False
    dropped = [f"--cap-drop={each}" for each in rules["capabilities"]["drop"]]
    user = f"--user={rules['runAsUser']}:{rules.get('runAsGroup', 0)}"
    group = [f"--group-add={rules['fsGroup']}"] if "fsGroup" in rules else []
    return ["--read-only", "--security-opt=no-new-privileges", *dropped, user, *group]


@contextmanager
def started(
    options: list[str], arguments: list[str], port: int, image: str = IMAGE
) -> Iterator[Container]:
    name = docker("run", "--detach", "--network=host", *options, image, *arguments)
    try:
        yield Container(name, port)
    finally:
        docker("rm", "--force", "--volumes", name)


def scored_exactly(up: Container) -> None:
    rows, _, wanted = golden(MODELS / "1")
    answers = [httpx.post(f"{up.url}/score", json=row).raise_for_status().json() for row in rows]
    assert bits([answer["probability"] for answer in answers]) == bits(wanted)


def answers(up: Container, probe: dict[str, Any]) -> bool:
    try:
        return httpx.get(up.url + probe["httpGet"]["path"]).status_code == 200
    except httpx.TransportError:
        return False


def ready(up: Container, probe: dict[str, Any]) -> None:
    """Ask as the kubelet does, until it would give up."""
    seconds = probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3)
    until(lambda: answers(up, probe), max(seconds, 30))


@pytest.mark.parametrize("place", [0, 1], ids=["kubernetes", "kserve"])
def test_a_pod_comes_up_scores_and_drains_as_its_manifest_says(place: int, tmp_path: Path) -> None:
    pod = pods()[place]
    container = pod["containers"][0]
    port = free_port()
    log = volume(pod, tmp_path / "log")
    options = [*locked(pod, container), f"--volume={log}:/log", f"--volume={MODELS}:/mnt/models:ro"]
    moved = [f"--port={port}" if a.startswith("--port=") else a for a in container["args"]]
    assert [each["mountPath"] for each in container["volumeMounts"]] == ["/log"]
    with started(options, moved, port) as up:
        ready(up, container.get("startupProbe", container["readinessProbe"]))
        assert answers(up, container["livenessProbe"])
        scored_exactly(up)
        docker("kill", "--signal=TERM", up.name)
        until(lambda: not answers(up, container["readinessProbe"]))
        scored_exactly(up)  # while the balancers still send
        assert docker("wait", up.name) == "0"
    assert list(log.rglob("*.jsonl"))


def mounted(mount: str) -> str:
    """Return docker's option for a mount of the compose file; a named volume starts empty."""
    source, rest = mount.split(":", 1)
    named = not source.startswith((".", "/"))
    if named:
        return f"--volume={rest.removesuffix(':ro')}"
    return f"--volume={(COMPOSE / source).resolve()}:{rest}"


def test_the_server_of_the_compose_file_comes_up_and_scores() -> None:
    service = composed()["services"]["server"]
    port = free_port()
    options = [
        *(mounted(each) for each in service["volumes"]),
        *(f"--cap-drop={each}" for each in service["cap_drop"]),
        "--read-only", f"--user={service['user']}", f"--env=CREDIT_PORT={port}",
    ]  # fmt: skip
    with started(options, service["command"], port) as up:
        up.wait()
        scored_exactly(up)


def test_an_image_made_for_a_model_serves_that_model_alone(bundle: Path) -> None:
    own = f"{IMAGE}-own-{os.getpid()}"
    build = ["build", f"--file={DEPLOY / 'model' / 'Dockerfile'}", f"--build-arg=IMAGE={IMAGE}"]
    docker(*build, f"--tag={own}", str(bundle))
    port = free_port()
    try:
        with started(["--read-only", f"--env=CREDIT_PORT={port}"], [], port, own) as up:
            up.wait()
            served = httpx.get(f"{up.url}/models").json()["models"]
        assert [each["name"] for each in served] == ["small"]
    finally:
        docker("rmi", "--force", own)
