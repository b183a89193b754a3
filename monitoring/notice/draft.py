"""A notice of one recorded decision: its values and reasons in a template."""

from collections.abc import Mapping

from ..bundle.reasons import ReasonCodes
from ..log.record import Record
from . import template
from .decision import language_of, reasons


def values_of(record: Record, language: str) -> dict[str, str]:
    """Return what the $names of a template stand for, but for the reasons."""
    return {
        "decision": record.decision or "",
        "date": record.time[:10],
        "request_id": record.request_id,
        "index": str(record.index or 0),
        "model": record.model or "",
        "version": record.version or "",
        "policy": record.policy or "",
        "language": language,
    }


def draft(
    record: Record, codes: ReasonCodes | None, language: str | None, form: str = template.TEXT,
    text: str | None = None, more: Mapping[str, str] | None = None, where: str = "template",
) -> str:  # fmt: skip
    """Return the notice of a decision; `text` is the template, `more` further $names.

    Raises NoticeError.
    """
    told = reasons(record, codes, language)
    chosen = language_of(codes, language) if codes else ""
    values = {**values_of(record, chosen), **(more or {})}
    body = template.DEFAULT[form] if text is None else text
    return template.filled(body, values, told, form, where)
