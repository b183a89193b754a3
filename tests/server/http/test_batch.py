"""Arrays of applicants: as one block they are answered, recorded and counted as one by one."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from server.scoring import model as models
from server.scoring.codec import JSON, MESSAGE_PACK, Codec
from server.scoring.model import Model, Options
from tests.long.native_batches import ACCEPTS, MOST, QUERIES, Same, batches, every_sort, sides
from tests.long.native_bodies import BUNDLE
from tests.native_kernel import needs_kernel

pytestmark = needs_kernel
APPLICANT: dict[str, Any] = json.loads((BUNDLE.parent / "applicant.json").read_text())
REFUSED = APPLICANT | {"PAY_0": 8, "PAY_2": 7, "LIMIT_BAL": 10_000}
BEYOND = APPLICANT | {"AGE": 1000}
FAULTS: dict[str, Any] = {
    "no feature": {}, "one absent": dict([*APPLICANT.items()][1:]),
    "one unknown": APPLICANT | {"more": 1}, "a text": APPLICANT | {"AGE": "40"},
    "null": APPLICANT | {"AGE": None}, "nested": APPLICANT | {"AGE": [40]},
    "an unseen category": APPLICANT | {"SEX": 9}, "too large": APPLICANT | {"LIMIT_BAL": 2**60 + 1},
    "a number": 3, "nothing": None, "an array": [],
}  # fmt: skip
TEXTS = {
    "twice": b'{"AGE": 1, "AGE": 1}', "cut off": b'{"AGE": 1', "NaN": b'{"AGE": NaN}',
    "bad UTF-8": b'{"\xff": 1}', "escaped": b'{"a\\"}{": 1}', "no JSON": b"{AGE: 1}",
    "two": b"{}{}", "a comma": b"{},", "space": b"{" + b" " * (1 << 20) + b"}",
}  # fmt: skip


def reasoned() -> Model:
    """Return the committed model, whose refusals have reasons."""
    return models.load(BUNDLE)


@pytest.fixture(scope="module")
def reasons() -> Iterator[Same]:
    with sides(reasoned) as both:
        same = Same(*both)
        yield same
        same.end()


def test_made_and_mutated_batches_come_out_the_same() -> None:
    """`make native-batches` compares more."""
    with sides() as both:
        same = Same(*both)
        for i, (body, codec) in enumerate(batches(250, 3)):
            same(body, codec, QUERIES[i % 2], ACCEPTS[i % 3])
        same.end()
    assert same.blocks > 50
    assert {200, 400, 413, 422} <= {*same.statuses}


@pytest.mark.parametrize("size", [1, 2, 10, MOST])
@pytest.mark.parametrize("codec", [JSON, MESSAGE_PACK], ids=["JSON", "MessagePack"])
@pytest.mark.parametrize("query", [b"", b"reasons=all", b"reasons=none", b"partial=true"])
def test_reasons_and_warnings_stand_where_they_belong(
    size: int, codec: Codec, query: bytes, reasons: Same
) -> None:
    """Plain ones, refused ones with reasons, and one beyond the range, in turn and alone."""
    before = reasons.blocks
    for each in (APPLICANT, REFUSED, BEYOND, REFUSED | {"AGE": 1000}):
        mixed = [each if i % 3 == 1 or size < 3 else APPLICANT for i in range(size)]
        reasons(codec.encode(mixed), codec, query)
    assert reasons.statuses[-4:] == [200] * 4
    assert reasons.blocks == before + 4


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("place", [0, 1, 9])
def test_a_fault_at_any_place_is_the_same(fault: str, place: int, reasons: Same) -> None:
    sent = [APPLICANT if i % 2 else REFUSED for i in range(10)]
    sent[place] = FAULTS[fault]
    for codec in (JSON, MESSAGE_PACK):
        for query in QUERIES:
            reasons(codec.encode(sent), codec, query)
    assert {*reasons.statuses[-4:]} == {200, 422}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("place", [0, 1, 3])
def test_odd_text_at_any_place_is_the_same(text: str, place: int, reasons: Same) -> None:
    parts = [msgspec.json.encode(APPLICANT)] * 4
    parts[place] = TEXTS[text]
    for query in QUERIES:
        reasons(b"[" + b",".join(parts) + b"]", JSON, query)
        reasons(b" [ " + b" ,\n".join(parts) + b" ] ", JSON, query)


def test_an_applicant_longer_than_a_line_of_the_record_may_be_is_refused(reasons: Same) -> None:
    long = msgspec.json.encode(APPLICANT)[:-1] + b" " * (1 << 20) + b"}"
    for query in QUERIES:
        reasons(b"[" + msgspec.json.encode(APPLICANT) + b"," + long + b"]", JSON, query)
    assert reasons.statuses[-2:] == [413, 200]


@pytest.mark.parametrize(
    "given",
    [{"log_features": "none"}, {"log_refused": "body"}, {"log_chain": "true"}, {"shadow": True}],
)
def test_settings_of_the_record_hold_for_blocks(given: dict[str, Any]) -> None:
    with sides(every_sort, **given) as both:
        same = Same(*both)
        for i, (body, codec) in enumerate(batches(40, 5)):
            same(body, codec, QUERIES[i % 2])
        same.end()
    assert same.blocks > 5


def test_an_unseen_category_that_is_missing_by_a_setting_is_a_warning() -> None:
    def lenient() -> Model:
        return models.load(BUNDLE, Options(unseen_is_missing=True))

    with sides(lenient) as both:
        same = Same(*both)
        sent = [APPLICANT, APPLICANT | {"EDUCATION": 77}, REFUSED]
        same(msgspec.json.encode(sent), JSON)
        same(msgspec.msgpack.encode(sent), MESSAGE_PACK)
        same.end()
    assert same.statuses == [200, 200]


def test_onnxruntime_scores_the_same_block() -> None:
    def other() -> Model:
        return models.load(BUNDLE, Options(engine="onnxruntime"))

    with sides(other) as both:
        same = Same(*both)
        same(msgspec.json.encode([APPLICANT, REFUSED, BEYOND] * 3), JSON)
        same.end()
    assert (same.blocks, same.statuses) == (1, [200])


def test_an_outcome_of_a_block_is_that_of_its_applicant_alone() -> None:
    model = models.load(BUNDLE)
    body = msgspec.json.encode([APPLICANT] * MOST)
    read = model.read(body, JSON, MOST)
    assert read is not None
    scored = model.score_read(read)
    assert len(scored) == MOST
    assert scored.outcome(3) == model.score(msgspec.json.encode(APPLICANT), JSON)
