"""ModelInfer over gRPC: this server beside MLServer, calls a second and processor time a call.

  python -m bench.grpc_calls measure --out bench/results/grpc.json   (two minutes)
  python -m bench.grpc_calls render

Both servers run at once on one core, and are called in turn from the other by h2load (Debian:
nghttp2-client): one row a call, one call at a time and 32, on one connection. A Python client would
be what is measured. Beside them, the same model over HTTP with binary tensors, by wrk.
"""

import argparse
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import grpc
import msgspec

from server.grpc.inference_pb2 import ModelInferRequest

from . import environments, marks, result
from .load import saturation, subjects
from .load.peers import PEERS
from .load.servers import GENERATOR_CORE, Running, free_port, on_core, running
from .load.subjects import Subject
from .load.wrk import WrkError
from .progress import say
from .result import Result, Row
from .workload import models
from .workload.models import Workload

NAME = "grpc"
RESULTS = Path(__file__).parent / "results" / f"{NAME}.json"
DOCUMENT = Path(__file__).parent.parent / "docs" / "grpc.md"
SAID = re.compile(
    r"finished in [^,]+, (?P<rate>[\d.]+) req/s.*?(?P<done>\d+) done, (?P<good>\d+) succeeded", re.S
)
METHOD = "/inference.GRPCInferenceService/ModelInfer"
CONCURRENT, DISTINCT = (1, 32), 500
PEER = "mlserver"


def measure(rounds: int, seconds: int) -> Result:
    """Return the medians over the rounds; raises ServerError, PeerError, WrkError."""
    if shutil.which("h2load") is None:
        raise WrkError("h2load is absent: on Debian or Ubuntu: apt install nghttp2-client")
    environments.build(PEER)
    workload = models.build(models.MIDDLE)
    with ExitStack() as stack:
        called = [stack.enter_context(running(each, workload, requests(each, workload)))
                  for each in (own(), peer())]  # fmt: skip
        ways = {"this server": caller(called[0], workload.size.name, workload),
                "MLServer": caller(called[1], "credit", workload),
                "this server, HTTP binary": over_http(called[0])}  # fmt: skip
        found: dict[tuple[str, int], list[Row]] = {}
        for number in range(rounds + 1):  # the first warms up
            for way, call in ways.items():
                for concurrent in CONCURRENT:
                    say(f"gRPC {number}/{rounds}: {way} x{concurrent}")
                    row = call(concurrent, seconds if number else 1)
                    if number:
                        found.setdefault((way, concurrent), []).append(row)
    method = {"rounds": rounds, "seconds a run": seconds,
              "model": workload.size.name}  # fmt: skip
    return result.make(NAME, False, method, [merged(*key, rows) for key, rows in found.items()])


def own() -> Subject:
    """Return this server with both doors; its port of gRPC is in its variables."""
    port = str(free_port())
    plain = subjects.BY_NAME["oip"]
    return msgspec.structs.replace(
        plain, command=subjects.ours("--grpc-port", port), variables={"MLSERVER_GRPC_PORT": port}
    )


def peer() -> Subject:
    """Return MLServer with a port of gRPC that we know."""
    plain = next(each for each in PEERS if each.name == PEER)
    more = {"MLSERVER_GRPC_PORT": str(free_port())}
    return msgspec.structs.replace(plain, variables={**plain.variables, **more})


def requests(subject: Subject, workload: Workload) -> list[bytes]:
    """Return the same rows over HTTP; a server counts as started when it has answered one."""
    return subject.encode(workload)(workload.rows(DISTINCT))


def caller(server: Running, model: str, workload: Workload) -> Callable[[int, int], Row]:
    """Return what calls a server: so many calls at a time, for so many seconds."""
    port = int(server.subject.variables["MLSERVER_GRPC_PORT"])
    message = message_of(model, workload)

    def call(concurrent: int, seconds: int) -> Row:
        check(port, message)
        before = server.cpu_seconds()
        row = drive(port, message, concurrent, seconds)
        used = server.cpu_seconds() - before
        check(port, message)
        return {**row, "cpu_us": used / row["samples"] * 1e6}

    return call


def over_http(server: Running) -> Callable[[int, int], Row]:
    """Return what sends the same rows over HTTP, by wrk."""
    return lambda connections, seconds: saturation.saturate_measured(server, connections, seconds)


def message_of(model: str, workload: Workload) -> bytes:
    """Return a call with one row as one raw tensor."""
    row = workload.rows(1)[0]
    message: bytes = ModelInferRequest(
        model_name=model, raw_input_contents=[row.astype("<f8").tobytes()],
        inputs=[{"name": "X", "datatype": "FP64", "shape": [1, len(row)]}],
    ).SerializeToString()  # fmt: skip
    return message


def check(port: int, message: bytes) -> None:
    """Call once; raises grpc.RpcError if that is not answered, which h2load does not see."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        channel.unary_unary(METHOD)(message, timeout=30)


def drive(port: int, message: bytes, concurrent: int, seconds: int) -> Row:
    """Run h2load on the generator's core; raises WrkError."""
    with tempfile.NamedTemporaryFile() as body, on_core(GENERATOR_CORE):
        body.write(b"\0" + len(message).to_bytes(4, "big") + message)
        body.flush()
        command = ["h2load", "-c", "1", "-m", str(concurrent), "-D", str(seconds), "-d", body.name]
        command += ["-H", "content-type: application/grpc", "-H", "te: trailers"]
        command.append(f"http://127.0.0.1:{port}{METHOD}")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = SAID.search(done.stdout)
    if done.returncode or found is None or int(found["good"]) != int(found["done"]):
        raise WrkError(f"h2load: {done.stderr.strip() or done.stdout.strip()}")
    return {"per_second": float(found["rate"]), "samples": int(found["good"])}


def merged(way: str, concurrent: int, rows: Sequence[Row]) -> Row:
    """Return the medians of the rounds."""
    names = ("per_second", "cpu_us")
    middle = {name: median(float(row[name]) for row in rows) for name in names}
    return {"way": way, "concurrent": concurrent, **middle}


def table(found: Result) -> str:
    """Return the results as markdown."""
    lines = [
        "| one row a call | calls at a time | processor time a call | against MLServer | "
        "calls a second |",
        "|---|---|---|---|---|",
    ]
    theirs = {row["concurrent"]: row["cpu_us"] for row in found.rows if row["way"] == "MLServer"}
    for row in found.rows:
        share = row["cpu_us"] / theirs[row["concurrent"]]
        lines.append(
            f"| {row['way']} | {row['concurrent']} | {row['cpu_us']:.0f} µs | {share:.2f} | "
            f"{row['per_second']:,.0f} |"
        )
    host, method = found.host, found.method
    about = (
        f"Model {method['model']}, record on, {method['rounds']} rounds of "
        f"{method['seconds a run']} s a cell in turn, one worker on one core, h2load (HTTP: wrk, "
        f"over as many connections) on the other. {found.measured}, commit {found.commit}, "
        f"{host.cpu}, load average {host.load_average} before."
    )
    return "\n".join([*lines, "", about]) + "\n"


def main() -> None:
    """Measure, or write the committed results into the document."""
    parser = argparse.ArgumentParser(
        "python -m bench.grpc_calls", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("verb", choices=("measure", "render"))
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=3, help="of each run")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    if given.verb == "measure":
        result.write(measure(given.rounds, given.seconds), given.out.parent)
    elif (found := result.read(NAME)) is not None:
        marks.fill(DOCUMENT, NAME, table(found))


if __name__ == "__main__":
    main()
