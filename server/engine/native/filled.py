"""Another engine's scores with rows filled in C, by a kernel without trees."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from ...bundle.manifest import Feature
from ..engine import Engine
from .engine import Scored, decoder, kernel


class Filled:
    """See engine.Engine; name, row and scores are those of the wrapped engine."""

    def __init__(self, engine: Engine, features: Sequence[Feature]) -> None:
        """Raises NotNativeError if the C code is not built, or cannot fill the features."""
        self.name, self.row, self.raw = engine.name, engine.row, engine.raw
        self.score_row, self.score_block = engine.score_row, engine.score_block
        filling = treeless(engine, features)
        self._fill = filling.score
        json = decoder(filling, features, msgspec.json.encode, is_json=True)
        msgpack = decoder(filling, features, msgspec.msgpack.encode, is_json=False)
        self._fill_json, self.block_json = json.score, json.block
        self.bodies_json, self.bodies_msgpack = json.bodies, msgpack.bodies
        self._fill_msgpack, self.block_msgpack = msgpack.score, msgpack.block

    def score(self, values: Sequence[Any]) -> Scored | None:
        """See engine.Engine."""
        return self._scored(self._fill(values))

    def score_json(self, body: bytes) -> Scored | None:
        """See engine.Engine."""
        return self._scored(self._fill_json(body))

    def score_msgpack(self, body: bytes) -> Scored | None:
        """See engine.Engine."""
        return self._scored(self._fill_msgpack(body))

    def _scored(self, filled: Scored | None) -> Scored | None:
        if filled is None:
            return None
        self.score_row()
        raw: list[float] = self.raw.tolist()
        return filled[0], raw


def treeless(engine: Engine, features: Sequence[Feature]) -> Any:
    """Return a kernel on the engine's row whose own scores are unused; raises NotNativeError."""
    none, numbers = np.zeros(0, np.int64), np.zeros(0)
    return kernel(
        features, outputs=1, slots=1 + 3 * len(features), roots=none, targets=none, slot=none,
        threshold=numbers, yes=none, no=none, leaf=numbers, categories=[], row=engine.row,
        raw=np.zeros(1),
    )  # fmt: skip
