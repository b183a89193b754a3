#!/bin/bash
# uvicorn on httptools loses the body of a POST that offers HTTP/2, as Java's client does by default.
#
# Surprising: a client may offer another protocol (`Upgrade: h2c`) and a server that does not want it
# just answers in HTTP/1.1. uvicorn does, and logs "Unsupported upgrade request", but the application
# gets an empty body: the parser stops behind the head and what follows is dropped. On h11, uvicorn's
# other parser, the same request arrives whole.
# Versions: uvicorn 0.54.0, httptools 0.9.0, h11 0.16.0. Source: seen with java.net.http.HttpClient
# (its default) and `curl --http2`, which get a 400 or wait for an answer.
# Who meets it: who serves POSTs with uvicorn[standard], in clear text, to Java clients.
# Way out: HttpClient.Version.HTTP_1_1 in the client, --http h11 in the server, or a proxy between.
# Output seen:
#   httptools: the application got 0 of 5 bytes
#   h11: the application got 5 of 5 bytes
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q uvicorn==0.54.0 httptools==0.9.0 h11==0.16.0
"$folder/venv/bin/python" - > "$folder/out" <<'PY'
import socket
import threading
import time

import uvicorn

REQUEST = (
    b"POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAMAAABk\r\nContent-Length: 5\r\n\r\nhello"
)


async def app(scope, receive, send):
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    said = f"the application got {len(body)} of 5 bytes".encode()
    head = [(b"content-length", str(len(said)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": said})


for kind in ("httptools", "h11"):
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, http=kind, lifespan="off", log_level="critical")
    )
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    with socket.create_connection(listener.getsockname(), timeout=10) as client:
        client.sendall(REQUEST)
        answer = b""
        while part := client.recv(4096):
            answer += part
    print(f"{kind}: {answer.decode().splitlines()[-1]}")
    server.should_exit = True
    thread.join()
PY
cat "$folder/out"
diff - "$folder/out" <<'SEEN'
httptools: the application got 0 of 5 bytes
h11: the application got 5 of 5 bytes
SEEN
