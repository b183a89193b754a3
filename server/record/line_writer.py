"""Write the lines of one model's scored applicants, in C or with line.py's encoder.

Both write the same bytes. C is used if it is built and proven, all values are to be recorded, and
the line is plain: the usual case.
"""

import logging
import random
from struct import Struct
from time import time_ns
from typing import Any

import msgspec
from msgspec import UNSET

from ..bundle.tag import ModelTag
from ..engine.native import line as native
from ..scoring.block import Scored
from ..scoring.outcome import Outcome
from . import privacy
from .line import Line, encode, timestamp

SAMPLES = 64
# A column of one: where an applicant stands, its scores, the place of its decision.
SPAN, NUMBER, FIRST_DECISION = Struct("2q").pack, Struct("d").pack, b"\0"
FIRST, STEP = 1_700_000_000_000_000_000, 86_461_000_001_000  # nanoseconds
log = logging.getLogger(__name__)


class LineWriter:
    """Writes lines of one kind."""

    def __init__(self, tag: ModelTag, kind: str, values: privacy.Values) -> None:
        self._tag = tag
        self._kind = kind
        self._values = values
        lines = native.lines(*constant_parts(tag, kind))
        proved = values is privacy.everything and lines and self._agrees(lines)
        self._at_once = lines.write_block if lines and proved else None

    def write(
        self, request_id: str, index: int, said: Outcome, latency_us: float,
        features: bytes | None, is_packed: bool = False,
    ) -> bytes:  # fmt: skip
        """Return one applicant's line with its newline.

        `features` as they were sent: JSON or, `is_packed`, MessagePack.
        """
        now, raw = time_ns(), said.raw
        is_usual = not said.flags and said.explanation is None and isinstance(raw, float)
        if self._at_once is not None and is_usual:
            line = self._at_once(
                now, request_id, index, latency_us, features or b"", is_packed,
                SPAN(0, len(features or b"")), said.row, NUMBER(raw), NUMBER(said.prediction),
                FIRST_DECISION, (said.decision,),
            )  # fmt: skip
            if line is not None:
                return line
        if features and is_packed:
            features = msgspec.json.encode(msgspec.msgpack.decode(features))
        return self._encode(now, request_id, index, said, latency_us, features)

    def write_all(
        self, ids: str | list[str], scored: Scored, latency_us: float, is_packed: bool
    ) -> bytes | None:
        """Return the lines of applicants sent as JSON or, `is_packed`, as MessagePack.

        `ids` is the id of their request or, of each one's, a list. None where they have to be
        written one by one.
        """
        if self._at_once is None:
            return None
        first = scored.first if isinstance(ids, str) else 0
        return self._at_once(
            time_ns(), ids, first, latency_us, scored.sent.body, is_packed,
            scored.sent.spans, scored.rows, scored.raw, scored.predictions, scored.decided,
            scored.decisions,
        )  # fmt: skip

    def _encode(
        self, now: int, request_id: str, index: int, said: Outcome, latency_us: float,
        features: bytes | None,
    ) -> bytes:  # fmt: skip
        tag = self._tag
        return encode(Line(
            self._kind, timestamp(now), request_id, index,
            tag.name, tag.version, tag.sha256, tag.policy,
            said.raw, said.prediction, said.decision, said.flags,
            int(latency_us * 10) / 10, *self._values(said.row, features), *self._why(said),
        ))  # fmt: skip

    def _why(self, said: Outcome) -> tuple[Any, ...]:
        """Return the codes that were answered, their version and, as values, all contributions."""
        why = said.explanation
        if why is None:
            return ()
        told: Any = UNSET
        if why.reasons is not UNSET:
            told = tuple((each.code, each.contribution) for each in why.reasons)
        shown = self._values is privacy.everything and why.numbers()
        return told, why.version, shown or UNSET

    def _agrees(self, lines: native.Lines) -> bool:
        """Whether both ways write the same lines; logs it if they do not."""
        draw = random.Random(0)  # noqa: S311 - the same lines at every start
        for number in range(SAMPLES):
            raw = draw.gauss(0, 2)
            latency, row = draw.expovariate(0.01), draw.randbytes(number)
            said = Outcome(raw, round(raw, number % 9), "refer", (), row)
            now, features = FIRST + number * STEP, b'{"A":\n1.5}'
            given = (now, f"{number:x}", number)
            found = {
                lines.write_block(
                    now, ids, number, latency, features, False, SPAN(0, len(features)), row,
                    NUMBER(raw), NUMBER(said.prediction), FIRST_DECISION, ("refer",),
                )
                for ids in (given[1], [given[1]])
            }  # fmt: skip
            if found != {self._encode(*given, said, latency, features)}:
                log.warning("record lines are written the long way: in C they come out otherwise")
                return False
        return True


def constant_parts(tag: ModelTag, kind: str) -> tuple[bytes, bytes]:
    """Return the constant parts of a line: before the time, and between index and score."""
    name, version, sha256, policy = map(msgspec.json.encode, msgspec.structs.astuple(tag))
    before = b'{"v":1,"kind":%b,"time":"' % msgspec.json.encode(kind)
    model = b',"model":%b,"version":%b,"sha256":%b,"policy":%b,"raw":'
    return before, model % (name, version, sha256, policy)
