"""What `make fuzz-guided` fuzzes, on a few thousand changed bodies and without atheris."""

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from server.http.message import Answer, Request
from tests.conftest import Trained, applicants
from tests.long.server_guided import BrokenRuleError, Harness, opened
from tests.long.server_guided_inputs import MESSAGE_PACK, PARTIAL, WAYS, inputs, mutated, packed

BODIES = 4_000


@pytest.fixture(scope="module")
def harness(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    with opened(bundle, tmp_path_factory.mktemp("log")) as held:
        yield held


@pytest.fixture(scope="module")
def right(trained: Trained) -> list[bytes]:
    return list(inputs(applicants(trained.held_out[:20])))


def flipped(draw: random.Random, data: bytes) -> bytes:
    """Return an input with a byte of its body changed."""
    body = bytearray(data)
    body[draw.randrange(1, len(body))] = draw.randrange(256)
    return bytes(body)


def test_right_bodies_are_scored_as_the_model_scores(harness: Harness, right: list[bytes]) -> None:
    """All but the batches that are too long, which come first."""
    assert {harness.examine(data) for data in right[:WAYS]} == {413}
    assert {harness.examine(data) for data in right[WAYS:]} == {200}


def test_changed_bodies_are_scored_right_or_refused_with_their_fault(
    harness: Harness, right: list[bytes]
) -> None:
    draw = random.Random(1)
    harness.statuses.clear()
    for _ in range(BODIES):
        data = draw.choice(right[WAYS:])
        change = mutated if draw.random() < 0.5 else flipped
        harness.examine(change(draw, data) or data)
    assert harness.statuses.keys() == {200, 400, 422}
    assert min(harness.statuses.values()) > BODIES / 20


@pytest.mark.parametrize("how", range(WAYS))
def test_an_empty_array_is_refused_without_a_feature_at_fault(harness: Harness, how: int) -> None:
    empty = b"\xdc\x00\x00" if how & MESSAGE_PACK else b"[]"
    assert harness.examine(bytes([how]) + empty) == 422


@pytest.mark.parametrize("how", range(WAYS))
def test_a_score_that_is_not_the_models_is_found(
    bundle: Path, tmp_path: Path, trained: Trained, how: int
) -> None:
    """A handler that scores somebody else."""
    one, other = applicants(trained.held_out[:2])
    with opened(bundle, tmp_path) as held:
        wrong = Harness(lambda request: held.handle(other_body(request, how, other)), held.model)
        with pytest.raises(BrokenRuleError, match="is not the model's"):
            wrong.examine(packed(how, one))


def other_body(request: Request, how: int, other: dict[str, object]) -> Request:
    return msgspec.structs.replace(request, body=packed(how, other)[1:])


@pytest.mark.parametrize(
    ("how", "body"),
    [
        (0, b'{"AGE": 1, "AGE": 1}'), (0, b'{"AGE": NaN}'), (PARTIAL, b'[{"AGE": 1, "AGE": 1}]'),
        (MESSAGE_PACK, b"\x82\xa3AGE\x01\xa3AGE\x01"), (MESSAGE_PACK, b"\x81\xa3AGE\xc3"),
        (0, b'{"AGE": 1e400}'), (0, b'{"AGE": 9007199254740993}'), (0, b"\xff"),
    ],
)  # fmt: skip
def test_a_score_of_what_must_not_be_scored_is_found(
    harness: Harness, how: int, body: bytes
) -> None:
    said = b'{"probability": 0.5, "decision": "approve"}'
    answer = Answer("", 200, [], b"[" + said + b"]" if body[:1] == b"[" else said)
    with pytest.raises(BrokenRuleError, match="scored"):
        Harness(lambda _: answer, harness.model).examine(bytes([how]) + body)


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (500, {"detail": "b"}),
        (400, {"detail": ""}),
        (400, {"detail": "b", "status": 422}),
        (422, {"detail": "b"}),
        (422, {"detail": "b", "errors": [{"wanted": "c", "got": ""}]}),
    ],
)
def test_a_refusal_that_says_too_little_is_found(
    harness: Harness, status: int, document: dict[str, object]
) -> None:
    body = msgspec.json.encode({"status": status, "title": "a", **document})
    answer = Answer("", status, [], body)
    with pytest.raises(BrokenRuleError):
        Harness(lambda _: answer, harness.model).examine(b"\x00{}")
