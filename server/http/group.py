"""Requests of a group that share model and terms, read and scored as one block.

Those that need a word of their own (a warning, reasons) are recorded and answered one by one. Those
that are not plainly one applicant are answered as if each had come alone.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from time import perf_counter
from typing import Any

from ..scoring.answer import NEW_ID, AnswerWriter
from ..scoring.block import Scored
from ..scoring.codec import MESSAGE_PACK, Codec
from ..scoring.model import Model
from ..scoring.outcome import Outcome
from .batch import worded
from .compression import packed
from .cost import Cost
from .ledger import Book
from .message import LENGTH, Answer, Request, lines
from .new_id import new_ids
from .problem import Headers
from .shadow import Shadow
from .terms import Terms, head_of

NO_FIELDS: Headers = []
Alone = Callable[[Request], Answer]


class Groups:
    """Answers such requests for one model; belongs to one thread, like the model."""

    def __init__(
        self, model: Model, writers: Mapping[Codec, AnswerWriter], book: Book, cost: Cost,
        shadow: Shadow | None, scored_in: Any,
    ) -> None:  # fmt: skip
        self._model, self._writers, self._book, self._cost = model, writers, book, cost
        self._shadow, self._scored_in = shadow, scored_in
        self._fields = {out: around_id(out) for out in writers}

    def answer(
        self, requests: Sequence[Request], terms: Terms, alone: Alone, answers: list[Answer]
    ) -> None:
        """Add the answers in order, with their records entered; `alone` answers one request.

        None are added for a model that reads no blocks.
        """
        began, total = perf_counter(), len(requests)
        read = self._model.read_each([each.body for each in requests], terms.codec)
        if read is None:
            return
        scored = self._model.score_read(read)
        plain = perf_counter() - began
        told = worded(self._model, scored, read.odd, terms)
        self._scored_in(took := perf_counter() - began, total - len(read.odd))
        if terms.why[0] != "none":
            self._cost.learn(terms.why[0], plain / total, (took - plain) / total, total)
        ids, begin = new_ids(total), 0
        for place in (*sorted({*read.odd, *told}), total):
            if begin < place:
                here = slice(begin, place)
                part = scored.part(begin, place)
                answers += self._plain(requests[here], ids[here], part, terms, took)
            if place in told:
                answers.append(self._told(requests[place], ids[place], told[place], terms, took))
            elif place < total:
                answers.append(alone(requests[place]))
            begin = place + 1

    def _plain(
        self, requests: Sequence[Request], ids: list[str], scored: Scored, terms: Terms, took: float
    ) -> list[Answer]:
        written = self._writers[terms.out].write_each(self._fields[terms.out], ids, scored)
        is_packed, outcome = terms.codec is MESSAGE_PACK, scored.outcome
        each = zip(requests, ids, count(scored.first), strict=False)
        if written is None or not self._book.scored_all(ids, scored, took, is_packed):
            return [self._told(asked, name, outcome(i), terms, took) for asked, name, i in each]
        if self._shadow is not None:
            for asked, name, i in each:
                self._shadow.add(name, 0, asked.body, terms.codec, outcome(i))
        return [
            Answer(name, 200, NO_FIELDS, b"", one) for name, one in zip(ids, written, strict=True)
        ]

    def _told(
        self, asked: Request, request_id: str, said: Outcome, terms: Terms, took: float
    ) -> Answer:
        codec, out, body = terms.codec, terms.out, asked.body
        self._book.scored(request_id, 0, said, took, body, codec is MESSAGE_PACK)
        if self._shadow is not None:
            self._shadow.add(request_id, 0, body, codec, said)
        head, answer = head_of(out, request_id), self._writers[out].write(request_id, said)
        return Answer(request_id, 200, head, packed(asked.fields, head, answer))


def around_id(out: Codec) -> tuple[bytes, bytes]:
    """Return the header fields of an answer up to its request id, and on to the body's length."""
    before, _, behind = lines(head_of(out, NEW_ID)).partition(NEW_ID.encode())
    return before, b"%b\r\n%b: " % (behind, LENGTH)
