"""gRPC under load: python -m tests.long.grpc_long kills swaps terms sheds (--rounds 20).

`kills`: kill -9 of all processes at random moments. `swaps`: reloads. `terms`: SIGTERM.
`sheds`: eight times the calls that the queue has room for. In each, every call that was answered is
in the record, with the same bits; in swaps no call fails, elsewhere none with another code than
UNAVAILABLE. Ends in an AssertionError where that does not hold.
"""

import argparse
import os
import random
import shutil
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import msgspec
import numpy as np

from server.grpc.inference_pb2 import ModelInferRequest, ModelInferResponse
from tests.conftest import ROOT, Running, running
from tests.long.crash_log import start

MODEL = ROOT / "models" / "credit-express" / "1"
INFER = "/inference.GRPCInferenceService/ModelInfer"
WIDTH, MOST_ROWS, CLIENTS, CHANNELS = 23, 20, 16, 4
FLAGS = ("--grpc-port", "0", "--access-log", "0")


@dataclass
class Load:
    """What clients were answered, by request id, and how calls ended."""

    port: int
    answers: dict[str, bytes] = field(default_factory=dict)
    codes: Counter[str] = field(default_factory=Counter)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self, clients: int, during: Callable[[], None]) -> None:
        """Call from so many threads while `during` runs."""
        own = [("grpc.use_local_subchannel_pool", 1), ("grpc.initial_reconnect_backoff_ms", 100)]
        channels = [grpc.insecure_channel(f"127.0.0.1:{self.port}", own) for _ in range(CHANNELS)]
        threads = [
            threading.Thread(target=self._client, args=(number, channels[number % CHANNELS]))
            for number in range(clients)
        ]
        for each in threads:
            each.start()
        try:
            during()
        finally:
            self.ended.set()
            for thread in threads:
                thread.join()
            for channel in channels:
                channel.close()

    def _client(self, number: int, channel: grpc.Channel) -> None:
        method = channel.unary_unary(INFER, response_deserializer=ModelInferResponse.FromString)
        draw, count = np.random.default_rng(number), 0
        while not self.ended.is_set():
            rows = np.zeros((int(draw.integers(1, MOST_ROWS)), WIDTH))
            rows[:, 0] = draw.uniform(1e4, 5e5, len(rows))
            name, count = f"{os.getpid()}-{id(self)}-{number}-{count}", count + 1
            request = ModelInferRequest(
                model_name="credit-express", id=name, outputs=[{"name": "prediction"}],
                inputs=[{"name": "X", "datatype": "FP64", "shape": rows.shape}],
                raw_input_contents=[rows.tobytes()],
            )  # fmt: skip
            try:
                said = method(request.SerializeToString(), timeout=60)
                self.answers[said.id] = said.raw_output_contents[0]
                self.codes["OK"] += 1
            except grpc.RpcError as error:
                self.codes[error.code().name] += 1
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    self.codes[error.details()] += 1
                time.sleep(0.01)

    def check(self, log: Path, *failures: str) -> int:
        """Compare the answers with the record; return how many there were."""
        assert set(self.codes) <= {"OK", *failures}, self.codes
        found = recorded(log)
        missing = [name for name, said in self.answers.items() if found.get(name) != said]
        assert not missing, f"{len(missing)} answers not in the record, such as {missing[0]}"
        return len(self.answers)


def recorded(log: Path) -> dict[str, bytes]:
    """Return the predictions of each request, in the order of its rows."""
    rows: dict[str, dict[int, float]] = {}
    for file in log.glob("*.jsonl"):
        for line in file.read_bytes().splitlines(True):
            if line.endswith(b"\n") and b'"kind":"score"' in line:
                each = msgspec.json.decode(line)
                rows.setdefault(each["request_id"], {})[each["index"]] = each["prediction"]
    return {name: np.array([found[i] for i in sorted(found)]).tobytes()
            for name, found in rows.items()}  # fmt: skip


def grpc_port(server_log: Path) -> int:
    """Return the port from the line that says that the server is ready."""
    while not (text := (server_log / "stdout").read_text()).endswith("\n"):
        time.sleep(0.02)
    return int(msgspec.json.decode(text.splitlines()[0])["grpc_port"])


def kills(folder: Path, rounds: int) -> str:
    """Kill all processes at random moments."""
    total, draw = 0, random.Random(time.time_ns())
    for number in range(rounds):
        log = folder / f"kill-{number}" / "log"
        log.mkdir(parents=True)
        process = start(MODEL, log, *FLAGS)
        load = Load(grpc_port(log.parent))

        def kill(pid: int = process.pid) -> None:
            time.sleep(draw.uniform(0.1, 0.8))
            os.killpg(pid, signal.SIGKILL)

        try:
            load.run(CLIENTS, kill)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        total += load.check(log, "UNAVAILABLE")
    return f"{rounds} kills: {total:,} answers received, 0 missing from the record"


def swaps(folder: Path, rounds: int) -> str:
    """Reload under load: two workers after two others."""
    log = folder / "swaps"
    log.mkdir()
    with running(MODEL, log, "--workers", "2", *FLAGS) as up:
        load = Load(grpc_port(log))
        load.run(CLIENTS, lambda: reload(up, rounds))
    return f"{rounds} reloads: {load.check(log):,} answers received, no call failed"


def reload(server: Running, rounds: int) -> None:
    for _ in range(rounds):
        before = set(server.workers())
        os.kill(server.process.pid, signal.SIGHUP)
        while before & set(server.workers()):
            time.sleep(0.05)
        time.sleep(0.2)


def terms(folder: Path, rounds: int) -> str:
    """Stop under load."""
    total, codes = 0, Counter[str]()
    for number in range(rounds):
        log = folder / f"term-{number}"
        log.mkdir()
        with running(MODEL, log, "--workers", "2", *FLAGS) as up:
            load = Load(grpc_port(log))

            def stop(server: Running = up) -> None:
                time.sleep(0.5)
                server.process.terminate()
                server.process.wait()

            load.run(CLIENTS, stop)
        total += load.check(log, "UNAVAILABLE")
        codes += load.codes
    return f"{rounds} stops: {total:,} answers received, 0 missing from the record; {dict(codes)}"


def sheds(folder: Path, rounds: int) -> str:
    """Call more than the queue has room for."""
    log = folder / "sheds"
    log.mkdir()
    with running(MODEL, log, "--max-in-flight", "8", *FLAGS) as up:
        load = Load(grpc_port(log))
        load.run(64, lambda: time.sleep(rounds / 2))
        assert up.process.poll() is None
    assert load.codes["UNAVAILABLE"], "nothing was shed"
    return f"shed: {load.check(log, 'UNAVAILABLE'):,} answers, {dict(load.codes)}"


FORMS = {"kills": kills, "swaps": swaps, "terms": terms, "sheds": sheds}


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.long.grpc_long", description=__doc__)
    parser.add_argument("forms", nargs="*", default=[*FORMS], help=", ".join(FORMS))
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    for name in options.forms:
        print(FORMS[name](folder, options.rounds), flush=True)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
