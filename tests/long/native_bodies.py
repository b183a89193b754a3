"""Bodies of every sort through the C decoder and the long way: `make native-bodies`.

`python -m tests.long.native_bodies COUNT [SEED]`. Wherever the decoder answers, the long way has to
give the same row and raw score in every bit, without a warning or a refusal. In this very process:
a crash of the decoder ends it with a signal.
"""

import json
import math
import random
import struct
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from server.bundle import manifest as bundles
from server.bundle.manifest import Category, Feature, Missing, Number, Seen
from server.bundle.reading import read_manifest
from server.engine.engine import Engine
from server.engine.native.engine import Native
from server.engine.native.trees import read_trees
from server.scoring.codec import JSON, MESSAGE_PACK, Codec
from server.scoring.model import Model

BUNDLE = Path(__file__).parents[2] / "models" / "credit-express" / "1"
YES, NO = Missing(True, "trained"), Missing(False, "refuse")
BOOLEAN = {"a b", "null", "日本語の名前"}
ODD_NAMES = ("Größe", "it's", "a b", "", "日本語の名前", "a,b:c{}", "null")
CODES = tuple(map(float, range(6)))
BASES = 400
Members = list[tuple[bytes, bytes]]


def features() -> tuple[Feature, ...]:
    """Return as many features as the committed model has, of every sort the manifest knows."""
    found: list[Feature] = [
        Category("text", YES, ("car", "boat", "Flugzeug ü", "", "null", "a,b"), CODES[:6]),
        Category("text, never missing", NO, ("M", "F", 'quo"te', "back\\slash"), CODES[:4]),
        Category("numbers", YES, (1, 2, 30, -4, 0), CODES[:5]),
        Category("fractions", NO, (0.5, 2.5, 1e-3), CODES[:3]),
        Category("text or number", YES, ("x", 7, "7"), CODES[:3]),
        Category("true or text", YES, (True, "yes", "no", "?", "so"), CODES[:5]),
        Category("zero", YES, ("none", "some"), CODES[:2], zero_as_missing=True),
        Number("zero is missing", YES, zero_as_missing=True, boolean=True),
        Number("zero for missing", Missing(True, "zero", 0.0)),
        Number("imputed", Missing(True, "impute", 12.5), seen=Seen(-100.0, 100.0)),
        Number("never missing", NO),
        Number("seen", YES, seen=Seen(0.0, 1000.0)),
        Number("seen beyond", NO, seen=Seen(-1e300, 1e300)),
        *(Number(name, YES, boolean=name in BOOLEAN) for name in ODD_NAMES),
    ]  # fmt: skip
    count = len(read_manifest(BUNDLE / "manifest.json").features)
    more: list[Feature] = [
        Number(f"plain_{i}", NO if i % 2 else YES) for i in range(count - len(found))
    ]
    return (*found, *more)


def native(manifest: bundles.Manifest) -> Engine:
    """Return the native engine over the committed trees."""
    trees = read_trees((BUNDLE / "model.onnx").read_bytes())
    return Native(trees, manifest.features, manifest.outputs)


Make = Callable[[bundles.Manifest], Engine]


def model(make: Make) -> Model:
    """Return the committed trees behind those features, without a policy or golden rows."""
    manifest = read_manifest(BUNDLE / "manifest.json")
    manifest = msgspec.structs.replace(manifest, features=features())
    return Model(bundles.Bundle(BUNDLE, manifest), make(manifest))


class Compared:
    """An engine that decodes beside the long way, each with an engine and a row of its own."""

    def __init__(self, quick: Make = native, long: Make = native) -> None:
        self.quick, self.long = model(quick), model(long)
        self.long._at_once = {}
        self.answered = 0

    def __call__(self, body: bytes, codec: Codec, closely: bool = True) -> bool:
        """Compare; return whether the decoder answered. Raises RefusedError or AssertionError."""
        engine = self.quick.engine
        said = (engine.score_json if codec is JSON else engine.score_msgpack)(body)
        if said is None:
            return False
        wanted = self.long.score(body, codec)
        raw = array("d", [wanted.raw]).tobytes()
        assert (said[0], array("d", said[1]).tobytes(), ()) == (wanted.row, raw, wanted.flags), body
        if closely:
            self.long._refusals.look_closer(body, codec, None, 1)
        self.answered += 1
        return True


def number(rng: random.Random) -> bytes:
    """Return a number as a client may write it, or all but."""
    x = rng.choice(DRAWN)(rng)
    return rng.choice(WRITTEN)(x).encode()


def of_bits(rng: random.Random) -> float:
    found: float = struct.unpack("<d", rng.randbytes(8))[0]
    return found if math.isfinite(found) else 0.0


DRAWN: tuple[Callable[[random.Random], float], ...] = (
    lambda rng: rng.uniform(0.0, 1.0),
    lambda rng: rng.lognormvariate(0, 6),
    lambda rng: -rng.lognormvariate(0, 6),
    lambda rng: float(rng.randrange(-5, 40)),
    lambda rng: float(rng.choice((2**53 - 1, 2**53, 2**53 + 2, 1 - 2**53, 2**63, 10**22))),
    lambda rng: (2**53 + 2 * rng.randrange(1 << 52) + 1) * 2.0 ** rng.randrange(-60, 1),
    of_bits,
    lambda rng: rng.choice((0.0, -0.0, 5e-324, 2.2250738585072014e-308, 1e-35, 1e-36, 1e300)),
    lambda rng: rng.choice((0.5, 2.5, 1e-3, 1.0, 2.0, 30.0, 7.0, -4.0)),
)
WRITTEN: tuple[Callable[[float], str], ...] = (
    repr, repr, repr, repr, "{:.17e}".format, "{:.16g}".format, "{:.18e}".format, "{:.15f}".format,
    "{:.6E}".format, "{:.0f}".format, lambda x: str(int(x)), lambda x: f"{x!r}0",
    lambda x: f"{x:.3f}e-3", lambda x: f"{x:.25f}", lambda x: f"0{x!r}", lambda x: f"+{x!r}",
)  # fmt: skip
USUAL_NUMBERS = ("0.25", "3", "17.125", "0.1234567890123456", "99.999", "1e-3", "42.0")
ODD_VALUES = (
    b"null", b"true", b"false", b"NaN", b"Infinity", b"-", b"", b'""', b'"x"', b"[1]", b"{}",
    b"nul", b'"\\u0063ar"', b'"c\xc3\xa4r"', b'"c\xffr"', b'"\xed\xa0\x80"', b"1.", b".5", b"1e",
    b"1e+", b"--1", b"-0", b"0e5", b"0.0e-99", b"1e400", b"1e-400", b"1E+2", b"1e0002", b'"M',
    b"12345678901234567890", b"0.00000000000000000000000001", b"123456789.0123456789",
    b"9007199254740993", b"9007199254740993.0", b"4503599627370496.5", b"4503599627370497.5",
    b"[" * 2000,
)  # fmt: skip


def value(feature: Feature, rng: random.Random, odd: float) -> bytes:
    """Return what fits the feature, and now and then what need not."""
    drawn = rng.random()
    if drawn < odd:
        return rng.choice(ODD_VALUES) if drawn < odd / 2 else number(rng)
    if feature.missing.allowed and rng.random() < 0.1:
        return b"null"
    if isinstance(feature, Category):
        return msgspec.json.encode(rng.choice(feature.categories))
    if feature.boolean and rng.random() < 0.7:
        return rng.choice((b"true", b"false"))
    return rng.choice(USUAL_NUMBERS).encode()


def members(known: Sequence[Feature], rng: random.Random, odd: float) -> Members:
    """Return names and values, in order or not, sometimes one too many or too few."""
    found = [(msgspec.json.encode(each.name), value(each, rng, odd)) for each in known]
    if rng.random() < 0.2:
        rng.shuffle(found)
    if odd and rng.random() < 0.2:
        at = rng.randrange(len(found))
        found = rng.choice((found[:at] + found[at + 1 :], [*found, found[at]],
                            [*found[:at], found[at - 1], *found[at + 1 :]],
                            [*found, (b'"unknown"', b"1")]))  # fmt: skip
    return found


def joined(found: Members, rng: random.Random) -> bytes:
    """Return the object, with space where JSON allows it or a little beyond."""
    spaces = rng.choice(((b"",), (b"", b" "), (b"", b" ", b"\n", b"\r\n\t"), (b"", b"\x0b")))

    def some() -> bytes:
        return rng.choice(spaces)

    inner = b",".join(
        some() + name + some() + b":" + some() + each + some() for name, each in found
    )
    return some() + b"{" + inner + b"}" + some()


def mutated(body: bytes, rng: random.Random) -> bytes:
    """Return the body with one to three bytes or runs changed."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(body) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            body = body[:at] + bytes((rng.randrange(256),)) + body[at + 1 :]
        elif kind == 1:
            body = body[:at] + rng.choice(b'0123456789.eE+-,:"{}[] \\n\x00').to_bytes() + body[at:]
        elif kind == 2:
            body = body[:at] + body[at + rng.choice((1, 1, 2, 30)) :]
        elif kind == 3:
            body = body[:at] + body[at + 1 : at + 2] + body[at : at + 1] + body[at + 2 :]
        elif kind == 4:
            body = body[:at] + rng.choice(ODD_VALUES[:-1]) + body[at + rng.randrange(4) :]
        elif rng.random() < 0.2:
            body = body[:at]
    return body


def as_msgpack(found: Members) -> bytes | None:
    """Return the same members as MessagePack, None where they have no value there."""
    try:
        pairs = [(json.loads(name), json.loads(each)) for name, each in found]
        packed = [msgspec.msgpack.encode(part) for pair in pairs for part in pair]
    except (ValueError, RecursionError, OverflowError):
        return None
    return b"\xde" + len(found).to_bytes(2) + b"".join(packed)


def bodies(count: int, seed: int) -> Iterator[tuple[bytes, Codec]]:
    """Yield made bodies, then mutations of some of them."""
    rng, known = random.Random(seed), features()
    while count > 0:
        bases: list[tuple[bytes, Codec]] = []
        for _ in range(BASES):
            made = members(known, rng, rng.choice((0.0, 0.02, 0.2)))
            bases.append((joined(made, rng), JSON))
            packed = as_msgpack(made)
            if packed is not None:
                bases.append((packed, MESSAGE_PACK))
        yield from bases[:count]
        count -= len(bases)
        for _ in range(min(count, 20 * BASES)):
            body, codec = rng.choice(bases)
            yield mutated(body, rng), codec
        count -= 20 * BASES


def main(count: int, seed: int = 0) -> int:
    """Print how many were compared and how many the decoder answered."""
    compared = Compared()
    for i, (body, codec) in enumerate(bodies(count, seed)):
        compared(body, codec, closely=i % 8 == 0)
    print(f"{count} bodies, {compared.answered} answered by the decoder, none of them otherwise")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
