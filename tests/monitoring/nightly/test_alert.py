"""A change of verdict is told once, over a real socket and by a real command."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest

from monitoring.__main__ import main
from monitoring.nightly import alert, output
from tests.drift_files import rows, write_bundle, write_log


class Hook(HTTPServer):
    """A webhook that answers with the given codes, then with 200, and keeps what it was sent."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.file = folder / "webhook"
        self.file.write_text(f"{self.url}\n")
        self.answers: list[int] = []
        self.bodies: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        code = self.server.answers.pop(0) if self.server.answers else 200
        if code == 200:
            self.server.bodies.append(json.loads(body))
        self.send_response(code)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hook]:
    with Hook(tmp_path_factory.mktemp("hook")) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A bundle, a quiet log and a shifted one."""
    folder = tmp_path_factory.mktemp("alert")
    model = write_bundle(folder / "tiny" / "1", rows(3000, 0))
    shifted = rows(600, 2).assign(AGE=lambda t: t["AGE"] + 25)
    return model, write_log(folder / "quiet", rows(600, 1)), write_log(folder / "moved", shifted)


def drift(model: Path, log: Path, out: Path, *alerts: str) -> int:
    given = ["--model", str(model), "--log", str(log), "--out", str(out), "--no-report"]
    return main(["drift", *given, *alerts])


def test_only_a_change_is_told(hook: Hook, places: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Stable, stable, drift, drift, stable: two messages."""
    model, quiet, moved = places
    codes = [
        drift(model, log, tmp_path, "--alert-webhook", str(hook.file))
        for log in (quiet, quiet, moved, moved, quiet)
    ]
    assert codes == [0, 0, 1, 1, 0]
    assert [body["status"] for body in hook.bodies] == ["drift", "stable"]
    assert "AGE" in hook.bodies[0]["text"]


def test_a_failing_webhook_is_tried_again_within_the_run(
    hook: Hook, places: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    model, _, moved = places
    drift(model, moved, tmp_path)
    hook.answers = [500, 503]
    assert alert.tell(output.read(tmp_path), tmp_path, None, hook.url, pause=0.01) == ["webhook"]
    assert len(hook.bodies) == 1


def test_what_was_not_delivered_is_told_by_the_next_run(
    hook: Hook, places: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    model, _, moved = places
    drift(model, moved, tmp_path)
    hook.answers = [500] * alert.ATTEMPTS
    found = output.read(tmp_path)
    with pytest.raises(alert.AlertError, match="not delivered"):
        alert.tell(found, tmp_path, None, hook.url, pause=0.01)
    assert alert.tell(found, tmp_path, None, hook.url, pause=0.01) == ["webhook"]
    assert alert.tell(found, tmp_path, None, hook.url, pause=0.01) == []
    assert len(hook.bodies) == 1


def test_the_command_gets_the_alert_on_its_stdin(
    places: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    model, _, moved = places
    told = tmp_path / "told"
    command = f"sh -c 'echo $CREDIT_DRIFT_STATUS >> {told}; cat >> {told}'"
    for _ in range(2):
        assert drift(model, moved, tmp_path / "out", "--alert-command", command) == 1
    status, body = told.read_text().split("\n")
    assert status == "drift"
    assert json.loads(body)["model"] == "tiny"


def test_a_failing_command_does_not_hide_the_verdict(
    places: tuple[Path, Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alert, "FIRST_PAUSE", 0.01)
    model, _, moved = places
    assert drift(model, moved, tmp_path, "--alert-command", "false") == 1
    assert (
        "--alert-command: not delivered in 4 attempts, the next run tries again: false"
        in capsys.readouterr().err
    )


def test_a_state_file_cut_short_is_no_state(
    hook: Hook, places: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    model, _, moved = places
    (tmp_path / alert.STATE).write_text('{"webh')
    assert drift(model, moved, tmp_path, "--alert-webhook", str(hook.file)) == 1
    assert len(hook.bodies) == 1


def test_one_channel_that_fails_does_not_silence_the_other(
    hook: Hook, places: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    """A mail command that is broken for weeks: the chat is told, and told once."""
    model, _, moved = places
    drift(model, moved, tmp_path)
    found = output.read(tmp_path)
    for _ in range(2):
        with pytest.raises(alert.AlertError, match=r"--alert-command: .*false: exit code 1"):
            alert.tell(found, tmp_path, "false", hook.url, pause=0.001)
    assert len(hook.bodies) == 1
    assert alert.tell(found, tmp_path, "true", hook.url, pause=0.001) == ["command"]


@pytest.mark.parametrize("code", [301, 302, 307, 404])
def test_a_redirect_is_no_delivery(
    hook: Hook, places: tuple[Path, Path, Path], tmp_path: Path, code: int
) -> None:
    """Followed, it would become a GET of some login page, which answers 200."""
    model, _, moved = places
    drift(model, moved, tmp_path)
    hook.answers = [code] * alert.ATTEMPTS
    with pytest.raises(alert.AlertError, match=f"HTTP Error {code}"):
        alert.tell(output.read(tmp_path), tmp_path, None, hook.url, pause=0.001)
    assert not hook.bodies


@pytest.mark.parametrize("url", ["http://[secret", "http://127.0.0.1:1/secret", "ftp://secret", ""])
def test_an_address_that_leads_nowhere_is_an_error_that_keeps_its_secret(url: str) -> None:
    with pytest.raises(alert.AlertError) as caught:
        alert.post(url, b"{}")
    assert "secret" not in str(caught.value)


def test_an_answer_that_is_no_http_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as connection:
                connection.recv(10_000)
                connection.sendall(b"what?\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(alert.AlertError, match="what"):
            alert.post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}")
        thread.join()


def test_a_command_that_hangs_is_ended(places: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """It would hold the state file, and with it every later run."""
    model, _, moved = places
    drift(model, moved, tmp_path)
    with pytest.raises(alert.AlertError, match="timed out"):
        alert.run_command("sleep 600", output.read(tmp_path), b"{}", patience=0.2)


@pytest.mark.parametrize("content", ["[]", "null", '{"webhook": 3}', "drift"])
def test_a_state_file_of_another_shape_is_no_state(
    hook: Hook, places: tuple[Path, Path, Path], tmp_path: Path, content: str
) -> None:
    model, _, moved = places
    (tmp_path / alert.STATE).write_text(content)
    assert drift(model, moved, tmp_path, "--alert-webhook", str(hook.file)) == 1
    assert len(hook.bodies) == 1


def test_a_new_level_and_a_new_version_are_news(
    hook: Hook, places: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    """The state is model, version, status and level, and nothing else: figures move every day."""
    model, _, moved = places
    drift(model, moved, tmp_path)
    found = output.read(tmp_path)
    for change, told in (
        ({}, 1),
        ({"reasons": ["another"], "time": "2026-11-24T00:00:00+00:00"}, 1),
        ({"level": "small"}, 2),
        ({"model": msgspec.structs.replace(found.model, version="2")}, 3),
    ):
        alert.tell(msgspec.structs.replace(found, **change), tmp_path, None, hook.url)
        assert len(hook.bodies) == told


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        (b"", "wanted one address, got 0 words"),
        (b" \n\t\n", "wanted one address, got 0 words"),
        (b"https://chat.example.org/a https://chat.example.org/b", "got 2 words"),
        (b"https://chat.example.org/secret\n# ours", "got 3 words"),
        (b"chat.example.org/secret", "wanted an address of http:// or https://"),
        (b"ftp://chat.example.org/secret", "wanted an address of http:// or https://"),
        (b"HOOK=https://chat.example.org/secret", "wanted an address of http:// or https://"),
        (b"\xff\xfe\x00", "can't decode"),
        ("folder", "Is a directory"),
    ],
)
def test_a_file_without_one_address_is_refused_before_anything_is_read(
    places: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    content: bytes | str | None, said: str,
) -> None:  # fmt: skip
    """The file is named, what stands in it is not repeated."""
    file, out = tmp_path / "webhook", tmp_path / "out"
    if content == "folder":
        file.mkdir()
    elif isinstance(content, bytes):
        file.write_bytes(content)
    assert drift(*places[:2], out, "--alert-webhook", str(file)) == 3
    error = capsys.readouterr().err
    assert f"--alert-webhook: {file}: " in error
    assert said in error
    assert "secret" not in error
    assert not out.exists()


@pytest.mark.parametrize("scheme", ["http://", "https://", "HTTPS://", "ftp://", "https:/"])
def test_an_address_is_no_argument(
    places: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], scheme: str
) -> None:
    """Every user of a machine may read the arguments of its processes."""
    given = f"{scheme}chat.example.org/secret"
    assert drift(*places[:2], tmp_path / "out", "--alert-webhook", given) == 3
    error = capsys.readouterr().err
    assert "--alert-webhook: wanted a file that holds the address, got an address" in error
    assert "secret" not in error
