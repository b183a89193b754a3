"""scikit-learn steps as ONNX operators in float64, one operation for each of theirs.

skl2onnx 1.20.0 was measured on float64 input, 5,000 rows: StandardScaler and MinMaxScaler give
scikit-learn's bits, but SimpleImputer becomes an `Imputer` that onnxruntime has only in float32.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import TensorProto

from .errors import UnsupportedModelError
from .linear import Nodes
from .tree import Floats


@dataclass
class Input:
    """One column the pipeline takes; `categories` and `codes` once an encoder has claimed it."""

    name: str
    categories: list[object] | None = None
    codes: list[float] | None = None
    fill: object = None
    fills_missing: bool = False
    refuses_unknown: bool = False
    seen: tuple[float, float] | None = None


@dataclass(frozen=True)
class Block:
    """A tensor `[N, k]` within the graph, and which input each of its columns comes from."""

    tensor: str
    sources: tuple[int, ...]


@dataclass
class Carrier:
    """Collects the operators of a pipeline's steps."""

    inputs: list[Input]
    nodes: Nodes = field(default_factory=Nodes)

    def carry(self, step: Any, block: Block) -> Block:
        """Append `step`; raises UnsupportedModelError for one that is not known exactly."""
        if step is None or step == "passthrough":
            return block
        name = type(step).__name__
        if name == "Pipeline":
            for _, inner in step.steps:
                block = self.carry(inner, block)
            return block
        if name not in STEPS:
            raise UnsupportedModelError(f"step {name} is not carried; {', '.join(STEPS)} are")
        return STEPS[name](self, step, block)

    def select(self, block: Block, columns: list[int]) -> Block:
        """Keep some columns, in the order given."""
        if columns == list(range(len(block.sources))):
            return block
        at = self.nodes.constant(np.array(columns, dtype=np.int64))
        tensor = self.nodes.add("Gather", block.tensor, at, axis=1)
        return Block(tensor, tuple(block.sources[i] for i in columns))

    def join(self, blocks: list[Block]) -> Block:
        """Put blocks side by side."""
        if len(blocks) == 1:
            return blocks[0]
        tensor = self.nodes.add("Concat", *(block.tensor for block in blocks), axis=1)
        return Block(tensor, tuple(source for block in blocks for source in block.sources))

    def with_row(self, operator: str, block: Block, row: Floats) -> Block:
        """Apply a binary operator with one constant per column."""
        constant = self.nodes.constant(np.asarray(row, dtype=np.float64)[None, :])
        return Block(self.nodes.add(operator, block.tensor, constant), block.sources)

    def filled(self, block: Block, row: Floats) -> Block:
        """Put a constant per column where NaN stands."""
        constant = self.nodes.constant(np.asarray(row, dtype=np.float64)[None, :])
        absent = self.nodes.add("IsNaN", block.tensor)
        return Block(self.nodes.add("Where", absent, constant, block.tensor), block.sources)

    def claim(self, source: int, categories: list[object], refuses: bool) -> list[float]:
        """Make an input a category; returns the codes its row will hold."""
        codes = _codes(categories)
        there = self.inputs[source]
        if there.categories is not None and there.categories != categories:
            raise UnsupportedModelError(f"{there.name}: two encoders know different categories")
        there.categories, there.codes = categories, codes
        there.refuses_unknown |= refuses
        return codes


def _codes(categories: list[object]) -> list[float]:
    """Numbers stand for themselves, text for its position."""
    if all(isinstance(value, int | float) for value in categories):
        return [float(value) for value in categories if isinstance(value, int | float)]
    return [float(position) for position in range(len(categories))]


def _impute(carrier: Carrier, step: Any, block: Block) -> Block:
    if step.add_indicator or not _is_nan(step.missing_values):
        raise UnsupportedModelError("SimpleImputer with an indicator or another missing value")
    statistics = list(step.statistics_)
    kept = [i for i, value in enumerate(statistics) if not _is_nan(value)]
    if len(kept) < len(statistics) and not step.keep_empty_features:
        block, statistics = carrier.select(block, kept), [statistics[i] for i in kept]
    for source in block.sources:
        carrier.inputs[source].fills_missing = True
    if any(isinstance(value, str) for value in statistics):
        for source, value in zip(block.sources, statistics, strict=True):
            carrier.inputs[source].fill = value
        return block
    return carrier.filled(block, np.array(statistics, dtype=np.float64))


def _standardise(carrier: Carrier, step: Any, block: Block) -> Block:
    mean = step.mean_ if step.with_mean else np.zeros(len(block.sources))
    spread = step.scale_ if step.with_std else np.ones(len(block.sources))
    for i, source in enumerate(block.sources):
        low, high = mean[i] - 3 * spread[i], mean[i] + 3 * spread[i]
        carrier.inputs[source].seen = (float(low), float(high))
    if step.with_mean:
        block = carrier.with_row("Sub", block, mean)
    return carrier.with_row("Div", block, spread) if step.with_std else block


def _min_max(carrier: Carrier, step: Any, block: Block) -> Block:
    for i, source in enumerate(block.sources):
        carrier.inputs[source].seen = (float(step.data_min_[i]), float(step.data_max_[i]))
    block = carrier.with_row("Add", carrier.with_row("Mul", block, step.scale_), step.min_)
    if not step.clip:
        return block
    limits = [carrier.nodes.constant(np.array(float(x))) for x in step.feature_range]
    return Block(carrier.nodes.add("Clip", block.tensor, *limits), block.sources)


def _one_hot(carrier: Carrier, step: Any, block: Block) -> Block:
    if getattr(step, "_infrequent_enabled", False):
        raise UnsupportedModelError("OneHotEncoder that groups infrequent categories")
    dropped = step.drop_idx_ if step.drop_idx_ is not None else [None] * len(step.categories_)
    blocks = []
    for i, categories in enumerate(step.categories_):
        values = _known(categories)
        codes = _encoded(carrier, block, i, values, step.handle_unknown == "error")
        kept = [code for position, code in enumerate(codes) if position != dropped[i]]
        column = _missing_filled(carrier, carrier.select(block, [i]), values)
        row = carrier.nodes.constant(np.array([kept]))
        equal = carrier.nodes.add("Equal", column.tensor, row)
        tensor = carrier.nodes.add("Cast", equal, to=TensorProto.DOUBLE)
        blocks.append(Block(tensor, (block.sources[i],) * len(kept)))
    return carrier.join(blocks)


def _ordinal(carrier: Carrier, step: Any, block: Block) -> Block:
    if getattr(step, "_infrequent_enabled", False):
        raise UnsupportedModelError("OrdinalEncoder that groups infrequent categories")
    refuses = step.handle_unknown == "error"
    if not refuses and not _same(step.unknown_value, step.encoded_missing_value):
        raise UnsupportedModelError("OrdinalEncoder that tells unknown from missing values")
    blocks = []
    for i, categories in enumerate(step.categories_):
        values = _known(categories)
        codes = _encoded(carrier, block, i, values, refuses)
        column = _missing_filled(carrier, carrier.select(block, [i]), values)
        blocks.append(_positions(carrier, column, codes, float(step.encoded_missing_value)))
    return carrier.join(blocks)


def _positions(carrier: Carrier, column: Block, codes: list[float], otherwise: float) -> Block:
    """Each code's position; what is no code gets the encoder's value for missing."""
    nodes = carrier.nodes
    equal = nodes.add("Equal", column.tensor, nodes.constant(np.array([codes])))
    hot = nodes.add("Cast", equal, to=TensorProto.DOUBLE)
    places = nodes.constant(np.arange(len(codes), dtype=np.float64)[:, None])
    known = nodes.add("ReduceMax", hot, nodes.constant(np.array([1])))
    found = nodes.add("Equal", known, nodes.constant(np.array(1.0)))
    position = nodes.add("MatMul", hot, places)
    tensor = nodes.add("Where", found, position, nodes.constant(np.array(otherwise)))
    return Block(tensor, column.sources)


def _encoded(
    carrier: Carrier, block: Block, column: int, values: list[object], refuses: bool
) -> list[float]:
    return carrier.claim(block.sources[column], values, refuses)


def _missing_filled(carrier: Carrier, column: Block, values: list[object]) -> Block:
    """Put the imputer's text where NaN stands, now that it has a code."""
    fill = carrier.inputs[column.sources[0]].fill
    if fill is None:
        return column
    if fill not in values:
        raise UnsupportedModelError(f"the imputer's {fill!r} is no category of its encoder")
    return carrier.filled(column, np.array([_codes(values)[values.index(fill)]]))


def _known(categories: Any) -> list[object]:
    """The categories as plain values; missing as a category of its own is not carried."""
    values: list[object] = np.asarray(categories).tolist()
    if any(value is None or _is_nan(value) for value in values):
        raise UnsupportedModelError("an encoder for which missing is a category of its own")
    return values


def _is_nan(value: object) -> bool:
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def _same(one: object, other: object) -> bool:
    return one == other or (_is_nan(one) and _is_nan(other))


def _support(carrier: Carrier, step: Any, block: Block) -> Block:
    return carrier.select(block, np.flatnonzero(step.get_support()).tolist())


def _columns(carrier: Carrier, step: Any, block: Block) -> Block:
    blocks = []
    for name, inner, _ in step.transformers_:
        columns = list(step._transformer_to_input_indices[name])
        if columns and not (isinstance(inner, str) and inner == "drop"):
            blocks.append(carrier.carry(inner, carrier.select(block, columns)))
    return carrier.join(blocks)


def _function(carrier: Carrier, step: Any, block: Block) -> Block:
    if step.func is not None:
        raise UnsupportedModelError("FunctionTransformer with a function of its own")
    return block


STEPS: dict[str, Callable[[Carrier, Any, Block], Block]] = {
    "SimpleImputer": _impute,
    "StandardScaler": _standardise,
    "MinMaxScaler": _min_max,
    "OneHotEncoder": _one_hot,
    "OrdinalEncoder": _ordinal,
    "SelectKBest": _support,
    "SelectPercentile": _support,
    "SelectFromModel": _support,
    "VarianceThreshold": _support,
    "ColumnTransformer": _columns,
    "FunctionTransformer": _function,
}
