"""The reader of model.onnx: the exact form is read whole, anything else is refused by name."""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from convert.compare.float32 import single_precision
from convert.graph.graph import build_graph, read_ensemble
from convert.graph.linear import Nodes
from convert.prove.building import Built
from convert.prove.kinds import KINDS
from server.engine.native.layout import END_OF_CATEGORIES, lay_out
from server.engine.native.protobuf import ProtobufError, fields, varint, varints
from server.engine.native.trees import NotNativeError, read_trees
from tests.long.native_fuzz import damaged
from tests.native_models import of_kind


@pytest.fixture(scope="module")
def built() -> Built:
    return of_kind(next(kind for kind in KINDS if kind.name == "categories"))


def test_the_trees_are_those_that_onnx_reads(built: Built) -> None:
    trees, wanted = read_trees(built.content), read_ensemble(built.content)
    assert trees.outputs == wanted.outputs
    for got, other in (
        (trees.roots, wanted.roots), (trees.feature, wanted.feature),
        (trees.threshold, wanted.threshold), (trees.missing_yes, wanted.missing_true),
        (trees.leaf, wanted.leaf_value), (trees.leaf_target, wanted.leaf_output),
        (trees.members, wanted.members), (trees.member, wanted.mode == 6),
        (trees.yes, np.where(wanted.true_is_leaf, -1 - wanted.true_child, wanted.true_child)),
        (trees.no, np.where(wanted.false_is_leaf, -1 - wanted.false_child, wanted.false_child)),
    ):  # fmt: skip
        assert np.array_equal(got, other, equal_nan=True)


Change = Callable[[onnx.ModelProto], None]


def node_of(model: onnx.ModelProto) -> onnx.NodeProto:
    (node,) = (each for each in model.graph.node if each.op_type == "TreeEnsemble")
    assert isinstance(node, onnx.NodeProto)
    return node


def setting(name: str, value: Any) -> Change:
    def change(model: onnx.ModelProto) -> None:
        node = node_of(model)
        kept = [each for each in node.attribute if each.name != name]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute(name, value)])

    return change


def dropping(name: str) -> Change:
    def change(model: onnx.ModelProto) -> None:
        node = node_of(model)
        kept = [each for each in node.attribute if each.name != name]
        del node.attribute[:]
        node.attribute.extend(kept)

    return change


def tensor(values: Any, dtype: type = np.float64) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, dtype))


def domain(model: onnx.ModelProto) -> None:
    node_of(model).domain = "com.example"


def other_output(model: onnx.ModelProto) -> None:
    node_of(model).output[0] = "score"


def twice(model: onnx.ModelProto) -> None:
    model.graph.node.append(node_of(model))


ODD: dict[str, tuple[Change, str]] = {
    "an average": (setting("aggregate_function", 0), "a sum of leaves"),
    "a transform": (setting("post_transform", 2), "without a transform"),
    "an attribute nobody knows": (setting("nodes_hitrates", tensor([1.0])), "nodes_hitrates"),
    "no leaves": (dropping("leaf_weights"), "leaf_weights"),
    "single precision": (setting("leaf_weights", tensor([1.0], np.float32)), "not the exact form"),
    "fewer splits than features": (setting("nodes_splits", tensor([1.0])), "one length"),
    "a mode of another kind": (setting("nodes_modes", tensor([3], np.uint8)), "one length"),
    "one target": (setting("leaf_targetids", [0]), "a value and a target each"),
    "sets nobody asks for": (setting("membership_values", tensor([1.0])), "sets of categories"),
    "another domain": (domain, "com.example"),
    "another output": (other_output, "score"),
    "two ensembles": (twice, "got 3 nodes"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_not_the_exact_form_is_refused_by_name(name: str, built: Built) -> None:
    change, said = ODD[name]
    model = onnx.load_from_string(built.content)
    change(model)
    with pytest.raises(NotNativeError, match=said):
        lay_out(read_trees(model.SerializeToString()), 5)


def test_nodes_before_the_trees_are_refused_by_name(built: Built) -> None:
    before = Nodes()
    graph = build_graph(built.subject.ensemble, 5, before, before.add("Abs", "X"))
    with pytest.raises(NotNativeError, match=r"TreeEnsemble alone, got 3 nodes \(Abs, Add\)"):
        read_trees(graph.SerializeToString())


def test_single_precision_is_refused_by_name(built: Built) -> None:
    with pytest.raises(NotNativeError, match=r"TreeEnsemble alone, got 4 nodes \(Add, Cast\)"):
        read_trees(single_precision(built))


@pytest.mark.parametrize("member", [-1.0, 0.0, 1.5, END_OF_CATEGORIES + 1.0, np.inf])
def test_a_set_of_anything_but_categories_is_refused(member: float, built: Built) -> None:
    model = onnx.load_from_string(built.content)
    node = node_of(model)
    (found,) = (each.t for each in node.attribute if each.name == "membership_values")
    members = numpy_helper.to_array(found).copy()
    members[0] = member
    setting("membership_values", tensor(members))(model)
    with pytest.raises(NotNativeError, match="categories that are whole"):
        lay_out(read_trees(model.SerializeToString()), 5)


def test_a_feature_beyond_the_manifests_is_refused(built: Built) -> None:
    with pytest.raises(NotNativeError, match="features below 2"):
        lay_out(read_trees(built.content), 2)


def test_a_file_cut_anywhere_is_refused(built: Built) -> None:
    content = built.content
    for end in [*range(0, 400), *range(400, len(content), 997)]:
        with pytest.raises(NotNativeError):
            read_trees(content[:end])


def test_a_damaged_file_is_refused_or_read_and_never_anything_else(built: Built) -> None:
    ends = Counter(end_of(damaged(built.content, random.Random(seed))) for seed in range(300))
    assert min(ends["refused"], ends["read"]) > 10, ends


def end_of(content: bytes) -> str:
    """Read a file and lay it out; anything but a NotNativeError is an error of ours."""
    try:
        lay_out(read_trees(content), 5)
    except NotNativeError:
        return "refused"
    return "read"


@given(st.lists(st.integers(0, (1 << 64) - 1)))
def test_varints_read_at_once_are_those_read_one_by_one(numbers: list[int]) -> None:
    run = b"".join(encoded(number) for number in numbers)
    assert varints(memoryview(run)).astype(np.uint64).tolist() == numbers
    at, read = 0, []
    while at < len(run):
        number, at = varint(memoryview(run), at)
        read.append(number)
    assert read == numbers


def encoded(number: int) -> bytes:
    found = []
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


@given(st.binary(max_size=60))
def test_bytes_are_fields_or_a_protobuf_error(message: bytes) -> None:
    for read in (lambda each: list(fields(each)), varints):
        with suppress(ProtobufError):
            read(memoryview(message))
