"""The numbers of a body: the nearest float64, or none."""

import random
import shutil

import msgspec
import pytest

from server.engine.native import powers
from server.scoring.codec import JSON
from tests.long.native_bodies import Compared, number
from tests.long.number_long import compared
from tests.native_kernel import needs_kernel

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


@needs_compiler
@pytest.mark.parametrize("flags", [("-O2",), ("-g", "-fsanitize=undefined,address")])
def test_what_is_read_and_written_is_what_strtod_reads(flags: tuple[str, ...]) -> None:
    """Shortest and 17 digits, fixed point, exponents, half ways; in a buffer that ends there."""
    said = compared(20_000, seed=3, flags=flags).splitlines()
    done = [int(line.split(": ")[1].split(" ")[0]) for line in said]
    read, written = done[:6], done[6:]
    assert min(read) > 3_000
    assert sum(read) > 90_000
    assert len(written) == 5
    assert min(written) > 19_000


def test_the_powers_are_those_of_five_to_128_bits() -> None:
    """Cut off there; of an inverse, within one in the last place."""
    table = powers.powers_of_five().tolist()
    for q, (high, low) in zip(range(powers.SMALLEST, powers.LARGEST + 1), table, strict=True):
        got, five = high << 64 | low, 5 ** abs(q)
        assert got >> 127 == 1
        if q >= 0:
            shift = five.bit_length() - 128
            assert got == (five >> shift if shift > 0 else five << -shift)
        else:
            whole = 1 << 127 + five.bit_length()
            assert abs(got * five - whole) <= five


PLAIN = ["0", "7", "-12", "1.5", "-0.0", "0.1", "1e3", "1E-2", "2.5e+1", "100.000", "1e15", "1e-22",
         "0.30000000000000004", "9007199254740991", "-9007199254740991", "1234567890.123456789",
         "0.000000000000000000001234567890123456789", "4503599627370496.5", "1.7976931348623157e15",
         "123456.7890123456789e-40", "0.0e0", "5e-60"]  # fmt: skip
LEFT = ["-0", "01", "+1", ".5", "1.", "1e", "1e+", "--1", "0x1", "1_0", "NaN", "Infinity", "true",
        "1e400", "1e-400", "12345678901234567890", "9007199254740992", "9007199254740993",
        "0.12345678901234567890123", "1e22", "1e70", "1e-300", "1 2",
        "1e00001000000000000000000000"]  # fmt: skip


@pytest.fixture(scope="module")
def both() -> Compared:
    return Compared()


def body_with(both: Compared, text: str) -> bytes:
    """Return a body of the made features with one number of any size."""
    sent = {}
    for each in both.quick.manifest.features:
        sent[each.name] = msgspec.Raw(b"null" if each.missing.allowed else b"1")
    sent |= {"text, never missing": msgspec.Raw(b'"M"'), "fractions": msgspec.Raw(b"0.5")}
    return msgspec.json.encode(sent | {"plain_1": msgspec.Raw(text.encode())})


@needs_kernel
@pytest.mark.parametrize("text", PLAIN)
def test_plain_numbers_are_read(text: str, both: Compared) -> None:
    assert both(body_with(both, text), JSON)


@needs_kernel
@pytest.mark.parametrize("text", LEFT)
def test_others_are_left_to_the_long_way(text: str, both: Compared) -> None:
    assert both.quick.engine.score_json(body_with(both, text)) is None


@needs_kernel
def test_random_texts_are_left_or_read_as_the_long_way_reads_them(both: Compared) -> None:
    rng = random.Random(1)
    read = sum(both(body_with(both, number(rng).decode()), JSON) for _ in range(5_000))
    assert read > 1_500
