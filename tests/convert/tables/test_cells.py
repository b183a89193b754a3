"""How a cell is read: the one rule, and the quick way against the slow one."""

import random
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from convert.model.sent import sent_numbers
from convert.tables.arrays import numbers, places
from convert.tables.cells import UNSEEN, Categories, CellError, number

NO_NUMBERS = [
    "1_0", "240_000", "0x10", "0b1", "0o7", "1e", "e5", ".", "-", "+", "1,5", "1 000", "--1", "1d5",
    "1f", "٣", "１２", "२", "−5", "½", "²", "inf", "-inf", "Infinity", "1e400", "-1e999", "$5",
    "9007199254740993", "1" * 40, "1" * 5000, "#N/A", "\\N", "missing", "-nan ?", "\u00a05",
]  # fmt: skip
NUMBERS = {
    "1": 1.0, "+1": 1.0, "-0": -0.0, "007": 7.0, " 5 ": 5.0, "\t5": 5.0, "1e5": 1e5, "1E+5": 1e5,
    ".5": 0.5, "5.": 5.0, "1e-400": 0.0, "0.1": 0.1, "9007199254740992": 2.0**53, "true": 1.0,
    "False": 0.0, "0.30000000000000004": 0.1 + 0.2,
    "9007199254740993.0": 9007199254740992.0, "1" + "0" * 22: 1e22,
}  # fmt: skip
MISSING = ["", "NaN", "nan", "NA", "N/A", "null", "NULL", "None", " nan ", "  "]
TEXTS = ["NA", "null", "nan", "None", "01", "1.10", "1e5", "0x10", "true", "1", "1_0", "é", " x"]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_a_text_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(CellError, match="wanted a finite number, got"):
        number(text)
    with pytest.raises(CellError) as caught:
        numbers(("1", "", text))
    assert caught.value.row == 2


def test_numbers_and_missing_ones_are_read_alike_one_by_one_and_as_a_column() -> None:
    wanted = np.array([*NUMBERS.values(), *([np.nan] * len(MISSING))])
    texts = (*NUMBERS, *MISSING)
    one_by_one = np.array([number(text) for text in texts], np.float64)
    assert one_by_one.tobytes() == wanted.tobytes() == numbers(texts).tobytes()
    quick = tuple(text for text in texts if text.strip("0123456789.eE+-") == "")
    assert numbers(quick).tobytes() == np.array([number(t) for t in quick], np.float64).tobytes()


def test_what_arrow_reads_at_once_is_what_the_rule_says() -> None:
    """Any text of the letters that numbers are made of: the same number, or refused by both."""
    draw = random.Random(0)
    for _ in range(20_000):
        text = "".join(draw.choices("0123456789.eE+-_ naif", k=draw.randint(1, 9)))
        try:
            wanted = number(text)
        except CellError:
            with pytest.raises(CellError):
                numbers((text,))
        else:
            assert numbers((text,)).tobytes() == np.array([wanted], np.float64).tobytes(), text


def test_a_decimal_is_the_nearest_float64() -> None:
    """Arrow's own cast is one off in some."""
    draw = random.Random(1)
    drawn = [Decimal(draw.randrange(10**30)).scaleb(-draw.randrange(25)) for _ in range(2000)]
    column = pa.array(drawn, pa.decimal256(60, 25))
    assert numbers(column).tolist() == [float(value) for value in drawn]


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint64(), pa.float32(), pa.float64()])
def test_typed_numbers_are_what_they_are(kind: pa.DataType) -> None:
    wanted = np.array([1.0, np.nan, 3.0])
    assert numbers(pa.array([1, None, 3], kind)).tobytes() == wanted.tobytes()


def test_an_integer_that_float64_would_round_is_refused_however_it_is_typed() -> None:
    for column in (pa.array([2**53 + 1]), pa.array([2**53 + 1], pa.uint64()), (str(2**53 + 1),)):
        with pytest.raises(CellError, match="got"):
            numbers(column)
    assert numbers(pa.array([2**53, 2**60])).tolist() == [2.0**53, 2.0**60]


def test_texts_that_look_like_something_else_are_categories() -> None:
    categories = Categories(TEXTS)
    wanted = [float(place) for place in range(len(TEXTS))]
    assert places(tuple(TEXTS), categories).tolist() == wanted
    assert places(pa.array(TEXTS).dictionary_encode().dictionary, categories).tolist() == wanted
    unseen = ("1.0", "NaN", "N/A", "1.1", "True", "001", "x")
    assert places(unseen, categories).tolist() == [UNSEEN] * len(unseen)
    assert np.isnan(places(("",), categories)).all()
    assert places(pa.array([1, 10]), categories).tolist() == [UNSEEN, UNSEEN]


def test_a_category_of_numbers_is_read_as_a_number() -> None:
    categories = Categories([1, 2.5, 3])
    assert places(("1", "1.0", "01", "2.50", "1e0", "4", "x"), categories).tolist() == [
        0, 0, 0, 1, 0, UNSEEN, UNSEEN,
    ]  # fmt: skip
    assert np.isnan(places(("", "NA", "nan", "null"), categories)).all()
    decimals = pa.array([Decimal("1.00"), Decimal("2.50"), Decimal("7.00"), None])
    assert places(decimals, categories)[:3].tolist() == [0, 1, UNSEEN]
    assert np.isnan(places(decimals, categories)[3])


def test_a_category_of_true_and_false_is_read_however_it_is_spelt() -> None:
    categories = Categories([False, True])
    assert places(("true", "False", "TRUE", "1"), categories).tolist() == [1, 0, 1, UNSEEN]
    assert places(pa.array([True, False]), categories).tolist() == [1, 0]


def test_an_empty_text_is_the_category_that_is_one() -> None:
    assert places(("", "a"), Categories(["", "a"])).tolist() == [0, 1]


def test_an_integer_beyond_int64_is_sent_as_the_number_it_is() -> None:
    column = pa.array([2**63, 5, 2**64 - 2**11, None], pa.uint64())
    sent = sent_numbers(np.array([2.0**63, 5.0, 2.0**64 - 2**11, np.nan]), [column])
    assert sent.to_pylist() == [2.0**63, 5.0, 2.0**64 - 2**11, None]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[1.0], None], pa.list_(pa.float64())),
        pa.array([{"a": 1}, None], pa.struct([("a", pa.int64())])),
        pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
    ],
    ids=["list", "struct", "map"],
)
def test_a_column_of_no_cells_is_told_by_its_row(column: pa.Array) -> None:
    with pytest.raises(CellError) as told:
        numbers(column)
    assert told.value.row == 0


def test_decimals_of_32_bits_and_encoded_runs_are_read() -> None:
    decimals = pa.array([Decimal("0.1"), None], pa.decimal32(5, 2))
    assert numbers(decimals).tolist()[0] == 0.1
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array([1.5, 2.0]))
    assert numbers(runs).tolist() == [1.5, 1.5, 2.0]


def test_a_number_of_too_many_digits_is_refused_the_quick_way_too() -> None:
    with pytest.raises(CellError):
        numbers(["0" * 500 + "1"])
