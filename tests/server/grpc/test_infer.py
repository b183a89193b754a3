"""ModelInfer over a real channel, bit for bit against LightGBM."""

from typing import Any

import grpc
import httpx
import numpy as np
import pytest

from server.grpc import inference_pb2 as pb
from tests.conftest import Running, Trained
from tests.server.asking import counted
from tests.server.grpc.calling import (
    codes,
    infer,
    numbers,
    records_of,
    refused,
    tensor,
)

BOTH_LANES = True
ORDER = ["KIND", "INCOME", "REGION", "AGE", "DEBT-RATIO"]


def columns(trained: Trained, count: int) -> tuple[Any, bytes]:
    """Return rows without a missing category, and LightGBM's predictions."""
    rows = trained.held_out[trained.held_out["KIND"].notna()][:count]
    return rows, trained.prediction(rows).tobytes()


def test_a_raw_tensor_scores_with_lightgbms_bits(channel: grpc.Channel, trained: Trained) -> None:
    rows = trained.held_out
    assert rows["INCOME"].isna().any()
    assert rows["KIND"].isna().any()
    answer = infer(channel, tensor(codes(rows), id="raw-1"))
    assert (answer.model_name, answer.model_version, answer.id) == ("small", "1", "raw-1")
    assert [(each.name, each.datatype, [*each.shape]) for each in answer.outputs] == [
        ("raw", "FP64", [1000, 1]), ("prediction", "FP64", [1000, 1]),
        ("decision", "BYTES", [1000, 1]),
    ]  # fmt: skip
    assert numbers(answer) == trained.prediction(rows).tobytes()
    assert numbers(answer, "raw") == trained.raw(rows).tobytes()
    assert not any(each.HasField("contents") for each in answer.outputs)


def test_typed_contents_score_with_lightgbms_bits(channel: grpc.Channel, trained: Trained) -> None:
    rows = codes(trained.held_out[:100])
    request = pb.ModelInferRequest(model_name="small", model_version="1")
    request.inputs.add(
        name="X", datatype="FP64", shape=rows.shape, contents={"fp64_contents": rows.ravel()}
    )
    expected = trained.prediction(trained.held_out[:100])
    assert numbers(infer(channel, request)) == expected.tobytes()


def test_one_raw_input_for_each_feature(channel: grpc.Channel, trained: Trained) -> None:
    rows, expected = columns(trained, 200)
    request = pb.ModelInferRequest(model_name="small")
    for name in ORDER:
        if name in {"KIND", "REGION"}:
            texts = [str(each).encode() for each in rows[name]]
            blob = b"".join(len(text).to_bytes(4, "little") + text for text in texts)
            request.inputs.add(name=name, datatype="BYTES", shape=[len(rows)])
        else:
            blob = rows[name].to_numpy("<f8").tobytes()
            request.inputs.add(name=name, datatype="FP64", shape=[len(rows), 1])
        request.raw_input_contents.append(blob)
    assert numbers(infer(channel, request)) == expected


def test_one_typed_input_for_each_feature(channel: grpc.Channel, trained: Trained) -> None:
    rows, expected = columns(trained, 200)
    request = pb.ModelInferRequest(model_name="small")
    for name in ORDER:
        if name in {"KIND", "REGION"}:
            contents: dict[str, Any] = {"bytes_contents": [str(x).encode() for x in rows[name]]}
            kind = "BYTES"
        elif name == "AGE":
            kind, contents = "INT32", {"int_contents": rows[name].astype(int)}
        else:
            kind, contents = "FP64", {"fp64_contents": rows[name]}
        request.inputs.add(name=name, datatype=kind, shape=[len(rows)], contents=contents)
    assert numbers(infer(channel, request)) == expected


def test_only_the_outputs_asked_for_are_answered(channel: grpc.Channel, trained: Trained) -> None:
    rows = trained.held_out[:3]
    answer = infer(channel, tensor(codes(rows), outputs=[{"name": "raw"}]))
    assert [each.name for each in answer.outputs] == ["raw"]
    assert [*answer.raw_output_contents] == [trained.raw(rows).tobytes()]


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_a_compressed_message_is_read(
    channel: grpc.Channel, trained: Trained, compression: grpc.Compression
) -> None:
    rows = trained.held_out[:50]
    answer = infer(channel, tensor(codes(rows)), compression=compression)
    assert numbers(answer) == trained.prediction(rows).tobytes()


def test_every_row_answered_has_its_record(server: Running, channel: grpc.Channel) -> None:
    before = counted(server, 'credit_requests_total{endpoint="infer",status="200"}')
    rows = np.zeros((3, 5))
    answer = infer(channel, tensor(rows, id="recorded-1"))
    found = records_of(server, "recorded-1")
    assert [each["index"] for each in found] == [0, 1, 2]
    assert np.array([each["prediction"] for each in found]).tobytes() == numbers(answer)
    assert counted(server, 'credit_requests_total{endpoint="infer",status="200"}') == before + 1


def test_the_request_id_comes_back_and_finds_the_record(
    server: Running, channel: grpc.Channel
) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    method = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
    message = tensor(np.zeros((1, 5))).SerializeToString()
    sent = [("x-request-id", "mine-1"), ("traceparent", trace)]
    _, ended = method.with_call(message, timeout=60, metadata=sent)
    told = dict(ended.trailing_metadata())
    assert (told["x-request-id"], told["traceparent"]) == ("mine-1", trace)
    assert len(records_of(server, "mine-1")) == 1
    _, ended = method.with_call(message, timeout=60)
    assert len(records_of(server, dict(ended.trailing_metadata())["x-request-id"])) == 1


WRONG: dict[str, dict[str, Any]] = {
    "an infinity": {"data": [[1.0, np.inf, 0, 0, 0]]},
    "a missing value where none may be": {"data": [[np.nan, 1.0, 0, 0, 0]]},
    "an unknown code": {"data": [[30.0, 1.0, 0, 9, 0]]},
    "too few features": {"data": [[30.0, 1.0]]},
    "no such output": {"data": [[30.0, 1.0, 0, 0, 0]], "outputs": [{"name": "score"}]},
    "a wrong input name": {"data": [[30.0, 1.0, 0, 0, 0]], "name": "Y"},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_refusal_says_what_http_says(server: Running, channel: grpc.Channel, case: str) -> None:
    rows, more = np.array(WRONG[case]["data"]), WRONG[case].get("outputs", [])
    request = tensor(rows, outputs=more)
    request.inputs[0].name = name = WRONG[case].get("name", "X")
    error = refused(lambda: infer(channel, request))
    head = {"inputs": [{"name": name, "shape": rows.shape, "datatype": "FP64",
                        "parameters": {"binary_data_size": rows.nbytes}}]}  # fmt: skip
    json = httpx.Request(
        "POST", "http://x", json=head | ({"outputs": more} if more else {})
    ).content
    said = httpx.post(
        f"{server.url}/v2/models/small/infer", content=json + rows.tobytes(),
        headers={"inference-header-content-length": str(len(json))},
    )  # fmt: skip
    assert said.status_code == 400
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details() == said.json()["error"]


def test_a_refusal_is_recorded_with_its_id(server: Running, channel: grpc.Channel) -> None:
    request = tensor(np.full((1, 5), np.inf))
    sent = [("x-request-id", "refused-1")]
    refused(lambda: infer(channel, request, metadata=sent))
    assert [(each["kind"], each["status"]) for each in records_of(server, "refused-1")] == [
        ("refused", 400)
    ]


def typed(datatype: str, shape: list[int], **contents: Any) -> pb.ModelInferRequest:
    request = pb.ModelInferRequest(model_name="small")
    request.inputs.add(name="X", datatype=datatype, shape=shape, contents=contents)
    return request


def doubled(request: pb.ModelInferRequest) -> pb.ModelInferRequest:
    request.raw_input_contents.append(bytes(40))
    return request


MALFORMED = {
    "X: wanted 5 values of FP64, got 4": typed("FP64", [1, 5], fp64_contents=[0.0] * 4),
    "X: FP64: wanted fp64_contents, got fp32_contents": typed(
        "FP64", [1, 5], fp32_contents=[0.0] * 5
    ),
    "X: FP16: wanted raw_input_contents": typed("FP16", [1, 5]),
    "X: wanted datatype FP64, got COMPLEX": typed("COMPLEX", [1, 5]),
    "X: wanted shape [-1, 5], got [5]": typed("FP64", [5], fp64_contents=[0.0] * 5),
    "X: wanted shape [-1, 5], got [-1, -5]": typed("FP64", [-1, -5]),
    "X: wanted contents or raw_input_contents, got both": doubled(
        typed("FP64", [1, 5], fp64_contents=[0.0] * 5)
    ),
    "raw_input_contents: wanted 1, one for each input, got 2": doubled(
        tensor(np.zeros((1, 5)))
    ),
    "id: wanted 1 to 128 visible ASCII characters": tensor(np.zeros((1, 5)), id="x" * 129),
}  # fmt: skip


@pytest.mark.parametrize("said", MALFORMED)
def test_what_only_grpc_can_send_wrongly_is_named(channel: grpc.Channel, said: str) -> None:
    error = refused(lambda: infer(channel, MALFORMED[said]))
    assert (error.code(), error.details()) == (grpc.StatusCode.INVALID_ARGUMENT, said)


def test_a_number_out_of_its_types_range_is_refused(channel: grpc.Channel) -> None:
    error = refused(lambda: infer(channel, typed("INT8", [1, 5], int_contents=[300, 0, 0, 0, 0])))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details() == "X: wanted values of INT8, got 300"


def test_what_is_no_message_is_refused(channel: grpc.Channel) -> None:
    method = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
    error = refused(lambda: method(b"\xff\xff\xff", timeout=60))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details().startswith("not a ModelInferRequest: ")


def test_an_absent_model_or_version_is_not_found(channel: grpc.Channel) -> None:
    for model, version, said in (
        ("large", "", "no model large; there is small/1"),
        ("small", "7", "no version 7 of small; there is 1"),
    ):
        request = pb.ModelInferRequest(model_name=model, model_version=version)
        error = refused(lambda request=request: infer(channel, request))
        assert (error.code(), error.details()) == (grpc.StatusCode.NOT_FOUND, said)
