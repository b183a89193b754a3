"""Find the model's text in a text file, a pickle that is never executed, or an MLflow folder.

LightGBM keeps its whole text inside its pickles, so the bytes are searched, not loaded.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import UnreadableModelError, UnsupportedModelError
from ..files import read_file, unpacked
from ..model.calibrator import Calibrator
from .calibrating import calibrated
from .classes import Labels, classes_in_pickle
from .estimator import notes_on
from .mlflow import Described
from .pickled import values_of
from .pickled_columns import column_order
from .surroundings import OWN, ForeignClass, Surroundings, by_name, surroundings

TEXT_STARTS = re.compile(rb"tree\n(?=(?:version=v\d+\n)?num_class=\d+\n)")
# Opcode and width of the length before a string's bytes: BINUNICODE and BINUNICODE8.
LENGTHS = ((b"X", 4), (b"\x8d", 8))
# Module and class in pickles of protocol 4, and of protocols 2 and 3.
CLASSES = (
    re.compile(rb"\x8c.([a-z_]\w*(?:\.\w+)*)\x94\x8c.(\w+)\x94\x93", re.DOTALL),
    re.compile(rb"c(__main__|[a-z_]\w*(?:\.\w+)+)\n(\w+)\n"),
)
BEST = "best_iteration"
BEST_ITERATION = re.compile(
    rb"(?:\x8c\x0e|X\x0e\0\0\0)best_iteration(?:\x94|q.|r....)"
    rb"(?:K(?P<one>.)|M(?P<two>..)|J(?P<four>....))",
    re.DOTALL,
)
# Marks of other libraries' models, which LightGBM itself does not use.
STRANGERS = (
    (rb"\ACBM1|catboost\.core|CatBoost(Classifier|Regressor)", "a CatBoost model"),
    (rb"\Abinf|learner_model_param|\"learner\"", "an XGBoost model"),
    (rb"xgboost\.(core|sklearn)|XGB(Classifier|Regressor|Ranker)", "an XGBoost model"),
    (rb"\APK\x03\x04", "a zip archive, not of skops"),
    (rb"(?i)lightgbm|LGBM", "LightGBM is mentioned inside, but there is no text of a fitted model"),
)


UNREAD = "the classifier's classes cannot be read; the probability is of its last class"


@dataclass(frozen=True)
class Source:
    """A model's text, and what else its file says about it."""

    text: str
    kind: str
    best_iterations: frozenset[int] = frozenset()
    others: tuple[ForeignClass, ...] = ()
    names: tuple[str, ...] | None = None
    order: tuple[int, ...] | None = None
    classes: Labels | None = None
    notes: tuple[str, ...] = ()
    calibrator: Calibrator | None = None
    known_names: tuple[str, ...] = ()


def read_source(found: Described) -> Source:
    """Find the model's text in a file, executing nothing.

    Raises UnreadableModelError if there is none and UnsupportedModelError if there are several.
    """
    path, names = found.file, found.names
    try:
        content = unpacked(read_file(path))
    except UnreadableModelError as error:
        raise UnreadableModelError(f"{path}: {error}") from error
    source = _from_bytes(path, content)
    if not found.of_mlflow:
        return source
    ordered = names is not None and any(each.short == "ColumnTransformer" for each in source.others)
    order = column_order(content, names) if names is not None and ordered else None
    return replace(source, kind=f"mlflow {source.kind}", names=names, order=order)


def _from_bytes(path: Path, content: bytes) -> Source:
    if not content.strip():
        raise UnreadableModelError(f"{path}: the file is empty")
    if content.startswith(b"tree"):
        return Source(_decoded(path, content), "text")
    texts = _texts(content)
    if not texts:
        raise UnreadableModelError(f"{path}: {_stranger(content)}")
    if len(texts) > 1:
        raise UnsupportedModelError(f"{path}: {_several(content)}")
    text = _decoded(path, texts.pop())
    found = Source(text, "pickle", classes=classes_in_pickle(content))
    unread = (UNREAD,) if found.classes is None and b"LGBMClassifier" in content else ()
    try:
        known = surroundings(content)
    except ValueError:
        return replace(
            found, best_iterations=_any_best_iteration(content), others=_any_class(content),
            notes=unread,
        )  # fmt: skip
    notes = tuple(dict.fromkeys(note for state in known.mappings for note in notes_on(state)))
    best = _best_iterations(known)
    calibrator, others = calibrated(known)
    names = tuple(_known_names(known))
    return replace(
        found, best_iterations=best, others=others, notes=notes, calibrator=calibrator,
        known_names=names,
    )  # fmt: skip


def _known_names(known: Surroundings) -> Iterator[str]:
    """Yield the columns that scikit-learn's estimators were fitted on."""
    for state in known.mappings:
        if "feature_names_in_" in state:
            yield from (str(name) for name in values_of(state["feature_names_in_"]) or ())


def _texts(content: bytes) -> set[bytes]:
    """Return the distinct model texts inside, two at most: a file may begin thousands."""
    texts: set[bytes] = set()
    for found in TEXT_STARTS.finditer(content):
        texts.add(_cut(content, found.start()))
        if len(texts) > 1:
            break
    return texts


def _several(content: bytes) -> str:
    """Say what holds the several models, if that is known."""
    try:
        known = surroundings(content)
        calibrated(known)
    except UnsupportedModelError as error:
        return str(error)
    except ValueError:
        return "wanted one LightGBM model, got more than one"
    places = ", ".join(list(known.boosters)[:4])
    return f"wanted one LightGBM model, got more than one ({places})"


def _decoded(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UnreadableModelError(f"{path}: not UTF-8 at byte {error.start}") from error


def _stranger(content: bytes) -> str:
    head = content[: 1 << 20]
    for mark, name in STRANGERS:
        if re.search(mark, head):
            return f"wanted a LightGBM model, got: {name}"
    return "no LightGBM model inside"


def _cut(content: bytes, start: int) -> bytes:
    """Return the text that begins at `start`: as long as the pickle says, or to its last line."""
    for opcode, width in LENGTHS:
        length = int.from_bytes(content[start - width : start], "little")
        end = start + length
        if content[start - width - 1 : start - width] == opcode and end <= len(content):
            return content[start:end]
    last = content.find(b"pandas_categorical:", start)
    end = content.find(b"\n", last) if last >= 0 else -1
    return content[start:] if end < 0 else content[start : end + 1]


def _any_class(content: bytes) -> tuple[ForeignClass, ...]:
    """Return the classes named anywhere in a pickle that cannot be followed."""
    names = [
        f"{match[1].decode()}.{match[2].decode()}"
        for pattern in CLASSES
        for match in pattern.finditer(content)
    ]
    found = [ForeignClass(name, "", by_name(name)) for name in dict.fromkeys(names)]
    return tuple(each for each in found if each.name.partition(".")[0] not in OWN)


def _best_iterations(known: Surroundings) -> frozenset[int]:
    """Return early stopping's choice in the booster's own state, which LightGBM's predict follows.

    If no booster is an object, return every choice in the file, and 0 for "none".
    """
    if known.boosters:
        return frozenset(_round(state.get(BEST)) for state in known.boosters.values())
    return frozenset({0, *(_round(each.get(BEST)) for each in known.mappings)})


def _round(value: object) -> int:
    return value if isinstance(value, int) else 0


def _any_best_iteration(content: bytes) -> frozenset[int]:
    """Return every choice in a pickle that cannot be followed, and 0 for "none"."""
    found = {0}
    for match in BEST_ITERATION.finditer(content):
        digits = next((part for part in match.groups() if part), b"")
        found.add(int.from_bytes(digits, "little", signed=len(digits) == 4))
    return frozenset(found)
