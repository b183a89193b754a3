"""What a request takes of the queue, told before it is answered: 1 for an ordinary applicant."""

import msgspec

from ..bundle.example import example
from ..bundle.manifest import Bundle
from ..settings import Reasons
from .compression import glimpse

SHARE = 1 / 64  # of the latest applicant in a running mean
# Seconds of a single request beside its answer: read, recorded and sent (see BENCHMARKS.md).
BESIDE = 20e-6
HEAD = 64  # bytes in which a batch shows; white space may come first
LISTS = frozenset(b"[\xdc\xdd") | {*range(0x90, 0xA0)}  # how an array begins in JSON, MessagePack
# How one applicant begins, uncompressed, in JSON and in MessagePack.
APPLICANT = frozenset(b"{\xde\xdf") | {*range(0x80, 0x90)}


class Cost:
    """The costs of one model's requests, in those of an applicant with the `ordinary` reasons.

    A batch counts as so many as fit into its length. What reasons cost is measured: running means
    of the time to answer an applicant without them, and of what each wish for reasons adds.
    """

    def __init__(self, bundle: Bundle, ordinary: Reasons) -> None:
        self._usual = len(msgspec.json.encode(example(bundle)))
        self._ordinary = ordinary
        self._plain = 0.0
        self.one: dict[Reasons, int] = {}  # of an applicant; 1 if absent
        self._added: dict[Reasons, float] = {}

    def learn(self, wanted: Reasons, plain: float, added: float, count: int = 1) -> None:
        """Take note of `count` applicants: seconds of each without its reasons, and for them."""
        share, before = min(count * SHARE, 1), self._added.get(wanted, added)
        self._added[wanted] = before + (added - before) * share
        self._plain += (plain - self._plain) * (share if self._plain else 1)
        self.one[wanted] = self._times(1, wanted)

    def of(self, body: bytes, wanted: Reasons, is_batch: bool = False) -> int:
        """Return the cost of a request on a score path, at least 1; `is_batch`: it holds several
        applicants, however it begins.
        """
        if body and body[0] in APPLICANT and not is_batch:
            return self.one.get(wanted, 1)
        begin, length = glimpse(body, HEAD)
        rows = max(1, length // self._usual) if is_batch or is_array(begin) else 1
        return self._times(rows, wanted)

    def _times(self, rows: int, wanted: Reasons) -> int:
        return max(1, round(rows * self._whole(wanted) / self._whole(self._ordinary)))

    def _whole(self, wanted: Reasons) -> float:
        return self._plain + BESIDE + self._added.get(wanted, 0.0)


def is_array(begin: bytes) -> bool:
    """Whether a body that begins so looks like a batch, in either format."""
    begins = begin.lstrip()
    return bool(begins) and begins[0] in LISTS
