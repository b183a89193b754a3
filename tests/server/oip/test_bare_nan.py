"""A bare NaN in JSON is null in an array, and nothing else changes."""

import json
import math

import pytest

from server.oip.bare_nan import InfiniteError, nan_as_null


def test_nan_is_null_in_arrays_alone() -> None:
    text = b'{"id": NaN, "d": [NaN, NaN ,\n  NaN], "s": "[NaN]", "e": ["\\"", NaN, "a\\\\"]}'
    wanted = b'{"id": NaN, "d": [null, null ,\n  null], "s": "[NaN]", "e": ["\\"", null, "a\\\\"]}'
    assert nan_as_null(text) == wanted


def test_what_pythons_encoder_writes_is_read() -> None:
    values = {"a,[NaN": [1.5, math.nan, -2.0, "NaN, ]"], 'q"\\': [[math.nan], []]}
    for indent in (None, 2):
        found = json.loads(nan_as_null(json.dumps(values, indent=indent).encode()))
        assert found == {"a,[NaN": [1.5, None, -2.0, "NaN, ]"], 'q"\\': [[None], []]}


@pytest.mark.parametrize("word", [b"Infinity", b"-Infinity"])
def test_an_infinity_is_refused_with_its_place(word: bytes) -> None:
    with pytest.raises(InfiniteError, match=f"^byte 8: wanted .* got {word.decode()}$"):
        nan_as_null(b'["NaN", %b]' % word)


@pytest.mark.parametrize(
    "text", [b"[-NaN", b'["NaN', b"[NaNs]", b'{"NaN": 1}', b'{"a": NaN}', b"[Infinity5]", b"[1]"]
)
def test_other_texts_stay_as_they_are(text: bytes) -> None:
    assert nan_as_null(text) == text
