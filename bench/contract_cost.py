"""The cost of the HTTP contract: this server against the bare scoring callable, in pairs.

  python -m bench.contract_cost measure --model models/credit-express/1 \\
      --rows models/credit-express/held-out.parquet
  python -m bench.contract_cost render

`bare` is the minimum for a score: plain uvicorn, decode, score, record, answer. It has no limits,
queue bound, metrics, keys, deadline, trace, negotiation, idempotency or access log. Each round
measures every mode, in rotating order, and compares it with `bare` of the same round.
"""

import hashlib
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from server import run, settings
from server.http.new_id import new_id
from server.http.services import Services, open_services
from server.metrics.counters import Table
from server.scoring import answer, catalog
from server.scoring.codec import JSON

from . import marks, result
from .load import paired
from .load.body import json_of
from .load.paired import CONNECTIONS
from .result import Row

DOCUMENT = Path(__file__).parent.parent / "docs" / "http.md"
NAME = "contract_cost"
KEY = "a key that is no secret"
FIELDS = (
    f"x-api-key: {KEY}\r\nx-request-id: loan-4711\r\nx-request-timeout-ms: 1000\r\naccept: */*\r\n"
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
)
# Mode -> settings, and header fields the client sends.
MODES: dict[str, tuple[dict[str, str], str]] = {
    "bare": ({}, ""),
    "access log off": ({"access_log": "0"}, ""),
    "as by default": ({}, ""),
    "API key, request id, deadline, trace, Accept; access log off": ({"access_log": "0"}, FIELDS),
}


def bare(services: Services) -> Callable[..., Any]:
    """Return the bare scoring callable."""
    model, recorder = services.catalog.default, services.recorder
    build, lines = answer.builder(model, JSON), recorder.writer(model.tag)

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        message = await receive()
        body = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        request_id, began = new_id(), time.perf_counter()
        said = model.score(body, JSON)
        took = (time.perf_counter() - began) * 1e6
        recorder.append(lines.write(request_id, 0, said, took, body))
        recorder.flush()
        encoded = JSON.encode(build(request_id, said))
        head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(encoded))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": encoded})

    return app


def serve(model: str, port: int, folder: str, mode: str) -> None:
    """Run a server with one worker in this process, without an access log."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    given: dict[str, Any] = {"model": model, "port": port, "log_dir": f"{folder}/log"}
    given |= MODES[mode][0]
    if MODES[mode][1]:
        digest = hashlib.sha256(KEY.encode()).hexdigest()
        line = {"id": "bench", "sha256": digest, "scopes": ["score"]}
        (Path(folder) / "keys").write_text(json.dumps(line))
        given["keys"] = f"{folder}/keys"
    chosen = settings.read({}, given)
    if mode != "bare":
        run.run(chosen)
        return
    Path(chosen.log_dir).mkdir()
    services = open_services(chosen, catalog.load_all(chosen), Table(1), 0)
    uvicorn.run(
        bare(services), port=port, loop="uvloop", http="httptools", ws="none", lifespan="off",
        log_config=None, access_log=False, server_header=False, proxy_headers=False,
    )  # fmt: skip


def measure(model: Path, rows: Path, rounds: int, seconds: int) -> list[Row]:
    """Return a row for each round: microseconds per request, by mode."""
    requests = {mode: json_of(rows, fields.encode()) for mode, (_, fields) in MODES.items()}
    found = paired.compare(serve, model, requests, rounds, seconds)
    return [{mode: row["cpu_us"] for mode, row in each.items()} for each in found]


def table(measured: result.Result) -> str:
    """Return the result as markdown."""
    rounds, host = measured.rows, measured.host
    lines = ["| | processor time a request | against bare, paired: median, and the middle half |",
             "|---|---|---|"]  # fmt: skip
    for mode in MODES:
        usual = statistics.median(each[mode] for each in rounds)
        shares = [each[mode] / each["bare"] - 1 for each in rounds]
        low, middle, high = statistics.quantiles(shares, n=4)
        against = "" if mode == "bare" else f"{middle:+.1%} ({low:+.1%} to {high:+.1%})"
        lines.append(f"| {mode} | {usual:.1f} µs | {against} |")
    names = ("python", "uvicorn", "msgspec", "onnxruntime")
    versions = ", ".join(f"{name} {measured.versions[name]}" for name in names)
    about = (
        f"{len(rounds)} rounds of {measured.method['seconds']} s a mode, one worker, "
        f"{CONNECTIONS} connections on the same machine; {measured.measured}, commit "
        f"{measured.commit}, {host.cpu}, {host.cores} cores, load average {host.load_average} "
        f"before; {versions}."
    )
    return "\n".join([*lines, "", about]) + "\n"


def main() -> None:
    """Measure, or write the committed result into the document."""
    args = paired.arguments(NAME, __doc__, rounds=24, seconds=1, out=result.FOLDER)
    if args.verb == "measure":
        method = {"rounds": args.rounds, "seconds": args.seconds, "connections": CONNECTIONS}
        made = result.make(NAME, False, method, [])
        rows = measure(args.model, args.rows, args.rounds, args.seconds)
        result.write(msgspec.structs.replace(made, rows=rows), args.out)
    elif found := result.read(NAME):
        marks.fill(DOCUMENT, NAME, table(found))


if __name__ == "__main__":
    main()
