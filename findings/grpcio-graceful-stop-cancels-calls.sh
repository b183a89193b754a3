#!/bin/bash
# A graceful stop of grpcio's asyncio server cancels calls that have arrived.
#
# Surprising: `await server.stop(grace)` is documented to let the calls in progress end within `grace`
# seconds. A call that is in the server but was not yet handed to Python ends at once with CANCELLED,
# however long the grace: the client did nothing wrong, and CANCELLED is no status that clients retry.
# So each rolling restart of a loaded server loses calls. Below, twenty calls are sent at once to a
# handler that keeps the event loop for 20 ms; during the third the server is stopped, with 30 s of grace.
# Versions: grpcio 1.85.3 (Python 3.11). Source: seen at a restart under load; MLServer, KServe and
# BentoML serve their gRPC with this server.
# Who meets it: whoever restarts such a server behind clients that do not retry CANCELLED.
# Way out: take the server out of the balancer first, and stop it when no call comes any more.
# Output seen:
#   answered: True, cancelled: True, all 20 ended: True, seconds of grace used: 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q grpcio==1.85.3
"$folder/venv/bin/python" - > "$folder/out" <<'PY'
import asyncio
import threading
import time

import grpc
import grpc.aio

CALLS, GRACE = 20, 30
port, ready, ends = [], threading.Event(), []


def client() -> None:
    ready.wait()
    with grpc.insecure_channel(f"127.0.0.1:{port[0]}") as channel:
        method = channel.unary_unary("/a.B/C")
        for call in [method.future(b"", timeout=60) for _ in range(CALLS)]:
            ends.append(call.code().name)


async def main() -> None:
    begun, stop = 0, asyncio.Event()

    async def handle(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        nonlocal begun
        begun += 1
        time.sleep(0.02)  # a busy server
        if begun == 3:
            stop.set()
        return b""

    server = grpc.aio.server()
    handlers = {"C": grpc.unary_unary_rpc_method_handler(handle)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("a.B", handlers),))
    port.append(server.add_insecure_port("127.0.0.1:0"))
    await server.start()
    ready.set()
    await stop.wait()
    began = time.monotonic()
    await server.stop(GRACE)
    took = time.monotonic() - began
    await asyncio.to_thread(thread.join)
    print(f"answered: {'OK' in ends}, cancelled: {'CANCELLED' in ends}, "
          f"all {CALLS} ended: {len(ends) == CALLS}, seconds of grace used: {took:.0f}")


thread = threading.Thread(target=client)
thread.start()
asyncio.run(main())
PY
cat "$folder/out"
diff "$folder/out" - <<'OUT'
answered: True, cancelled: True, all 20 ended: True, seconds of grace used: 0
OUT
