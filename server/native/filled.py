"""Another engine's scores behind rows that are filled in C: by a kernel that has no trees."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from ..bundle import Feature
from ..engine import Engine
from .engine import NOT_BUILT, Kernel, Scored, decoder, filler
from .trees import NotNativeError


class Filled:
    """See engine.Engine; name, row and scores are those of the engine it is made of."""

    def __init__(self, engine: Engine, features: Sequence[Feature]) -> None:
        """Raises NotNativeError where nothing is built."""
        self.name, self.row, self.raw = engine.name, engine.row, engine.raw
        self.score_row, self.score_block = engine.score_row, engine.score_block
        kernel = treeless(engine, features)
        self._fill = kernel.score
        self._fill_json = decoder(kernel, features, msgspec.json.encode, is_json=True)
        self._fill_msgpack = decoder(kernel, features, msgspec.msgpack.encode, is_json=False)

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
    """Return a kernel over the engine's row whose scores mean nothing; raises NotNativeError."""
    if Kernel is None:
        raise NotNativeError(NOT_BUILT)
    none, numbers = np.zeros(0, np.int64), np.zeros(0)
    return Kernel(
        features=len(features), outputs=1, slots=1 + 3 * len(features), roots=none, targets=none,
        slot=none, threshold=numbers, yes=none, no=none, leaf=numbers, categories=[],
        fillers=[filler(each) for each in features], row=engine.row, raw=np.zeros(1),
    )  # fmt: skip
