"""Start the server on the committed model, score a real applicant, hold the answer to LightGBM's.

python -m models.demo --model models/credit-express/1 --applicant APPLICANT.json

Only the process started here is asked, and it ends with this one, however that ends.
"""

import argparse
import ctypes
import errno
import hashlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import IO, Any, NoReturn, cast

import lightgbm as lgb
import pandas as pd

PR_SET_PDEATHSIG = 1  # Linux
STOP_SECONDS = 60


def main() -> None:
    """Start, ask, compare; then leave the server running until Ctrl-C, or stop it with --once."""
    options = _arguments()
    _refuse_a_taken_port(options.host, options.port)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with _server(options) as (server, ready):
            equal = demonstrate(options, ready)
            if equal and not options.once:
                _stay(server, ready["url"])
    except KeyboardInterrupt:
        sys.exit("stopped before there was an answer")
    sys.exit(0 if equal else 1)


def _stay(server: "subprocess.Popen[str]", url: str) -> None:
    with suppress(KeyboardInterrupt):
        print(f"\nThe server goes on at {url}/score: Ctrl-C stops it.", flush=True)
        sys.exit(f"the server ended by itself, exit code {server.wait()}")


def demonstrate(options: argparse.Namespace, ready: dict[str, Any]) -> bool:
    """Print the server's answer beside LightGBM's own and return whether every bit is the same."""
    body = options.applicant.read_bytes()
    answer = post(ready, body)
    refuse_another_model(answer, options.model)
    expected = predict(options.model / "model.txt", json.loads(body))
    equal = bool(answer["probability"] == expected)
    print(f"\nAn applicant of {options.applicant}, posted to {ready['url']}/score:")
    print(json.dumps(answer, indent=2))
    print(f"server    {answer['probability']!r}  {float(answer['probability']).hex()}")
    print(f"LightGBM  {expected!r}  {expected.hex()}")
    print("equal in every bit" if equal else "NOT EQUAL", flush=True)
    return equal


def refuse_another_model(answer: dict[str, Any], bundle: Path) -> None:
    """Exit unless the answer names the model file of `bundle`."""
    wanted = hashlib.sha256((bundle / "model.onnx").read_bytes()).hexdigest()
    came = answer.get("model", {}).get("sha256")
    if came != wanted:
        sys.exit(f"the answer is of model {came}, not of {bundle}, which is {wanted}")


def predict(model: Path, applicant: dict[str, Any]) -> float:
    """Return LightGBM's own probability for one applicant, a dict of feature name to value."""
    booster = lgb.Booster(model_file=model)
    row = pd.DataFrame([applicant], columns=booster.feature_name())
    nominal = [name for name, kind in _kinds(booster).items() if kind == "category"]
    row = row.astype(dict.fromkeys(nominal, "category"))
    return float(booster.predict(row, num_threads=1)[0])


def _kinds(booster: lgb.Booster) -> dict[str, str]:
    """Tell the categorical features from the numbers: only theirs are listed as `a:b:c`."""
    infos = next(
        line.removeprefix("feature_infos=").split()
        for line in booster.model_to_string(num_iteration=1).splitlines()
        if line.startswith("feature_infos=")
    )
    kinds = ["number" if info[0] == "[" or info == "none" else "category" for info in infos]
    return dict(zip(booster.feature_name(), kinds, strict=True))


@contextmanager
def _server(options: argparse.Namespace) -> Iterator[tuple["subprocess.Popen[str]", Any]]:
    """Yield the server's process and what it printed when it was ready; stop it in the end."""
    command = [sys.executable, "-m", "server", "--model", str(options.model)]
    command += ["--host", options.host, "--port", str(options.port)]
    server = subprocess.Popen(  # noqa: S603 - our own server
        command, stdout=subprocess.PIPE, text=True, preexec_fn=_end_with_parent
    )
    try:
        yield server, _ready(server)
    finally:
        server.terminate()
        server.wait(STOP_SECONDS)


def _ready(server: "subprocess.Popen[str]") -> dict[str, Any]:
    """Return the line that says where this very server listens; hand on all it prints."""
    printed = cast(IO[str], server.stdout)
    line = printed.readline()
    if not line:
        sys.exit(f"the server did not start, exit code {server.wait()}: its message stands above")
    print(line, end="", flush=True)
    rest = (printed, sys.stdout)
    threading.Thread(target=shutil.copyfileobj, args=rest, daemon=True).start()
    ready: dict[str, Any] = json.loads(line)
    return ready


def _end_with_parent() -> None:
    """Have the kernel stop this process when its parent is gone, even by SIGKILL."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def post(ready: dict[str, Any], body: bytes) -> dict[str, Any]:
    """Return the answer to one applicant; straight to the socket, past any proxy."""
    connection = HTTPConnection(ready["host"], ready["port"], timeout=10)
    headers = {"Content-Type": "application/json", "Connection": "close"}
    connection.request("POST", "/score", body, headers)
    reply = connection.getresponse()
    said = reply.read()
    if reply.status != 200:
        sys.exit(f"the server answered {reply.status}: {said.decode()}")
    answer: dict[str, Any] = json.loads(said)
    return answer


def _refuse_a_taken_port(host: str, port: int) -> None:
    if _is_taken(host, port):
        free = next(other for other in range(port + 1, 65536) if not _is_taken(host, other))
        sys.exit(f"port {port} is taken: make serve PORT={free}")


def _is_taken(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        return error.errno == errno.EADDRINUSE  # the server itself says what else is wrong
    return False


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, metavar="BUNDLE")
    parser.add_argument("--applicant", type=Path, required=True, metavar="JSON")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--once", action="store_true", help="stop the server after the answer")
    return parser.parse_args()


if __name__ == "__main__":
    main()
