"""Faults as sentences: what was wanted, what was sent, and what to send instead."""

import re
from collections.abc import Iterable
from itertools import islice
from math import isfinite
from typing import Any

from .lenient import Literal, is_nested, show
from .rule import Rule
from .wrappers import WRAPPERS

OBJECT = "an object of feature names and values"
NOT_MISSING = "the model has seen no missing value of it"
SEND_NULL = "send null where a value is missing"
WITHOUT_VALUE = {"", "na", "nan", "none", "null"}
NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", re.ASCII)


def form_of(names: Iterable[str]) -> str:
    """Show how an applicant of a model begins."""
    shown = ", ".join(f"{show(name)}: …" for name in islice(names, 2))
    return f"{{{shown}, …}}"


def of_body(value: Any, got: str, form: str) -> str:
    """Say that an applicant is not an object."""
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        return f"wanted {OBJECT}, got a text that holds JSON: encode it once, not twice"
    return f"wanted {OBJECT}, {form}, got {got}"


def of_wrapper(name: Any, form: str) -> str:
    """Say that an applicant is inside a member `name`."""
    whose = WRAPPERS.get(name) if isinstance(name, str) else None
    known = f" ({whose})" if whose else ""
    return (
        f"the applicant is wrapped in {show(name)}{known}: "
        f"send {form} alone, or an array of such objects"
    )


def of_value(name: str, rule: Rule, value: Any) -> str:
    """Say why a value is invalid."""
    instead = instead_of(rule, value)
    said = f"{name}: wanted {rule.wanted}, got {show(value)}"
    return f"{said}: {instead}" if instead else said


def instead_of(rule: Rule, value: Any) -> str:
    """Suggest a valid value; "" if there is no obvious one."""
    if value is None:
        return NOT_MISSING
    if is_nested(value):
        return "send the value itself"
    if isinstance(value, bool):
        return "send 1 or 0" if rule.fits(1) and rule.fits(0) else ""
    if isinstance(value, str):
        return instead_of_text(rule, value)
    return instead_of_number(rule, value)


def instead_of_text(rule: Rule, value: str) -> str:
    """See instead_of."""
    if value.strip().lower() in WITHOUT_VALUE:
        return SEND_NULL if rule.fits(None) else NOT_MISSING
    spelled = number(value)
    if spelled is None or not rule.fits(spelled):
        return ""
    return rounded(value, spelled) or f"send {value} without the quotes"


def instead_of_number(rule: Rule, value: Any) -> str:
    """See instead_of; `value` may also be the text of what float64 does not hold."""
    text = show(value)
    if text == "NaN":
        return SEND_NULL if rule.fits(None) else NOT_MISSING
    if not isinstance(value, Literal) and rule.fits(text):
        return f'send "{text}", a text'
    near = number(text)
    return rounded(text, near) if near is not None and rule.fits(near) else ""


def rounded(text: str, near: float) -> str:
    """Say what float64 makes of an integer that it does not hold; "" for any other number."""
    if not text.lstrip("-").isdigit() or int(text) == near:
        return ""
    return f"float64 would make {int(near)} of it"


def number(text: str) -> float | None:
    """Return the number that a text spells in JSON, if float64 holds one near it."""
    value = float(text) if NUMBER.fullmatch(text) else None
    return value if value is not None and isfinite(value) else None
