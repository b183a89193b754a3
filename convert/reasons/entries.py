"""Reasons: what each code says, and of which features. Every used feature has exactly one."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from ..errors import OptionError
from ..model.features import Feature
from ..tables.near_names import told

CODE = re.compile(r"[A-Za-z0-9._-]{1,32}")
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
LONGEST_TEXT = 500
FIRST_LANGUAGE = "en"
WORDS = re.compile(r"[^\W_]+")
HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")

Texts = dict[str, str]  # language -> text


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code and its text in every language."""

    code: str
    text: Texts


class Entry(Code, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The reason that `features` stand for; `missing` is told where none of them was sent."""

    features: tuple[str, ...]
    missing: Code | None = None


def default_entries(features: Sequence[Feature]) -> list[Entry]:
    """Return one reason for each used feature, in the model's order, its text from the name."""
    used = [feature for feature in features if feature.used]
    return [_default(number, feature) for number, feature in enumerate(used, start=1)]


def _default(number: int, feature: Feature) -> Entry:
    words = " ".join(words_of(feature.name)) or feature.name
    absent = Code(f"M{number:03}", {FIRST_LANGUAGE: f"No value of {words}"})
    return Entry(
        f"R{number:03}",
        {FIRST_LANGUAGE: f"Value of {words}"},
        features=(feature.name,),
        missing=None if feature.policy == "error" else absent,
    )


def words_of(name: str) -> list[str]:
    """Return the words of a feature's name, in lower case: DAYS_BIRTH, daysBirth."""
    return [word.lower() for word in WORDS.findall(HUMP.sub(" ", name))]


def check(entries: Sequence[Entry], features: Sequence[Feature], where: Path) -> None:
    """Raise OptionError where entries cannot be answered, or leave a used feature out."""
    if faults := [*_faults(entries), *_faults_of_features(entries, features)]:
        raise OptionError(f"{where}: {faults[0]}")


def _faults(entries: Sequence[Entry]) -> Iterator[str]:
    own = [entry.code for entry in entries]
    yield from (f"code {code}: more than one entry" for code in _twice(own))
    languages = list(entries[0].text) if entries else []
    texts = dict[str, Texts]()
    for entry in entries:
        for code in filter(None, (entry, entry.missing)):
            yield from _faults_of_code(code, languages)
            if texts.setdefault(code.code, code.text) != code.text:
                yield f"code {code.code}: two texts; one code says one thing"
        if entry.missing and entry.missing.code in own:
            yield f"missing_code {entry.missing.code}: it is the code of an entry"


def _faults_of_code(code: Code, languages: Sequence[str]) -> Iterator[str]:
    if not CODE.fullmatch(code.code):
        yield f"code {code.code[:60]!r}: wanted up to 32 letters, digits, dots or dashes"
    if not code.text:
        yield f"code {code.code}: no text"
    if missing := [each for each in languages if not code.text.get(each, "").strip()]:
        yield f"code {code.code}: an empty text ({missing[0]})"
    if more := [each for each in code.text if each not in languages]:
        yield f"code {code.code}: a text in {more[0]}, which others do not have"
    for language, text in code.text.items():
        if not LANGUAGE.fullmatch(language):
            yield f"code {code.code}: wanted a language such as en or pt-BR, got {language[:60]!r}"
        if len(text) > LONGEST_TEXT or not text.isprintable():
            yield f"code {code.code}: wanted one line of at most {LONGEST_TEXT} characters"


def _faults_of_features(entries: Sequence[Entry], features: Sequence[Feature]) -> Iterator[str]:
    named = [name for entry in entries for name in entry.features]
    yield from (f"code {entry.code}: no feature" for entry in entries if not entry.features)
    yield from (f"feature {name}: wanted it once" for name in _twice(named))
    names = [feature.name for feature in features]
    left_out = [feature.name for feature in features if feature.used and feature.name not in named]
    if unknown := [name for name in named if name not in names]:
        absent = [name for name in names if name not in named]
        yield f"the model has no feature {told(unknown, absent)}"
    if left_out:
        named_ten = ", ".join(left_out[:10])
        yield f"no reason for {named_ten}, {len(left_out)} in all: none may be left out"


def _twice(values: Sequence[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]
