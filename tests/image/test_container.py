"""The image as built: it scores the model's bits, holds nothing else, and writes only its log."""

import gzip
import io
import json
import os
import re
import signal
import stat
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
import msgspec
import pytest

from tests.container import DOCKER, IMAGE, LOCKED, Container, container, docker, skip_without_image
from tests.golden import bits, golden

BUNDLE = Path(__file__).parents[2] / "models" / "credit-express" / "1"
LIMIT_MB = 45.0
FORBIDDEN = re.compile(
    r"(^|/)((ba|da|z|k|a|c|tc)?sh|busybox|pip\d*|apt(-get)?|dpkg|gcc|cc|g\+\+|ld|as|make|perl"
    r"|curl|wget|ensurepip|lightgbm|onnx|pandas)$"
)


@pytest.fixture(scope="module", autouse=True)
def _image() -> None:
    skip_without_image()


@pytest.fixture(scope="module")
def up() -> Iterator[Container]:
    with container() as running:
        yield running


@pytest.fixture(scope="module")
def tree(up: Container) -> list[tarfile.TarInfo]:
    """Every file of the image."""
    data = subprocess.run([DOCKER, "export", up.name], capture_output=True, check=True).stdout
    return tarfile.open(fileobj=io.BytesIO(data)).getmembers()


def records(up: Container) -> list[dict[str, Any]]:
    """Return the prediction log, read from the volume."""
    with tarfile.open(fileobj=io.BytesIO(up.read("/log"))) as archive:
        files = [archive.extractfile(each) for each in archive if each.name.endswith(".jsonl")]
        return [json.loads(line) for file in files if file for line in file]


def test_json_answers_are_the_golden_bits_and_so_is_the_record(up: Container) -> None:
    rows, raw, wanted = golden(BUNDLE)
    answers = [httpx.post(f"{up.url}/score", json=row).raise_for_status().json() for row in rows]
    assert bits([answer["probability"] for answer in answers]) == bits(wanted)
    written = {each["request_id"]: each["raw"] for each in records(up)}
    assert bits([written[answer["request_id"]] for answer in answers]) == bits(raw)


def test_messagepack_answers_are_the_golden_bits(up: Container) -> None:
    rows, _, wanted = golden(BUNDLE)
    head = {"content-type": "application/msgpack", "accept": "application/msgpack"}
    done = httpx.post(f"{up.url}/score", content=msgspec.msgpack.encode(rows), headers=head)
    answers = msgspec.msgpack.decode(done.raise_for_status().content)
    assert bits([answer["probability"] for answer in answers]) == bits(wanted)


def test_nothing_is_written_outside_the_log_volume(up: Container) -> None:
    httpx.post(f"{up.url}/score", json=golden(BUNDLE)[0][0]).raise_for_status()
    assert up.changed() == []


def test_nothing_is_written_where_the_root_can_be_written() -> None:
    """Not because a read-only root forbids it: without that, the same."""
    with container(options=("--read-only=false",)) as free:
        httpx.post(f"{free.url}/score", json=golden(BUNDLE)[0][0]).raise_for_status()
        assert free.changed() == []


def test_it_holds_no_shell_no_installer_no_compiler(tree: list[tarfile.TarInfo]) -> None:
    programs = [each.name for each in tree if not each.isdir()]
    packages = [each.name for each in tree if each.isdir() and "dist-packages" in each.name]
    assert [name for name in programs + packages if FORBIDDEN.search(name)] == []


def test_no_file_can_be_written_by_everybody_or_lends_its_owners_rights(
    tree: list[tarfile.TarInfo],
) -> None:
    kept = [e for e in tree if not (e.issym() or e.isdev() or e.name.startswith(("dev", "proc")))]
    loose = stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID
    assert [e.name for e in kept if e.mode & loose] == []


def test_only_its_log_belongs_to_its_user(tree: list[tarfile.TarInfo]) -> None:
    """What runs cannot change what runs."""
    owned = {str(PurePosixPath(each.name)) for each in tree if each.uid == 65532}
    assert owned <= {"log", "home/nonroot"}


def test_it_is_made_to_run_as_nobody_and_without_a_shell() -> None:
    config = json.loads(docker("image", "inspect", "-f", "{{json .Config}}", IMAGE))
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["/usr/bin/python3.11", "-m", "server"]
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert config["ExposedPorts"] == {"8000/tcp": {}}
    assert config["Volumes"] == {"/log": {}}
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_its_probe_tells_ready_from_not(up: Container) -> None:
    probe = ["exec", up.name, "/usr/bin/python3.11", "-I", "/app/probe.py"]
    docker(*probe)
    wrong = [DOCKER, "exec", "--env", "CREDIT_PORT=1", *probe[1:]]
    assert subprocess.run(wrong, capture_output=True, check=False).returncode == 1


def test_it_starts_without_a_network_and_opens_one_socket() -> None:
    """Its network namespace, read from outside, knows the listener and no other address."""
    with container(network="none") as alone:
        lines = [
            line.split()
            for kind in ("tcp", "tcp6", "udp", "udp6")
            for line in Path(f"/proc/{alone.pid}/net/{kind}").read_text().splitlines()[1:]
        ]
    listening = "0A"
    assert [line[3] for line in lines] == [listening]


WATCHED = """
import runpy, sys
def hook(event, arguments):
    if event in {"pickle.find_class", "socket.connect", "subprocess.Popen", "os.system"}:
        print("AUDIT", event, arguments, file=sys.stderr, flush=True)
sys.addaudithook(hook)
sys.argv = ["server", *sys.argv[1:]]
runpy.run_module("server", run_name="__main__")
"""


def test_it_unpickles_nothing_connects_nowhere_and_starts_no_program() -> None:
    """numpy and multiprocessing import pickle; the interpreter's own audit says it is not used."""
    with container("-c", WATCHED, options=("--entrypoint", "/usr/bin/python3.11")) as watched:
        for row in golden(BUNDLE)[0]:
            httpx.post(f"{watched.url}/score", json=row).raise_for_status()
        done = subprocess.run([DOCKER, "logs", watched.name], capture_output=True, check=True)
    assert b"AUDIT" not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="the memory of another user's process is not shown")
@pytest.mark.parametrize(("workers", "limit_mib"), [(1, 80.0), (4, 100.0)])
def test_its_memory_stays_within_bounds(workers: int, limit_mib: float) -> None:
    """Proportional set size of all processes, when everything that is made late was made."""
    with container("--workers", str(workers)) as some:
        for path in ("/docs", "/metrics"):
            httpx.get(some.url + path).raise_for_status()
        for row in golden(BUNDLE)[0]:
            httpx.post(f"{some.url}/score", json=row).raise_for_status()
        children = Path(f"/proc/{some.pid}/task/{some.pid}/children").read_text().split()
        assert len(children) == workers
        assert sum(map(pss_mib, [some.pid, *map(int, children)])) <= limit_mib


def pss_mib(pid: int) -> float:
    found = re.search(r"^Pss: +(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
    assert found is not None
    return int(found[1]) / 1024


def test_a_killed_worker_is_replaced() -> None:
    with container("--workers", "2") as pair:
        children = Path(f"/proc/{pair.pid}/task/{pair.pid}/children")
        before = children.read_text().split()
        os.kill(int(before[0]), signal.SIGKILL)
        deadline = time.monotonic() + 20
        while len(after := children.read_text().split()) < 2 or before[0] in after:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        httpx.post(f"{pair.url}/score", json=golden(BUNDLE)[0][0]).raise_for_status()


class Caller(threading.Thread):
    """Sends requests over one connection until an answer says that it is the last."""

    def __init__(self, url: str, row: dict[str, Any]) -> None:
        super().__init__()
        self._url = url
        self._row = row
        self.answered = 0
        self.failed: list[str] = []

    def run(self) -> None:
        """`connection: close` is the end; whatever is not 200 is a failure."""
        with httpx.Client() as client:
            last = False
            while not last:
                try:
                    answer = client.post(f"{self._url}/score", json=self._row).raise_for_status()
                except httpx.HTTPError as error:
                    self.failed.append(repr(error))
                    return
                self.answered += 1
                last = answer.headers.get("connection") == "close"


def test_docker_stop_fails_no_request() -> None:
    """What was sent is answered, then the container ends with 0 inside its grace time."""
    with container("--workers", "2") as stopped:
        callers = [Caller(stopped.url, golden(BUNDLE)[0][0]) for _ in range(4)]
        for caller in callers:
            caller.start()
        while any(caller.answered < 20 for caller in callers):
            time.sleep(0.01)
        docker("stop", "--time", "30", stopped.name)
        for caller in callers:
            caller.join()
        assert [caller.failed for caller in callers] == [[], [], [], []]
        assert docker("inspect", "-f", "{{.State.ExitCode}}", stopped.name) == "0"


def test_another_model_is_mounted_over_the_one_inside(bundle: Path) -> None:
    """`bundle` is the test suite's own small model."""
    bundle.chmod(0o755)
    mount = f"{bundle}:/models/small/1:ro"
    with container("--model", "/models/small/1", options=("--volume", mount)) as other:
        models = httpx.get(f"{other.url}/models").raise_for_status().json()["models"]
    assert [model["name"] for model in models] == ["small"]


def test_it_is_no_larger_than_its_budget() -> None:
    """Compressed as a registry stores it."""
    one = docker("image", "inspect", "-f", "{{.Id}}", IMAGE)  # a name alone saves its every tag
    saved = subprocess.run([DOCKER, "save", one], capture_output=True, check=True).stdout
    assert len(gzip.compress(saved, 6)) / 1e6 <= LIMIT_MB


def test_a_log_folder_of_another_user_is_told_with_what_mends_it(tmp_path: Path) -> None:
    """Mounted from the host, where it belongs to whoever made it."""
    done = subprocess.run(
        [DOCKER, "run", "--rm", *LOCKED, "--network=none", f"--volume={tmp_path}:/log", IMAGE],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    owner = os.geteuid()
    assert f"user 65532 may not write to /log, which belongs to user {owner}" in done.stderr
    assert "chown 65532 it (in a container: what is mounted there)" in done.stderr
