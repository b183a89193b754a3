"""The trees of model.onnx: its one `TreeEnsemble` node as flat arrays, as convert wrote it.

Before it an `Add` may move the codes of categories by one, so that no set in the file holds a 0,
which other runtimes misread; here the sets are moved back. Only these exact forms are taken.
Whatever else stands in the graph is named in a `NotNativeError`: onnxruntime scores it, the native
engine does not.

monitoring/ reads it through a link: folders share files and no imports.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .protobuf import Ints, ProtobufError, fields, varints

Floats = npt.NDArray[np.float64]
# Numbers of fields in onnx.proto.
GRAPH, NODE, INITIALIZER = 7, 1, 5
INPUT, OUTPUT, OPERATOR, DOMAIN, ATTRIBUTE = 1, 2, 4, 7, 5
NAME, INT, TENSOR, INTS, KIND = 1, 3, 5, 8, 20
DATA_TYPE, TENSOR_NAME, RAW_DATA = 2, 8, 9
INTS_TAG, KIND_TAG = INTS << 3, KIND << 3
# data_type of a TensorProto.
DTYPES: dict[int, np.dtype[Any]] = {2: np.dtype(np.uint8), 11: np.dtype(np.float64)}
SUM, NO_TRANSFORM = 1, 0
GREATER, MEMBER = 3, 6
SHIFT, SHIFTED = "code_shift", "shifted"
INT_NAMES = {"n_targets", "aggregate_function", "post_transform"}
INTS_NAMES = {
    "tree_roots", "nodes_featureids", "nodes_truenodeids", "nodes_trueleafs", "nodes_falsenodeids",
    "nodes_falseleafs", "nodes_missing_value_tracks_true", "leaf_targetids",
}  # fmt: skip
TENSOR_NAMES = {"nodes_splits", "nodes_modes", "leaf_weights"}
OPTIONAL = {"membership_values"}


class NotNativeError(Exception):
    """A model that the native engine cannot score; the message is one line with the reason."""


@dataclass(frozen=True)
class Trees:
    """S splits, L leaves, T trees. A child >= 0 is a split, -1 - i is leaf i."""

    outputs: int
    roots: Ints
    feature: Ints
    threshold: Floats
    member: npt.NDArray[np.bool_]
    missing_yes: npt.NDArray[np.bool_]
    yes: Ints
    no: Ints
    leaf: Floats
    leaf_target: Ints
    members: Floats


def read_trees(content: bytes, behind_steps: bool = False) -> Trees:
    """Return the trees in the bytes of model.onnx; raises NotNativeError.

    Pipeline steps before them are allowed only with `behind_steps`: their input is then not X.
    """
    try:
        node, shift = the_node(memoryview(content), behind_steps)
        return trees_of(attributes_of(node), shift)
    except (ProtobufError, UnicodeDecodeError) as error:
        raise NotNativeError(f"model.onnx is no whole ONNX file: {error}") from error


def the_node(model: memoryview, behind_steps: bool = False) -> tuple[memoryview, Floats]:
    """Return the TreeEnsemble node and what is added to each feature; raises NotNativeError.

    The second is empty if nothing is added.
    """
    graphs = [as_bytes(value) for number, value in fields(model) if number == GRAPH]
    inside = list(fields(graphs[-1])) if graphs else []
    nodes = [as_bytes(value) for number, value in inside if number == NODE]
    constants = [as_bytes(value) for number, value in inside if number == INITIALIZER]
    start = "X"
    if behind_steps and nodes:
        nodes = nodes[-2:] if text_of(nodes[-1], INPUT) == SHIFTED else nodes[-1:]
        constants = [each for each in constants if text_of(each, TENSOR_NAME) == SHIFT]
        start = text_of(nodes[0], INPUT).partition(",")[0]
    operators = [text_of(node, OPERATOR) for node in nodes]
    if operators not in (["TreeEnsemble"], ["Add", "TreeEnsemble"]):
        others = sorted({each for each in operators if each != "TreeEnsemble"})
        named = ", ".join(others[:6]) + (", …" if len(others) > 6 else "")
        raise NotNativeError(f"wanted one TreeEnsemble alone, got {len(nodes)} nodes ({named})")
    found = [[text_of(node, field) for field in (DOMAIN, INPUT, OUTPUT)] for node in nodes]
    names = [text_of(constant, TENSOR_NAME) for constant in constants]
    if (found, names) == ([["ai.onnx.ml", start, "raw"]], []):
        return nodes[0], np.zeros(0)
    add = [["", f"{start},{SHIFT}", SHIFTED], ["ai.onnx.ml", SHIFTED, "raw"]]
    if (found, names) == (add, [SHIFT]):
        return nodes[1], tensor_of(constants[0])
    raise NotNativeError(f"wanted a TreeEnsemble of ai.onnx.ml from X to raw, got {found}")


def text_of(message: memoryview, field: int) -> str:
    """Return all occurrences of a text field, joined; a valid message has one."""
    return ",".join(bytes(as_bytes(v)).decode() for number, v in fields(message) if number == field)


def as_bytes(value: int | memoryview) -> memoryview:
    """Return a field's bytes; raises ProtobufError for a varint."""
    if isinstance(value, int):
        raise ProtobufError(f"wanted bytes, got the varint {value}")
    return value


def attributes_of(node: memoryview) -> dict[str, Any]:
    """Return the node's attributes by name; raises NotNativeError for an unknown one."""
    found: dict[str, Any] = {}
    for number, value in fields(node):
        if number == ATTRIBUTE:
            name, content = attribute(as_bytes(value))
            if name in found:
                raise NotNativeError(f"attribute {name} stands there twice")
            found[name] = content
    wanted = INT_NAMES | INTS_NAMES | TENSOR_NAMES
    if not wanted <= found.keys() <= wanted | OPTIONAL:
        odd = ", ".join(sorted(wanted ^ found.keys() - OPTIONAL))
        raise NotNativeError(f"attributes absent or unknown: {odd}")
    return found


def attribute(message: memoryview) -> tuple[str, Any]:
    """Return the name and the value of an AttributeProto, whose name comes first."""
    number, name = next(fields(message), (0, 0))
    if number != NAME:
        raise ProtobufError("wanted an attribute that begins with its name")
    name = as_bytes(name)
    text = bytes(name).decode()
    # Before such a short name come a tag and a length of one byte each.
    rest = message[2 + len(name) :]
    readers: list[tuple[set[str], Callable[[memoryview], Any]]] = [
        (INT_NAMES, read_int), (INTS_NAMES, read_ints), (TENSOR_NAMES | OPTIONAL, read_tensor),
    ]  # fmt: skip
    for names, read in readers:
        if text in names:
            return text, read(rest)
    raise NotNativeError(f"attribute {text!r} is not known")


def only(found: Mapping[int, Any], number: int) -> Any:
    """Return the single field of that number; raises ProtobufError if it is missing."""
    if number not in found:
        raise ProtobufError(f"wanted field {number}, got {sorted(found)}")
    return found[number]


def read_int(rest: memoryview) -> int:
    """Return the integer of an attribute."""
    value = only(dict(fields(rest)), INT)
    return value if isinstance(value, int) else -1


def read_ints(rest: memoryview) -> Ints:
    """Return the integers of an attribute: tag and value in turn, the attribute's type last."""
    pairs = varints(rest)
    tags, values = pairs[::2], pairs[1::2]
    if len(tags) != len(values) or not ((tags == INTS_TAG) | (tags == KIND_TAG)).all():
        raise ProtobufError("wanted an attribute of integers")
    found: Ints = values[tags == INTS_TAG]
    return found


def read_tensor(rest: memoryview) -> Floats:
    """Return the values of a tensor of uint8 or float64 as float64."""
    return tensor_of(as_bytes(only(dict(fields(rest)), TENSOR)))


def tensor_of(message: memoryview) -> Floats:
    """Return the values of a TensorProto of uint8 or float64 as float64."""
    tensor: dict[int, Any] = dict(fields(message))
    dtype, data = DTYPES.get(only(tensor, DATA_TYPE)), tensor.get(RAW_DATA, memoryview(b""))
    if dtype is None:
        raise NotNativeError("a tensor that is not float64: not the exact form")
    if isinstance(data, int) or len(data) % dtype.itemsize:
        raise ProtobufError("wanted a tensor of whole values")
    return np.frombuffer(data, dtype.newbyteorder("<")).astype(np.float64)


def trees_of(found: Mapping[str, Any], shift: Floats) -> Trees:
    """Return the arrays, whose lengths fit each other; raises NotNativeError."""
    sides = {
        side: children(found[f"nodes_{side}nodeids"], found[f"nodes_{side}leafs"])
        for side in ("true", "false")
    }
    modes, missing = found["nodes_modes"], found["nodes_missing_value_tracks_true"]
    splits = [found["nodes_featureids"], found["nodes_splits"], modes, missing, *sides.values()]
    if len({len(each) for each in splits}) != 1 or not len(modes):
        raise NotNativeError(f"splits: wanted arrays of one length, got {[*map(len, splits)]}")
    if len(found["leaf_weights"]) != len(found["leaf_targetids"]):
        raise NotNativeError("leaves: wanted a value and a target each")
    if (found["aggregate_function"], found["post_transform"]) != (SUM, NO_TRANSFORM):
        raise NotNativeError("wanted a sum of leaves without a transform")
    odd = (modes != GREATER) & (modes != MEMBER)
    if odd.any():
        raise NotNativeError(f"wanted splits by x > t or by membership, got mode {modes[odd][0]}")
    members = moved_back(found, shift)
    return Trees(
        found["n_targets"], found["tree_roots"], found["nodes_featureids"], found["nodes_splits"],
        modes == MEMBER, missing == 1, sides["true"], sides["false"], found["leaf_weights"],
        found["leaf_targetids"], members,
    )  # fmt: skip


def moved_back(found: Mapping[str, Any], shift: Floats) -> Floats:
    """Return the sets as codes in X, without a NaN after the last one; raises NotNativeError."""
    members: Floats = found.get("membership_values", np.zeros(0))
    feature: Ints = found["nodes_featureids"]
    if len(members) and np.isnan(members[-1]):
        members = members[:-1]
    if not len(shift):
        return members
    member, ends = found["nodes_modes"] == MEMBER, np.isnan(members)
    if feature.min() < 0 or feature.max() >= len(shift):
        raise NotNativeError(f"wanted features below {len(shift)}, got {feature.max()}")
    if ends.sum() + 1 != member.sum():
        raise NotNativeError(f"wanted {member.sum()} sets of categories, got {ends.sum() + 1}")
    # The split of a one-leaf tree: no value is above infinity, shifted or not.
    compared = ~member & (found["nodes_splits"] != np.inf)
    if not ((shift == 0) | (shift == 1)).all() or shift[feature[compared]].any():
        raise NotNativeError("wanted codes of categories moved by one, and nothing else moved")
    back = shift[feature[member]][np.cumsum(ends) - ends]
    return np.where(members == np.floor(members), members - back, members)


def children(index: Ints, is_leaf: Ints) -> Ints:
    """Return children with leaves as -1 - i; raises NotNativeError."""
    if len(index) != len(is_leaf) or (index < 0).any() or (is_leaf >> 1).any():
        raise NotNativeError("wanted children that are a split or a leaf each")
    return np.where(is_leaf == 1, -1 - index, index)
