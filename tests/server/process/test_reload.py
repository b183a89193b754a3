"""A reload of what does not load: one line and a 409, and nothing else changes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.bundle.manifest import BundleError
from server.process.trial import prove
from server.scoring.care import Begin, Care, Proof
from server.scoring.catalog import load_all
from server.settings import read
from tests.bundle_damage import made_to_agree
from tests.conftest import ROOT, Running, Serve
from tests.ports import free_ports
from tests.server.wire import FIT

pytestmark = pytest.mark.slow

Manifest = dict[str, Any]
WORKERS: dict[int, list[int]] = {}  # of a server that came up, by its port


@pytest.fixture(scope="module")
def home(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models in which small/1 is whole."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(bundle, folder / "small" / "1")
    return folder


@pytest.fixture(scope="module")
def up(home: Path, serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server over `home`, with an admin port right above its own."""
    port = free_ports()
    flags = ("--port", str(port), "--admin-port", str(port + 1), "--load-seconds", "20")
    with serve(home, tmp_path_factory.mktemp("log"), *flags) as running:
        WORKERS[running.port] = running.workers()
        yield running


@pytest.fixture
def second(home: Path) -> Iterator[Path]:
    """A copy of small/1 as small/2, to be damaged; gone afterwards."""
    place = home / "small" / "2"
    shutil.copytree(home / "small" / "1", place)
    manifest = json.loads((place / "manifest.json").read_bytes()) | {"version": "2"}
    (place / "manifest.json").write_text(json.dumps(manifest))
    made_to_agree(place)
    yield place
    shutil.rmtree(place, ignore_errors=True)


def refused(up: Running, path: str = "/models/reload", status: int = 409) -> str:
    """Ask for a change that must fail and leave all as it was; return what is said."""
    answer = httpx.post(f"http://127.0.0.1:{up.port + 1}{path}", timeout=60)
    assert answer.status_code == status
    error: str = answer.json()["error"]
    assert "\n" not in error
    assert len(error) <= 2000
    assert "Traceback" not in error
    assert set(WORKERS[up.port]) <= set(up.workers())
    served = httpx.get(f"{up.url}/models").json()["models"]
    assert [model["version"] for model in served] == ["1"]
    assert httpx.post(f"{up.url}/score", json=FIT).json()["model"]["version"] == "1"
    return error


def in_manifest(change: Callable[[Manifest], object]) -> Callable[[Path], None]:
    def damage(place: Path) -> None:
        manifest = json.loads((place / "manifest.json").read_bytes())
        change(manifest)
        (place / "manifest.json").write_text(json.dumps(manifest))
        made_to_agree(place)

    return damage


def in_file(name: str, content: bytes) -> Callable[[Path], None]:
    def damage(place: Path) -> None:
        (place / name).write_bytes(content)
        made_to_agree(place)

    return damage


def in_golden(change: Callable[[Any], object]) -> Callable[[Path], None]:
    def damage(place: Path) -> None:
        golden = json.loads((place / "golden.json").read_bytes())
        change(golden["rows"])
        in_file("golden.json", json.dumps(golden).encode())(place)

    return damage


def renamed(name: str) -> Callable[[Path], None]:
    return in_manifest(lambda m: m["features"][1].update(name=name))


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a backslash in a name": (renamed("a\\b"), "without backslash, quote and control character"),
    "a quote in a name": (renamed('a"b'), "without backslash, quote and control character"),
    "a tab in a name": (renamed("a\tb"), "without backslash, quote and control character"),
    "a NUL in a name": (renamed("a\0b"), "without backslash, quote and control character"),
    "a code too few": (in_manifest(lambda m: m["features"][3]["codes"].pop()), "codes: wanted 4"),
    "a divisor of zero": (in_manifest(lambda m: m["transform"].update(divide_by=0)), "divisor"),
    "outputs beyond memory": (in_manifest(lambda m: m.update(outputs=10**13)), "outputs: wanted 1"),
    "no features": (in_manifest(lambda m: m.update(features=[])), "at least one"),
    "a feature too many": (
        in_manifest(lambda m: m["features"].append({**m["features"][0], "name": "more"})),
        "baseline: wanted 6 contributions, got 5",
    ),
    "no file named": (in_manifest(lambda m: m.update(files={})), "got no model.onnx"),
    "a file elsewhere": (
        in_manifest(lambda m: m["files"].update({"../1/model.txt": "0" * 64})),
        "beside the manifest",
    ),
    "no graph": (in_file("model.onnx", b""), "model.onnx"),
    "a graph that is text": (in_file("model.onnx", b"tree\nversion=v4\n"), "model.onnx"),
    "a golden row without a raw score": (in_golden(lambda rows: rows[2]["raw"].clear()), "row 2"),
    "a golden row too wide": (in_golden(lambda rows: rows[2]["row"].append(1.0)), "row 2"),
    "golden rows nested in golden rows": (in_file("golden.json", b"[" * 100_000), "golden.json"),
    "a manifest that is none": (in_file("manifest.json", b"\xff\xfe{}"), "manifest.json"),
    "a version that is there": (in_manifest(lambda m: m.update(version="1")), "is also in"),
    "a version that is a path": (in_manifest(lambda m: m.update(version="a/..")), "version"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_a_version_that_does_not_load_is_one_line_and_changes_nothing(
    up: Running, second: Path, name: str
) -> None:
    damage, said = DAMAGES[name]
    damage(second)
    assert said in refused(up)
    error = refused(up, "/v2/repository/models/small/load", 400)
    assert said in error
    up.process.send_signal(signal.SIGHUP)
    refused(up)


ODD: dict[str, Callable[[Path], object]] = {
    "gone": lambda place: None,
    "a FIFO": os.mkfifo,
    "a folder": Path.mkdir,
    "a device": lambda place: place.symlink_to("/dev/null"),
    "a link to itself": lambda place: place.symlink_to(place),
    "a link that leads out": lambda place: place.symlink_to(place.parents[1] / "1" / place.name),
    "too large": lambda place: truncated(place, 1 << 40),
}


def truncated(place: Path, size: int) -> None:
    place.touch()
    os.truncate(place, size)


@pytest.mark.parametrize("file", ["manifest.json", "SHA256SUMS", "model.onnx", "profile.json"])
@pytest.mark.parametrize("name", ODD)
def test_only_regular_files_of_the_bundle_itself_are_read(
    up: Running, second: Path, name: str, file: str
) -> None:
    """The server used to wait for a FIFO for ever, deaf to SIGTERM."""
    (second / file).unlink()
    ODD[name](second / file)
    if (name, file) == ("gone", "manifest.json"):
        return  # then it is no bundle at all
    assert f"{second / file}: " in refused(up)


def test_a_link_within_the_bundle_is_followed(up: Running, second: Path) -> None:
    """Kubernetes mounts a ConfigMap so."""
    (second / "..data").mkdir()
    for file in [each for each in second.iterdir() if each.is_file()]:
        file.rename(second / "..data" / file.name)
        file.symlink_to(Path("..data") / file.name)
    admin = f"http://127.0.0.1:{up.port + 1}"
    answer = httpx.post(f"{admin}/models/reload", timeout=60)
    assert (answer.status_code, len(answer.json()["models"])) == (200, 2)
    shutil.rmtree(second)
    assert httpx.post(f"{admin}/models/reload", timeout=60).status_code == 200
    WORKERS[up.port] = up.workers()[:1]


def test_a_process_that_cannot_be_started_is_a_409(up: Running, second: Path) -> None:
    """Not even a pipe: the server may hold no more files than it does."""
    import resource

    assert second.exists()
    before = resource.prlimit(up.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(up.process.pid, resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        assert "Too many open files" in refused(up)
    finally:
        resource.prlimit(up.process.pid, resource.RLIMIT_NOFILE, before)


def killed(number: signal.Signals) -> Callable[[Begin], Proof]:
    def work(begin: Begin) -> Proof:
        begin(Path("models/m/2"))
        os.kill(os.getpid(), number)
        return frozenset()

    return work


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGKILL])
def test_a_crash_while_loading_is_one_line(number: signal.Signals) -> None:
    """As a library's would be: it takes the process that tries, and no other."""
    with pytest.raises(BundleError) as error:
        prove(killed(number), 60)
    assert str(error.value) == f"models/m/2: loading it ended the process: {number.name}"


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (KeyError("a\nb"), r"KeyError: 'a\nb'"),
        (MemoryError(), "MemoryError: "),
        (SystemExit(0), "SystemExit: 0"),
        (KeyboardInterrupt(), "KeyboardInterrupt: "),
        (ValueError("x" * 100_000), "ValueError: " + "x" * 1988),
        (BundleError("m: two\nlines"), "m: two lines"),
        (OSError(5, "Input/output error"), "OSError: [Errno 5] Input/output error"),
        (RuntimeError("\udcff"), r"RuntimeError: \udcff"),
    ],
)
def test_whatever_loading_raises_is_one_line(raised: BaseException, said: str) -> None:
    def work(_: Begin) -> Proof:
        raise raised

    with pytest.raises(BundleError) as error:
        prove(work, 60)
    assert str(error.value) == said


def test_loading_that_never_ends_is_ended() -> None:
    def work(begin: Begin) -> Proof:
        begin(Path("models/m/2"))
        time.sleep(600)
        return frozenset()

    for seconds in (0.2, 2, 20):  # on a busy machine the process may not have begun
        with pytest.raises(BundleError, match=f"not loaded within {seconds} s$") as error:
            prove(work, seconds)
        if str(error.value).startswith("models/m/2: "):
            break
    assert str(error.value).startswith("models/m/2: ")


def test_only_the_bytes_that_were_tried_are_loaded(second: Path) -> None:
    chosen = read({}, {"model": str(second)})
    proof = load_all(chosen).proof()
    assert load_all(chosen, Care(proof=proof)).proof() == proof
    in_manifest(lambda m: m["policy"].update(refuse_at=0.1))(second)
    with pytest.raises(BundleError, match="changed since it was tried"):
        load_all(chosen, Care(proof=proof))


SLOW_TO_LOAD = """
import signal, sys, time
from server.metrics.counters import Table
from server.process.supervisor import Processes, Supervisor
def work(catalog, row, ready):
    ready()
    signal.sigwait([signal.SIGTERM, signal.SIGUSR1])
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
def load(care):
    print("loading", flush=True)
    open("/dev/stderr", "w")
    time.sleep(600)
processes = Processes(work, 1, Table(8), None, lambda: None, 1.0)
Supervisor(load, None, processes).run(lambda: print("ready", flush=True))
"""


def test_a_stop_is_heard_while_a_reload_takes_its_time() -> None:
    """Its process ends with it."""
    with subprocess.Popen(
        [sys.executable, "-c", SLOW_TO_LOAD], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        process.send_signal(signal.SIGHUP)
        while len(children.read_text().split()) < 2:
            time.sleep(0.01)
        trial = children.read_text().split()[1]
        process.terminate()
        assert process.wait(timeout=30) == 0
        assert not Path(f"/proc/{trial}").exists()
