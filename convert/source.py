"""Where the model text comes from: a text file, a pickle that is never executed, an MLflow folder.

LightGBM keeps its whole text inside its pickles, so the bytes are searched, not loaded.
"""

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from .classes import Labels, classes_in_pickle
from .columns import column_order
from .errors import UnreadableModelError, UnsupportedModelError

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
COMPRESSED: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", gzip.decompress),
    (b"BZh", bz2.decompress),
    (b"\xfd7zXZ", lzma.decompress),
    (b"\x5d\x00\x00", lzma.decompress),
    (b"\x78", zlib.decompress),
)
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


def read_source(path: Path) -> Source:
    """Find the model text at `path`, a file or an MLflow folder, executing nothing.

    Raises UnreadableModelError where there is none, UnsupportedModelError where it is not alone.
    """
    if path.is_dir():
        return _mlflow(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableModelError(f"{path}: {error.strerror}") from error
    return _from_bytes(path, _decompressed(path, content))


def _decompressed(path: Path, content: bytes) -> bytes:
    for start, decompress in COMPRESSED:
        if content.startswith(start):
            try:
                return decompress(content)
            except (OSError, EOFError, zlib.error, lzma.LZMAError):
                return content
    return content


def _from_bytes(path: Path, content: bytes) -> Source:
    if not content.strip():
        raise UnreadableModelError(f"{path}: the file is empty")
    if content.startswith(b"tree"):
        return Source(_decoded(path, content), "text")
    texts = {_cut(content, found.start()) for found in TEXT_STARTS.finditer(content)}
    if not texts:
        raise UnreadableModelError(f"{path}: {_stranger(content)}")
    if len(texts) > 1:
        raise UnsupportedModelError(f"{path}: {len(texts)} LightGBM models inside; one wanted")
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


def _mlflow(folder: Path) -> Source:
    from .mlflow import read_mlflow

    model_file, names = read_mlflow(folder)
    source = read_source(model_file)
    order = None
    if names is not None and "ColumnTransformer" in source.steps:
        order = column_order(_decompressed(model_file, model_file.read_bytes()), names)
    return replace(source, kind=f"mlflow {source.kind}", names=names, order=order)
