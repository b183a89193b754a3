"""scikit-learn steps as ONNX operators in float64, one operator for each of their operations.

Why not skl2onnx: measured with 1.20.0 on float64 input, its StandardScaler and MinMaxScaler give
scikit-learn's bits, but SimpleImputer becomes an `Imputer`, which onnxruntime has only in float32.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import TensorProto

from ..errors import UnsupportedModelError
from ..graph.linear import Nodes
from ..model.tree import Floats


@dataclass
class Input:
    """One input column of the pipeline; `categories` and `codes` are set once an encoder uses it.

    `missing` is what the pipeline treats as a missing category: NaN or None.
    """

    name: str
    categories: list[object] | None = None
    codes: list[float] | None = None
    fill: object = None
    fills_missing: bool = False
    refuses_unknown: bool = False
    seen: tuple[float, float] | None = None
    missing: object = float("nan")


@dataclass(frozen=True)
class Block:
    """A tensor `[N, k]` in the graph, and the input that each of its columns comes from."""

    tensor: str
    sources: tuple[int, ...]


@dataclass
class Carrier:
    """Converts the steps of a pipeline into ONNX operators."""

    inputs: list[Input]
    nodes: Nodes = field(default_factory=Nodes)

    def carry(self, step: Any, block: Block) -> Block:
        """Append one step; raises UnsupportedModelError if it cannot be converted exactly."""
        if step is None or step == "passthrough":
            return block
        name = type(step).__name__
        if name == "Pipeline":
            for _, inner in step.steps:
                block = self.carry(inner, block)
            return block
        if name not in STEPS:
            raise UnsupportedModelError(
                f"step {name} is not supported; supported are {', '.join(STEPS)}"
            )
        return STEPS[name](self, step, block)

    def select(self, block: Block, columns: list[int]) -> Block:
        """Keep some columns, in the given order."""
        if columns == list(range(len(block.sources))):
            return block
        at = self.nodes.constant(np.array(columns, dtype=np.int64))
        tensor = self.nodes.add("Gather", block.tensor, at, axis=1)
        return Block(tensor, tuple(block.sources[i] for i in columns))

    def join(self, blocks: list[Block]) -> Block:
        """Concatenate blocks of columns."""
        if len(blocks) == 1:
            return blocks[0]
        tensor = self.nodes.add("Concat", *(block.tensor for block in blocks), axis=1)
        return Block(tensor, tuple(source for block in blocks for source in block.sources))

    def with_row(self, operator: str, block: Block, row: Floats) -> Block:
        """Apply a binary operator with one constant for each column."""
        constant = self.nodes.constant(np.asarray(row, dtype=np.float64)[None, :])
        return Block(self.nodes.add(operator, block.tensor, constant), block.sources)

    def filled(self, block: Block, row: Floats) -> Block:
        """Replace NaN by one constant for each column."""
        constant = self.nodes.constant(np.asarray(row, dtype=np.float64)[None, :])
        absent = self.nodes.add("IsNaN", block.tensor)
        return Block(self.nodes.add("Where", absent, constant, block.tensor), block.sources)

    def see(self, source: int, low: Any, high: Any) -> None:
        """Record an input's range in training; only the first step that knows it counts."""
        if self.inputs[source].seen is None:
            self.inputs[source].seen = (float(low), float(high))

    def claim(self, source: int, categories: list[object], refuses: bool) -> list[float]:
        """Make an input a category; return its codes."""
        codes = _codes(categories)
        there = self.inputs[source]
        if there.categories is not None and there.categories != categories:
            raise UnsupportedModelError(f"{there.name}: two encoders know different categories")
        there.categories, there.codes = categories, codes
        there.refuses_unknown |= refuses
        return codes


def _codes(categories: list[object]) -> list[float]:
    """Return the codes of categories: a number's own value, a text's position."""
    if all(isinstance(value, int | float) for value in categories):
        return [float(value) for value in categories if isinstance(value, int | float)]
    return [float(position) for position in range(len(categories))]


def _impute(carrier: Carrier, step: Any, block: Block) -> Block:
    if not _is_nan(step.missing_values):
        raise UnsupportedModelError(
            f"SimpleImputer with missing_values={step.missing_values!r}; wanted NaN"
        )
    filled = _imputed(carrier, step, block)
    if not step.add_indicator:
        return filled
    if any(carrier.inputs[source].fill is not None for source in block.sources):
        raise UnsupportedModelError("SimpleImputer of texts with an indicator")
    return carrier.join([filled, _indicated(carrier, step.indicator_, block)])


def _indicated(carrier: Carrier, step: Any, block: Block) -> Block:
    """Return a column of 0 and 1 for each input that had missing values in training."""
    chosen = carrier.select(block, [int(i) for i in step.features_])
    absent = carrier.nodes.add("IsNaN", chosen.tensor)
    return Block(carrier.nodes.add("Cast", absent, to=TensorProto.DOUBLE), chosen.sources)


def _imputed(carrier: Carrier, step: Any, block: Block) -> Block:
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
        carrier.see(source, mean[i] - 3 * spread[i], mean[i] + 3 * spread[i])
    if step.with_mean:
        block = carrier.with_row("Sub", block, mean)
    return carrier.with_row("Div", block, spread) if step.with_std else block


def _min_max(carrier: Carrier, step: Any, block: Block) -> Block:
    for i, source in enumerate(block.sources):
        carrier.see(source, step.data_min_[i], step.data_max_[i])
    block = carrier.with_row("Add", carrier.with_row("Mul", block, step.scale_), step.min_)
    if not step.clip:
        return block
    limits = [carrier.nodes.constant(np.array(float(x))) for x in step.feature_range]
    return Block(carrier.nodes.add("Clip", block.tensor, *limits), block.sources)


def _robust(carrier: Carrier, step: Any, block: Block) -> Block:
    if step.with_centering:
        block = carrier.with_row("Sub", block, step.center_)
    return carrier.with_row("Div", block, step.scale_) if step.with_scaling else block


def _max_abs(carrier: Carrier, step: Any, block: Block) -> Block:
    for i, source in enumerate(block.sources):
        carrier.see(source, -step.max_abs_[i], step.max_abs_[i])
    block = carrier.with_row("Div", block, step.scale_)
    if not getattr(step, "clip", False):
        return block
    limits = [carrier.nodes.constant(np.array(x)) for x in (-1.0, 1.0)]
    return Block(carrier.nodes.add("Clip", block.tensor, *limits), block.sources)


def _one_hot(carrier: Carrier, step: Any, block: Block) -> Block:
    if getattr(step, "_infrequent_enabled", False):
        raise UnsupportedModelError("OneHotEncoder that groups infrequent categories")
    dropped = step.drop_idx_ if step.drop_idx_ is not None else [None] * len(step.categories_)
    blocks = []
    for i, categories in enumerate(step.categories_):
        values = _known(carrier.inputs[block.sources[i]], categories)
        codes = _encoded(carrier, block, i, values, step.handle_unknown == "error")
        kept = [code for position, code in enumerate(codes) if position != dropped[i]]
        column = _missing_filled(carrier, carrier.select(block, [i]), values)
        blocks.append(_hot(carrier, column, kept))
        if len(values) < len(categories) and dropped[i] != len(values):
            absent = carrier.nodes.add("IsNaN", column.tensor)
            tensor = carrier.nodes.add("Cast", absent, to=TensorProto.DOUBLE)
            blocks.append(Block(tensor, column.sources))
    return carrier.join(blocks)


def _hot(carrier: Carrier, column: Block, codes: list[float]) -> Block:
    """Return a column of 0 and 1 for each code."""
    equal = carrier.nodes.add("Equal", column.tensor, carrier.nodes.constant(np.array([codes])))
    tensor = carrier.nodes.add("Cast", equal, to=TensorProto.DOUBLE)
    return Block(tensor, column.sources * len(codes))


def _ordinal(carrier: Carrier, step: Any, block: Block) -> Block:
    if getattr(step, "_infrequent_enabled", False):
        raise UnsupportedModelError("OrdinalEncoder that groups infrequent categories")
    refuses = step.handle_unknown == "error"
    otherwise = float("nan" if refuses else step.unknown_value)
    blocks = []
    for i, categories in enumerate(step.categories_):
        places = [float(place) for place in range(len(categories))]
        if i in step._missing_indices:
            places[-1] = float(step.encoded_missing_value)
        blocks.append(_looked_up(carrier, block, i, (categories, places), otherwise, refuses))
    return carrier.join(blocks)


def _target(carrier: Carrier, step: Any, block: Block) -> Block:
    """Replace each category by its mean of the target, and unknown ones by the overall mean."""
    if step.target_type_ == "multiclass":
        raise UnsupportedModelError("TargetEncoder of several classes")
    mean = float(step.target_mean_)
    blocks = [
        _looked_up(carrier, block, i, (categories, encodings.tolist()), mean, False)
        for i, (categories, encodings) in enumerate(
            zip(step.categories_, step.encodings_, strict=True)
        )
    ]
    return carrier.join(blocks)


def _looked_up(
    carrier: Carrier,
    block: Block,
    at: int,
    table: tuple[Any, list[float]],
    otherwise: float,
    refuses: bool,
) -> Block:
    """Look up the number of each category in one column, in a table of categories and numbers."""
    categories, numbers = table
    values = _known(carrier.inputs[block.sources[at]], categories)
    if len(values) < len(categories):
        otherwise, numbers = numbers[-1], numbers[:-1]
    codes = _encoded(carrier, block, at, values, refuses)
    column = _missing_filled(carrier, carrier.select(block, [at]), values)
    nodes = carrier.nodes
    hot = _hot(carrier, column, codes).tensor
    known = nodes.add("ReduceMax", hot, nodes.constant(np.array([1])))
    found = nodes.add("Equal", known, nodes.constant(np.array(1.0)))
    number = nodes.add("MatMul", hot, nodes.constant(np.array(numbers)[:, None]))
    tensor = nodes.add("Where", found, number, nodes.constant(np.array(otherwise)))
    return Block(tensor, column.sources)


def _encoded(
    carrier: Carrier, block: Block, column: int, values: list[object], refuses: bool
) -> list[float]:
    return carrier.claim(block.sources[column], values, refuses)


def _missing_filled(carrier: Carrier, column: Block, values: list[object]) -> Block:
    """Replace NaN by the imputer's text, now that it has a code."""
    fill = carrier.inputs[column.sources[0]].fill
    if fill is None:
        return column
    if fill not in values:
        raise UnsupportedModelError(f"the imputer's {fill!r} is not a category of the encoder")
    return carrier.filled(column, np.array([_codes(values)[values.index(fill)]]))


def _known(there: Input, categories: Any) -> list[object]:
    """Return the categories as plain values, without missing, which scikit-learn puts last."""
    values: list[object] = np.asarray(categories).tolist()
    absent = [value for value in values if value is None or _is_nan(value)]
    if len(absent) > 1 or (absent and values[-1] is not absent[0]) or values == absent:
        raise UnsupportedModelError(f"{there.name}: an encoder with {absent} for missing values")
    if not absent:
        return values
    there.fills_missing, there.missing = True, absent[0]
    return values[:-1]


def _is_nan(value: object) -> bool:
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


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
    if step.func is None:
        return block
    name = getattr(step.func, "__name__", type(step.func).__name__)
    if getattr(np, name, None) is not step.func or name not in FUNCTIONS or step.kw_args:
        raise UnsupportedModelError(
            f"FunctionTransformer with {name}; supported are None and numpy's "
            f"{', '.join(FUNCTIONS)}"
        )
    if name == "square":
        return Block(carrier.nodes.add("Mul", block.tensor, block.tensor), block.sources)
    return Block(carrier.nodes.add(FUNCTIONS[name], block.tensor), block.sources)


# numpy functions whose result IEEE 754 defines to the bit, and their ONNX operators. Logarithms and
# exponentials are not among them: libraries differ in the last bit.
FUNCTIONS = {
    "absolute": "Abs", "ceil": "Ceil", "floor": "Floor", "negative": "Neg", "rint": "Round",
    "sign": "Sign", "sqrt": "Sqrt", "square": "Mul",
}  # fmt: skip

STEPS: dict[str, Callable[[Carrier, Any, Block], Block]] = {
    "SimpleImputer": _impute,
    "StandardScaler": _standardise,
    "MinMaxScaler": _min_max,
    "MaxAbsScaler": _max_abs,
    "RobustScaler": _robust,
    "TargetEncoder": _target,
    "OneHotEncoder": _one_hot,
    "OrdinalEncoder": _ordinal,
    "SelectKBest": _support,
    "SelectPercentile": _support,
    "SelectFromModel": _support,
    "VarianceThreshold": _support,
    "ColumnTransformer": _columns,
    "FunctionTransformer": _function,
}
