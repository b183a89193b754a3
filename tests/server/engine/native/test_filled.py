"""onnxruntime's scores behind rows that are filled in C: those of the long way, in every bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.bundle import reading
from server.bundle.applicant import Floats
from server.bundle.manifest import Bundle, Manifest
from server.engine import choice, golden
from server.engine.engine import Engine
from server.engine.native import agreement
from server.engine.native import engine as native
from server.engine.native.filled import Filled
from server.engine.native.trees import NotNativeError
from server.engine.session import Session
from tests.long.native_bodies import BUNDLE, Compared, bodies
from tests.native_kernel import needs_kernel

pytestmark = needs_kernel
BODIES = 3_000


def session(manifest: Manifest) -> Session:
    return Session(BUNDLE / "model.onnx", len(manifest.features), manifest.outputs)


def test_bodies_are_left_or_scored_as_by_onnxruntime_the_long_way() -> None:
    """The longer proof of the decoder is the native engine's: make native-bodies."""
    compared = Compared(lambda manifest: Filled(session(manifest), manifest.features), session)
    for number, (body, codec) in enumerate(bodies(BODIES, seed=11)):
        compared(body, codec, closely=number % 8 == 0)
    assert compared.answered > 300


@pytest.fixture(scope="module")
def read() -> Bundle:
    return reading.read(BUNDLE).bundle


def chosen(read: Bundle, engine: Engine | None = None) -> Engine:
    walker = NotNativeError("not looked at")
    return choice.choose("onnxruntime", read, walker, engine or session(read.manifest), rows(read))


def rows(read: Bundle) -> Floats:
    content = (BUNDLE / golden.NAME).read_bytes()
    return golden.read(content, read.manifest, BUNDLE / golden.NAME).matrix()


def test_a_row_filled_from_values_is_scored_by_onnxruntime(read: Bundle) -> None:
    engine, alone = chosen(read), session(read.manifest)
    assert isinstance(engine, Filled)
    assert engine.name == "onnxruntime"
    answered = 0
    for row in rows(read):
        said = engine.score(tuple(map(agreement.value_of, read.manifest.features, row.tolist())))
        if said is not None:
            alone.row[:] = np.frombuffer(said[0])
            alone.score_row()
            assert said[1] == alone.raw.tolist()
            answered += said[0] == row.tobytes()
        alone.row[:] = engine.row[:] = row
        alone.score_row()
        engine.score_row()
        assert engine.raw.tolist() == alone.raw.tolist()
    assert answered > 20  # the other golden rows hold values that no client may send
    block = np.stack([row, row])
    assert engine.score_block(block).tolist() == alone.score_block(block).tolist()


def test_where_nothing_is_built_onnxruntime_fills_its_rows_itself(
    read: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "is_built", lambda: False)
    assert isinstance(chosen(read), Session)
    monkeypatch.setattr(native, "Kernel", None)
    with pytest.raises(NotNativeError, match="not built"):
        Filled(session(read.manifest), read.manifest.features)


def test_rows_that_come_out_otherwise_are_filled_the_long_way(
    read: Bundle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A decoder that is a feature off: what it fills is not what the values fill."""

    class Off(Filled):
        def score_json(self, body: bytes) -> Any:
            said = super().score_json(body)
            return said and (said[0][8:] + said[0][:8], said[1])

    monkeypatch.setattr(choice, "Filled", Off)
    assert isinstance(chosen(read), Session)
    assert "filled the long way: from the body" in caplog.text
    assert str(Path(BUNDLE)) in caplog.text
