"""Many clients at once, slow ones and deaf ones: the queue has its length, and nobody holds it."""

import json
import re
import socket
from contextlib import suppress
from pathlib import Path
from threading import Thread

import httpx

from tests.conftest import Serve
from tests.server.asking import counted, post, stopped
from tests.server.wire import BODY, FIT, sender
from tests.waiting import until

BOTH_LANES = True


def test_slow_clients_are_closed_and_others_are_not_kept_waiting(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """200 half heads and 50 half bodies; the long form holds 1,000."""
    with serve(bundle, tmp_path, "--head-seconds", "1", "--body-seconds", "2") as up:
        head = b"POST /score HTTP/1.1\r\nHost: x\r\n"
        slow = [sender(up.port, head) for _ in range(200)]
        length = b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
        slow += [sender(up.port, head + length) for _ in range(50)]
        for _ in range(50):
            assert post(up).status_code == 200
        assert slow[0].recv(100).startswith(b"HTTP/1.1 408")
        assert slow[-1].recv(100).startswith(b"HTTP/1.1 408")
        text = httpx.get(f"{up.url}/metrics").text
        assert re.search(r"^credit_client_timeouts_total 250$", text, re.M)
        for each in slow:
            each.close()


def test_a_full_queue_is_a_503_with_retry_after(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    """Health is answered; the connection stays open and the next request on it is scored.

    The worker is stopped while the requests arrive, so that it finds all of them at once.
    """
    with serve(bundle, tmp_path, "--max-in-flight", "1") as up:
        batch = json.dumps([FIT] * 100).encode()
        head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        senders = [sender(up.port, head) for _ in range(20)]
        rest = b"Content-Length: %d\r\n\r\n" % len(batch) + batch
        asking = sender(up.port, b"")
        with stopped(up, connected=len(senders) + 1):
            for each in senders:
                each.sendall(rest)
            asking.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert asking.recv(12) == b"HTTP/1.1 200"
        firsts = [each.recv(12) for each in senders]
        assert firsts.count(b"HTTP/1.1 200") >= 1
        assert firsts.count(b"HTTP/1.1 503") >= 1
        shed = senders[firsts.index(b"HTTP/1.1 503")]
        assert b"retry-after: 1" in shed.recv(65536)
        again = head + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
        shed.sendall(again)
        sooner = 0
        while (said := shed.recv(65536))[:12] != b"HTTP/1.1 200":  # the queue is not empty yet
            assert said[:12] == b"HTTP/1.1 503"
            assert (sooner := sooner + 1) < 50
            shed.sendall(again)
        name = 'credit_requests_total{endpoint="score",status="503"}'
        assert counted(up, name) == firsts.count(b"HTTP/1.1 503") + sooner
        for each in (*senders, asking):
            each.close()


def test_the_queue_is_as_long_as_said_where_bodies_end_together(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """Thirty heads come while nobody waits, and all their bodies at once afterwards."""
    with serve(bundle, tmp_path, "--max-in-flight", "2") as up:
        batch = json.dumps([FIT] * 1000).encode()
        head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        head += b"Content-Length: %d\r\n\r\n" % len(batch)
        senders = [sender(up.port, head + batch[:1]) for _ in range(30)]
        with stopped(up, connected=len(senders)):
            for each in senders:
                each.sendall(batch[1:])
        firsts = [each.recv(12) for each in senders]
        assert set(firsts) == {b"HTTP/1.1 200", b"HTTP/1.1 503"}
        shed = senders[firsts.index(b"HTTP/1.1 503")]
        shed.settimeout(60)
        assert b"retry-after: 1" in shed.recv(65536)
        shed.sendall(head + batch)
        assert shed.recv(9) == b"HTTP/1.1 "
        for each in senders:
            each.close()


def test_clients_that_take_no_answer_do_not_hold_the_queue(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """Each would else keep a place in it for ever; ending them is no error of ours."""
    flags = ("--max-in-flight", "8", "--answer-seconds", "1")
    with serve(bundle, tmp_path, *flags) as up:
        batch = json.dumps([FIT] * 1000).encode()
        head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        request = head + b"Content-Length: %d\r\n\r\n" % len(batch) + batch
        deaf = [sender(up.port, b"", receives=4096) for _ in range(2)]
        sending = [Thread(target=send_all, args=(each, request * 40)) for each in deaf]
        for thread in sending:
            thread.start()
        until(lambda: counted(up, "credit_client_timeouts_total") == 2, 60)
        for connection, thread in zip(deaf, sending, strict=True):
            thread.join()
            connection.close()
        assert post(up).status_code == 200
        assert counted(up, "credit_unhandled_errors_total") == 0


def send_all(connection: socket.socket, data: bytes) -> None:
    """Send until the server cuts the connection."""
    connection.settimeout(60)
    with suppress(OSError):
        connection.sendall(data)
