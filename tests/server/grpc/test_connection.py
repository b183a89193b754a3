"""The connections of gRPC: bounds, keys, TLS, deadlines, the queue, and how they end."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from server.grpc import inference_pb2 as pb
from tests.conftest import Running, Serve, Trained
from tests.server.asking import counted, post, stopped
from tests.server.command import run
from tests.server.grpc.calling import (
    call,
    channel_to,
    codes,
    infer,
    numbers,
    port_of,
    records_of,
    refused,
    tensor,
)
from tests.server.grpc.raw import Raw
from tests.server.http.certificates import make_certificate
from tests.waiting import until

ROW = np.zeros((1, 5))
CODE = grpc.StatusCode


def test_a_message_above_the_bound_is_refused_and_the_connection_stays(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    with (
        serve(bundle, tmp_path, "--grpc-port", "0", "--max-body", "5000") as up,
        channel_to(up) as channel,
    ):
        infer(channel, tensor(ROW))
        error = refused(lambda: infer(channel, tensor(np.zeros((200, 5)))))
        assert (error.code(), error.details()) == (
            CODE.RESOURCE_EXHAUSTED, "body: wanted at most 5000 bytes"
        )  # fmt: skip
        packed = refused(
            lambda: infer(channel, tensor(np.zeros((9000, 5))), compression=grpc.Compression.Gzip)
        )
        assert (packed.code(), packed.details()) == (
            CODE.RESOURCE_EXHAUSTED, "body: wanted at most 5000 bytes once decompressed, got more"
        )  # fmt: skip
        infer(channel, tensor(ROW))
        assert counted(up, "credit_connections") == 2


def test_more_rows_than_a_batch_may_have_are_refused(channel: grpc.Channel) -> None:
    error = refused(lambda: infer(channel, tensor(np.zeros((1001, 5)))))
    assert (error.code(), error.details()) == (
        CODE.RESOURCE_EXHAUSTED, "rows: wanted at most 1000"
    )  # fmt: skip


def test_an_answer_larger_than_the_clients_window_arrives_whole(
    server: Running, trained: Trained
) -> None:
    rows = trained.held_out
    with Raw(port_of(server), window=1000) as client:
        client.ask(tensor(codes(rows)))
        answer = pb.ModelInferResponse.FromString(client.answer())
    assert numbers(answer) == trained.prediction(rows).tobytes()


def test_a_key_opens_its_scope_and_no_other(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    made = {
        scope: run("key", "--keys", str(keys), "--id", scope, "--scopes", scope).stdout.strip()
        for scope in ("score", "metrics")
    }
    with (
        serve(bundle, tmp_path, "--grpc-port", "0", "--keys", str(keys)) as up,
        channel_to(up) as channel,
    ):
        for sent in ({"x-api-key": made["score"]}, {"authorization": f"Bearer {made['score']}"}):
            infer(channel, tensor(ROW), metadata=[*sent.items()])
        for method, request, answer in (
            ("ModelInfer", tensor(ROW, id="no-key"), pb.ModelInferResponse),
            ("ModelMetadata", pb.ModelMetadataRequest(name="small"), pb.ModelMetadataResponse),
            ("RepositoryIndex", pb.RepositoryIndexRequest(), pb.RepositoryIndexResponse),
        ):
            code, said = error_of(channel, method, request, answer, {})
            assert code is CODE.UNAUTHENTICATED
            assert said == "API key: wanted X-API-Key: KEY, or Authorization: Bearer KEY"
            wrong = {"x-api-key": made["metrics"]}
            assert error_of(channel, method, request, answer, wrong)[0] is CODE.PERMISSION_DENIED
        assert call(channel, "ServerLive", pb.ServerLiveRequest(), pb.ServerLiveResponse).live
        assert not records_of(up, "no-key")


def error_of(
    channel: grpc.Channel, method: str, request: Any, answer: Any, sent: dict[str, str]
) -> tuple[grpc.StatusCode, str]:
    error = refused(lambda: call(channel, method, request, answer, metadata=[*sent.items()]))
    return error.code(), error.details()


def test_tls_and_client_certificates(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    make_certificate(tmp_path)
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    flags = ("--grpc-port", "0", "--tls-cert", str(cert), "--tls-key", str(key))
    trusts = grpc.ssl_channel_credentials(cert.read_bytes())
    known = grpc.ssl_channel_credentials(cert.read_bytes(), key.read_bytes(), cert.read_bytes())
    with serve(bundle, tmp_path, *flags) as up:
        infer(secure(up, trusts), tensor(ROW))
        with channel_to(up) as plain:
            assert refused(lambda: infer(plain, tensor(ROW))).code() is CODE.UNAVAILABLE
    with serve(bundle, tmp_path, *flags, "--tls-client-ca", str(cert)) as up:
        infer(secure(up, known), tensor(ROW))
        assert refused(lambda: infer(secure(up, trusts), tensor(ROW))).code() is CODE.UNAVAILABLE


def secure(server: Running, credentials: grpc.ChannelCredentials) -> grpc.Channel:
    own = [("grpc.use_local_subchannel_pool", 1)]
    return grpc.secure_channel(f"127.0.0.1:{port_of(server)}", credentials, options=own)


def test_a_call_whose_deadline_passed_in_the_queue_is_not_scored(
    server: Running, channel: grpc.Channel
) -> None:
    request = tensor(ROW, id="late-1")
    error = refused(lambda: infer(channel, request, metadata=[("x-request-timeout-ms", "0")]))
    assert error.code() is CODE.DEADLINE_EXCEEDED
    with channel_to(server) as other, ThreadPoolExecutor() as pool:
        infer(other, tensor(ROW))
        with stopped(server, connected=2):
            late = pool.submit(lambda: refused(lambda: infer(other, request, timeout=0.2)))
            assert late.result().code() is CODE.DEADLINE_EXCEEDED
        infer(other, tensor(ROW))
    assert not records_of(server, "late-1")


def test_a_malformed_deadline_is_refused(server: Running) -> None:
    with Raw(port_of(server)) as client:
        client.ask(tensor(ROW), (b"grpc-timeout", b"1 minute"))
        assert client.trailers()[b"grpc-status"] == b"3"
        client.ask(tensor(ROW), (b"grpc-timeout", b"1M"))
        assert client.trailers()[b"grpc-status"] == b"0"


def test_a_full_queue_is_unavailable_and_says_when_to_come_again(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """The worker is stopped while the calls arrive, so that it finds all of them at once."""
    flags = ("--grpc-port", "0", "--max-in-flight", "2")
    with serve(bundle, tmp_path, *flags) as up, Raw(port_of(up)) as client:
        client.ask(tensor(ROW))
        assert client.trailers()[b"grpc-status"] == b"0"
        with stopped(up, connected=1):
            for number in range(20):
                client.ask(tensor(ROW, id=f"queued-{number}"))
            client.call(b"/inference.GRPCInferenceService/ServerLive", b"")
        ends = [client.trailers() for _ in range(21)]
        shed = [each for each in ends if each[b"grpc-status"] == b"14"]
        assert 1 <= len(shed) <= 18
        assert {(e[b"retry-after"], e[b"grpc-retry-pushback-ms"]) for e in shed} == {
            (b"1", b"1000")
        }  # fmt: skip
        assert counted(up, "credit_shed_total") == len(shed)
        recorded = [each["request_id"] for each in up.records()]
        assert sum(each.startswith("queued-") for each in recorded) == 20 - len(shed)
        client.ask(tensor(ROW))
        assert client.trailers()[b"grpc-status"] == b"0"


def test_calls_of_both_doors_share_one_write(server: Running, channel: grpc.Channel) -> None:
    """The records of both stand in one log, and the counters add up."""
    before = counted(server, "credit_applicants_total")
    infer(channel, tensor(np.zeros((4, 5)), id="both"))
    post(server)
    assert counted(server, "credit_applicants_total") == before + 5


def test_a_slow_call_is_ended_and_others_on_its_connection_are_not(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    flags = ("--grpc-port", "0", "--body-seconds", "1")
    with serve(bundle, tmp_path, *flags) as up, Raw(port_of(up)) as client:
        client.begin(b"/inference.GRPCInferenceService/ModelInfer", b"\0\0\0")
        client.ask(tensor(ROW))
        assert client.trailers()[b"grpc-status"] == b"0"
        end = client.trailers()
        assert (end[b"grpc-status"], end[b"grpc-message"]) == (
            b"4", b"the request did not arrive in time"
        )  # fmt: skip


def test_an_idle_connection_is_closed(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    flags = ("--grpc-port", "0", "--keep-alive-seconds", "0.5", "--head-seconds", "0.5")
    with serve(bundle, tmp_path, *flags) as up:
        with Raw(port_of(up)) as client:
            assert client.is_ended()
        with Raw(port_of(up)) as client:
            client.ask(tensor(ROW))
            assert client.trailers()[b"grpc-status"] == b"0"
            assert client.is_ended()


def test_a_client_that_says_goodbye_gets_what_it_waits_for(server: Running) -> None:
    with Raw(port_of(server)) as client:
        with stopped(server, connected=1):
            client.ask(tensor(ROW))
            client.say_goodbye()
        assert client.trailers()[b"grpc-status"] == b"0"
        assert client.is_ended()


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 100])
def test_what_is_not_http2_is_closed(server: Running, data: bytes) -> None:
    with Raw(port_of(server), preface=False) as client:
        client.socket.sendall(data)
        assert client.is_ended()


def test_what_is_no_call_gets_a_status_of_http(server: Running) -> None:
    with Raw(port_of(server)) as client:
        client.call(b"/", b"", (b"content-type", b"text/plain"))
        assert client.trailers()[b":status"] == b"415"
        client.call(b"/", b"", (b":method", b"GET"))
        assert client.trailers()[b":status"] == b"405"


def test_a_call_that_its_client_resets_disturbs_no_other(server: Running) -> None:
    with Raw(port_of(server)) as client:
        with stopped(server, connected=1):
            for _ in range(5):
                client.reset(client.ask(tensor(ROW)))
            kept = client.ask(tensor(ROW))
        assert client.trailers()[b"grpc-status"] == b"0"
        assert client.last == kept


def test_a_stop_answers_what_is_on_its_way(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    with serve(bundle, tmp_path, "--grpc-port", "0") as up, Raw(port_of(up)) as client:
        client.ask(tensor(ROW))
        client.trailers()
        with stopped(up, connected=1):
            for number in range(10):
                client.ask(tensor(ROW, id=f"last-{number}"))
            up.process.terminate()
        assert {client.trailers()[b"grpc-status"] for _ in range(10)} == {b"0"}
        client.ask(tensor(ROW, id="behind-goaway"))  # sent before the client could know
        assert client.trailers()[b"grpc-status"] == b"0"
        assert client.goaways == [2**31 - 1]
        assert client.is_ended()
        assert up.process.wait(timeout=60) == 0
        assert len([each for each in up.records() if each["request_id"][:4] == "last"]) == 10


def test_new_workers_take_over_without_an_error(
    bundle: Path, serve: Serve, tmp_path: Path, trained: Trained
) -> None:
    """A channel that is used all the time, through three reloads of two workers."""
    rows, expected = codes(trained.held_out[:2]), trained.prediction(trained.held_out[:2]).tobytes()
    flags = ("--grpc-port", "0", "--workers", "2")
    with serve(bundle, tmp_path, *flags) as up, channel_to(up) as channel:
        for _ in range(3):
            before = set(up.workers())
            os.kill(up.process.pid, signal.SIGHUP)
            while before & set(up.workers()):
                assert numbers(infer(channel, tensor(rows))) == expected
        assert numbers(infer(channel, tensor(rows))) == expected


def test_a_killed_worker_has_recorded_what_it_answered(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    with serve(bundle, tmp_path, "--grpc-port", "0") as up, channel_to(up) as channel:
        (worker,) = up.workers()
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(answered, channel, f"kill-{number}") for number in range(200)]
            until(lambda: up.records())
            os.kill(worker, signal.SIGKILL)
            names = {each.result() for each in asked} - {""}
        until(lambda: set(up.workers()) - {worker})
        assert names
        assert names <= {each["request_id"] for each in up.records()}


def answered(channel: grpc.Channel, name: str) -> str:
    """Return the name of a call that was answered, "" if it was not."""
    try:
        return str(infer(channel, tensor(ROW, id=name)).id)
    except grpc.RpcError:
        return ""
