"""Where the model text comes from: a text file, a pickle that is never executed, an MLflow folder.

LightGBM keeps its whole text inside its pickles, so the bytes are searched, not loaded.
"""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from .classes import Labels, classes_in_pickle
from .columns import column_order
from .errors import UnreadableModelError, UnsupportedModelError
from .files import read_file, unpacked
from .mlflow import Described

TEXT_STARTS = re.compile(rb"tree\n(?=(?:version=v\d+\n)?num_class=\d+\n)")
PICKLED = re.compile(rb"\x80[\x02-\x05]")
# A string's opcode and length stand before its bytes: BINUNICODE and BINUNICODE8.
LENGTHS = ((b"X", 4), (b"\x8d", 8))
# module, class as pickles of protocol 4 and of protocol 2 and 3 name them
CLASSES = (
    re.compile(rb"\x8c.([a-z_]\w*(?:\.\w+)+)\x94\x8c.(\w+)\x94\x93", re.DOTALL),
    re.compile(rb"c([a-z_]\w*(?:\.\w+)+)\n(\w+)\n"),
)
BEST_ITERATION = re.compile(
    rb"(?:\x8c\x0e|X\x0e\0\0\0)best_iteration(?:\x94|q.|r....)"
    rb"(?:K(?P<one>.)|M(?P<two>..)|J(?P<four>....))",
    re.DOTALL,
)
STEP_PACKAGES = ("sklearn", "imblearn", "category_encoders", "feature_engine")
NOT_STEPS = {"Pipeline", "LabelEncoder", "Tree", "Bunch"}
# Around the booster these change its answer.
CHANGES_THE_ANSWER = (
    "CalibratedClassifierCV", "VotingClassifier", "VotingRegressor", "StackingClassifier",
    "StackingRegressor", "TransformedTargetRegressor", "BaggingClassifier", "BaggingRegressor",
    "OneVsRestClassifier", "MultiOutputClassifier", "MultiOutputRegressor",
    "TunedThresholdClassifierCV", "FixedThresholdClassifier", "FrozenEstimator",
)  # fmt: skip
# What other models begin with, or hold near their beginning.
STRANGERS = (
    (b"CBM1", "a CatBoost model"),
    (b"binf", "an XGBoost model"),
    (b"learner_model_param", "an XGBoost model"),
    (b'"learner"', "an XGBoost model"),
    (b"xgboost", "an XGBoost model"),
    (b"catboost", "a CatBoost model"),
    (b"lightgbm", "a LightGBM dump or log, not its text model"),
)


@dataclass(frozen=True)
class Source:
    """A model text and what its container tells beside it."""

    text: str
    kind: str
    best_iteration: int = 0
    steps: tuple[str, ...] = ()
    names: tuple[str, ...] | None = None
    order: tuple[int, ...] | None = None
    classes: Labels | None = None
    notes: list[str] = field(default_factory=list)


def read_source(found: Described) -> Source:
    """Find the model text in a file, executing nothing.

    Raises UnreadableModelError where there is none, UnsupportedModelError where it is not alone.
    """
    path, names = found.file, found.names
    try:
        content = unpacked(read_file(path))
    except UnreadableModelError as error:
        raise UnreadableModelError(f"{path}: {error}") from error
    source = _from_bytes(path, content)
    if not found.of_mlflow:
        return source
    ordered = names is not None and "ColumnTransformer" in source.steps
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
        raise UnsupportedModelError(f"{path}: more than one LightGBM model inside; one wanted")
    classes = classes_in(content)
    changing = [name for name in classes if name in CHANGES_THE_ANSWER]
    if changing:
        raise UnsupportedModelError(f"{path}: {changing[0]} changes what the booster answers")
    return Source(
        _decoded(path, texts.pop()),
        "pickle",
        _best_iteration(content),
        steps_in(classes),
        classes=classes_in_pickle(content),
    )


def _texts(content: bytes) -> set[bytes]:
    """The distinct model texts inside, two at most: a file may begin thousands and end none."""
    texts: set[bytes] = set()
    for found in TEXT_STARTS.finditer(content):
        texts.add(_cut(content, found.start()))
        if len(texts) > 1:
            break
    return texts


def _decoded(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UnreadableModelError(f"{path}: not UTF-8 at byte {error.start}") from error


def _stranger(content: bytes) -> str:
    head = content[: 1 << 20]
    for mark, name in STRANGERS:
        if mark in head:
            return f"{name}; a LightGBM model wanted"
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


def classes_in(content: bytes) -> list[str]:
    """Name the classes a pickle would import, in its order, without importing them."""
    found = [
        (match.start(), match[2].decode())
        for pattern in CLASSES
        for match in pattern.finditer(content)
        if match[1].decode().split(".")[0] in STEP_PACKAGES
    ]
    return list(dict.fromkeys(name for _, name in sorted(found)))


def steps_in(classes: list[str]) -> tuple[str, ...]:
    """Leave out what does not change a row."""
    return tuple(name for name in classes if name not in NOT_STEPS and name[0].isupper())


def _best_iteration(content: bytes) -> int:
    """Early stopping's choice, which LightGBM's own predict follows; 0 when there is none."""
    found = BEST_ITERATION.search(content)
    digits = next((part for part in found.groups() if part), b"") if found else b""
    return max(int.from_bytes(digits, "little", signed=len(digits) == 4), 0)
