"""The recorded decision that a notice is of, and its reasons in words."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..bundle.reasons import ReasonCodes
from ..errors import MonitoringError
from ..explain.principal import APPROVED
from ..log.get import records
from ..log.record import Record, decode

ANSWERED = "score"


class NoticeError(MonitoringError):
    """There is nothing that a notice could say of this request; the message says why."""


class Reason(NamedTuple):
    """A principal reason as the applicant reads it."""

    code: str
    text: str


def decision(folders: Sequence[Path], request_id: str, index: int | None) -> Record:
    """Return the decision that was answered to one applicant. Raises MonitoringError."""
    if not request_id:
        raise NoticeError("wanted a request id, got an empty text")
    every = [decode(line) for line in records(list(folders), request_id)]
    found = [record for record in every if record.kind == ANSWERED]
    if not found:
        raise NoticeError(f"request {request_id}: the log holds no decision of that id")
    places = sorted({record.index or 0 for record in found})
    if index is None and len(places) > 1:
        raise NoticeError(
            f"request {request_id} is a batch of {len(places)}: give --index, "
            f"{places[0]} to {places[-1]}"
        )
    chosen = [record for record in found if index in {None, record.index or 0}]
    if not chosen:
        raise NoticeError(f"request {request_id}: no applicant {index}, but {places}")
    if len(chosen) > 1:
        times = " and ".join(record.time for record in chosen[:3])
        raise NoticeError(f"request {request_id} was decided {len(chosen)} times, at {times}")
    return chosen[0]


def told(record: Record) -> list[tuple[str, float]]:
    """Return the reasons that were answered with a decision, the largest first.

    Raises NoticeError if it was an approval or came without reasons.
    """
    if record.decision == APPROVED:
        raise NoticeError(
            f"request {record.request_id} was approved: there is nothing to give notice of"
        )
    if record.decision is None:
        raise NoticeError(f"request {record.request_id}: {record.model} decides nothing")
    if record.reasons is None:
        raise NoticeError(
            f"request {record.request_id} was answered without reasons (--reasons none, or "
            "?reasons=none)"
        )
    if not record.reasons:
        raise NoticeError(f"request {record.request_id}: no reason pushed towards refusal")
    return record.reasons


def reasons(record: Record, codes: ReasonCodes | None, language: str | None) -> list[Reason]:
    """Return the reasons of a decision in a language. Raises NoticeError.

    The version of `codes` has to be the one that was answered.
    """
    answered = told(record)
    name = f"{record.model}/{record.version}"
    if codes is None or codes.version != record.reasons_version:
        raise NoticeError(
            f"{name}: the decision rests on reason codes {record.reasons_version}, which the "
            "bundle does not hold: give the bundle that decided"
        )
    chosen = language_of(codes, language)
    texts = {
        code.code: code.text[chosen]
        for entry in codes.entries
        for code in filter(None, (entry, entry.missing))
    }
    if strange := [code for code, _ in answered if code not in texts]:
        raise NoticeError(f"{name}: the record names {strange[0]}, which is no code of the bundle")
    return [Reason(code, texts[code]) for code, _ in answered]


def language_of(codes: ReasonCodes, wanted: str | None) -> str:
    """Return a language of the texts: that wanted, or as de for de-AT. Raises NoticeError."""
    known = [*codes.entries[0].text]
    if wanted is None:
        return known[0]
    for tag in (wanted, wanted.partition("-")[0]):
        if tag in known:
            return tag
    raise NoticeError(f"--language {wanted}: the texts are in {', '.join(known)}")
