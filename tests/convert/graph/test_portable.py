"""The graph as other runtimes read it: the same bits, and no 0 in a set."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from convert.graph.ensemble import GREATER, MEMBER, Ensemble, build_ensemble
from convert.graph.graph import SHIFT, build_graph, read_ensemble
from convert.graph.portable import in_walking_order, shifted
from convert.model.tree import ZERO
from convert.prove.building import Built
from convert.prove.kinds import KINDS, Kind
from server.engine.native import agreement
from server.engine.native.engine import Native
from server.engine.native.layout import lay_out
from server.engine.native.trees import NotNativeError, read_trees
from server.engine.session import Session
from tests.long.runtime_cases import (
    COMMITTED,
    LEVELS,
    committed,
    of_text,
    rows_of,
    sets_of,
    some_stumps,
)
from tests.native_kernel import needs_kernel
from tests.native_models import Floats, bits, native, numbers, of_file, of_kind

WITH_SETS = [kind for kind in KINDS if kind.categorical or kind.name.startswith("pandas")]
SOME = 40


@pytest.fixture(scope="module", params=LEVELS, ids=lambda levels: f"{levels} levels")
def sets(request: pytest.FixtureRequest) -> Built:
    """A model of categories, a tenth of them missing when it was trained."""
    return of_text(sets_of(request.param))


def attributes(content: bytes) -> dict[str, Any]:
    """Return the tensors and lists of the ensemble as they stand in the file."""
    graph = onnx.load_from_string(content).graph
    (node,) = (each for each in graph.node if each.op_type == "TreeEnsemble")
    return {
        each.name: numpy_helper.to_array(each.t) if each.HasField("t") else np.array(each.ints)
        for each in node.attribute
    }


def reference(content: bytes, X: Floats) -> Floats:
    """Return the raw scores that onnx's reference evaluator gives."""
    evaluator: Any = ReferenceEvaluator(onnx.load_from_string(content))
    found: Floats = evaluator.run(None, {"X": X})[0]
    return found


def test_the_reference_evaluator_gives_lightgbms_bits(sets: Built) -> None:
    X, wanted = rows_of(sets, SOME)
    assert np.isnan(X).any()
    assert np.array_equal(bits(reference(sets.content, X)), bits(wanted))


@pytest.mark.parametrize("kind", WITH_SETS, ids=lambda kind: kind.name)
def test_the_reference_evaluator_reads_every_kind_with_categories(kind: Kind) -> None:
    built = of_kind(kind)
    X, wanted = rows_of(built, SOME)
    assert np.array_equal(bits(reference(built.content, X)), bits(wanted))


def test_the_reference_evaluator_gives_the_committed_models_golden_scores() -> None:
    content, X, wanted = committed()
    assert np.array_equal(bits(reference(content, X[:SOME])), bits(wanted[:SOME]))


@pytest.mark.parametrize("categories", [False, True])
def test_the_reference_evaluator_reads_one_leaf_trees_between_others(categories: bool) -> None:
    built = of_text(some_stumps(categories))
    assert not (attributes(built.content).get("membership_values", np.ones(1)) == 0).any()
    assert sorted({len(tree.split_feature) for tree in built.model.trees})[0] == 0
    X, wanted = rows_of(built, SOME)
    assert np.array_equal(bits(reference(built.content, X)), bits(wanted))


def test_no_set_holds_a_zero_and_each_ends_with_nan(sets: Built) -> None:
    found = attributes(sets.content)
    members, modes = found["membership_values"], found["nodes_modes"]
    assert (build_ensemble(sets.model).members == 0).any()
    assert not (members == 0).any()
    assert np.isnan(members).sum() == (modes == MEMBER).sum()
    assert np.isnan(members[-1])


def test_nodes_stand_in_the_order_in_which_they_are_walked(sets: Built) -> None:
    """A node's true side comes next, wherever it is no leaf: nothing else can be mistaken."""
    found = attributes(sets.content)
    inner = found["nodes_trueleafs"] == 0
    assert (found["nodes_truenodeids"][inner] == np.flatnonzero(inner) + 1).all()


def test_only_codes_are_moved(sets: Built) -> None:
    graph = onnx.load_from_string(sets.content).graph
    assert [node.op_type for node in graph.node] == ["Add", "TreeEnsemble"]
    (shift,) = graph.initializer
    asked = {int(f) for f in sets.subject.ensemble.feature[sets.subject.ensemble.mode == MEMBER]}
    assert asked
    moved = [float(feature in asked) for feature in range(3)]
    assert (shift.name, numpy_helper.to_array(shift).tolist()) == (SHIFT, moved)


@pytest.mark.parametrize("name", ["binary", "multiclass", "missing values as NaN", "linear_tree"])
def test_a_model_without_categories_is_written_as_ever(name: str) -> None:
    """Nothing is added, and nodes keep LightGBM's order."""
    built = of_kind(next(kind for kind in KINDS if kind.name == name))
    graph = onnx.load_from_string(built.content).graph
    assert graph.node[0].op_type == "TreeEnsemble"
    ensemble = build_ensemble(built.model)
    assert np.array_equal(attributes(built.content)["nodes_featureids"], ensemble.feature)


def test_what_was_written_is_read_back(sets: Built) -> None:
    """Trees in the order of the walk are written as they are; everything else is LightGBM's."""
    wanted, found = in_walking_order(build_ensemble(sets.model)), read_ensemble(sets.content)
    for name, value in vars(wanted).items():
        same = getattr(found, name)
        assert value is same is None or np.array_equal(bits(value), bits(same)), name
    features = len(sets.features)
    assert build_graph(found, features).SerializeToString(deterministic=True) == sets.content


def test_one_leaf_trees_are_read_back_as_one_leaf_trees() -> None:
    built = of_text(some_stumps())
    wanted, found = build_ensemble(built.model), read_ensemble(built.content)
    assert len(attributes(built.content)["leaf_weights"]) == len(wanted.leaf_value) + 4
    for name in ("leaf_value", "leaf_output", "true_child", "false_child", "threshold"):
        assert np.array_equal(getattr(found, name), getattr(wanted, name)), name


def of_two_splits(feature: list[int], mode: list[int], members: list[float]) -> Ensemble:
    """Return one tree of two splits, the second on the true side of the first."""
    return Ensemble(
        feature=np.array(feature), threshold=np.array([0.5, 0.5]), mode=np.array(mode),
        missing_true=np.zeros(2, bool), true_child=np.array([1, 0]), false_child=np.array([2, 1]),
        true_is_leaf=np.array([False, True]), false_is_leaf=np.ones(2, bool),
        leaf_value=np.array([1.0, 2.0, 4.0]), leaf_output=np.zeros(3, np.int64),
        roots=np.zeros(1, np.int64), leaf_starts=np.zeros(1, np.int64),
        members=np.array(members), outputs=1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("feature", "mode", "members", "moved"),
    [
        ([0, 1], [MEMBER, GREATER], [0.0, 2.0], [1.0, 0.0]),
        ([0, 1], [MEMBER, GREATER], [1.0, 2.0], [0.0, 0.0]),
        ([0, 1], [MEMBER, MEMBER], [1.0, np.nan, 0.0], [1.0, 1.0]),
        ([0, 0], [MEMBER, GREATER], [0.0], [0.0, 0.0]),
        ([0, 1], [GREATER, GREATER], [], [0.0, 0.0]),
        ([1, 1], [MEMBER, MEMBER], [0.0, np.nan, 0.5], [0.0, 1.0]),
    ],
)
def test_a_feature_is_moved_only_where_sets_alone_ask_about_it(
    feature: list[int], mode: list[int], members: list[float], moved: list[float]
) -> None:
    """Added to a number that is compared with a threshold, 1 would round."""
    ensemble = of_two_splits(feature, mode, members)
    assert shifted(ensemble, 2).tolist() == moved
    content = build_graph(ensemble, 2).SerializeToString(deterministic=True)
    found = read_ensemble(content)
    assert np.array_equal(found.members, ensemble.members, equal_nan=True)
    assert np.array_equal(read_trees(content).members, ensemble.members, equal_nan=True)


def old_form(built: Built) -> bytes:
    """Return the graph as it was written before: codes as they are, no NaN behind the last set."""
    model = onnx.load_from_string(built.content)
    (node,) = (each for each in model.graph.node if each.op_type == "TreeEnsemble")
    for attribute in node.attribute:
        if attribute.name == "membership_values":
            old = numpy_helper.from_array(built.subject.ensemble.members, attribute.name)
            attribute.t.CopyFrom(old)
        if attribute.name == "nodes_splits":
            splits = numpy_helper.to_array(attribute.t)
            old = numpy_helper.from_array(np.where(splits == np.inf, ZERO, splits), attribute.name)
            attribute.t.CopyFrom(old)
    node.input[0] = "X"
    del model.graph.initializer[:]
    del model.graph.node[0]
    content: bytes = model.SerializeToString()
    return content


@needs_kernel
def test_the_native_engine_gives_the_bits_of_the_old_form_and_of_the_new(sets: Built) -> None:
    X, wanted = rows_of(sets, 300)
    old = Native(read_trees(old_form(sets)), numbers(len(sets.features)), 1)
    for engine in (old, native(sets)):
        assert np.array_equal(bits(engine.score_block(X)), bits(wanted))


@needs_kernel
def test_the_committed_bundle_and_its_model_written_again_are_the_same_trees() -> None:
    _, X, wanted = committed()
    again = of_file(COMMITTED / "model.txt").content
    for content in ((COMMITTED / "model.onnx").read_bytes(), again):
        engine = Native(read_trees(content), numbers(X.shape[1]), 1)
        assert np.array_equal(bits(engine.score_block(X)), bits(wanted))


def shift_of(values: list[float], dtype: type = np.float64) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, dtype), SHIFT)


@pytest.mark.parametrize(
    ("shift", "said"),
    [
        (shift_of([1.0, 1.0, 1.0]), "codes of categories moved by one"),
        (shift_of([2.0, 1.0, 0.0]), "codes of categories moved by one"),
        (shift_of([-1.0, 1.0, 0.0]), "codes of categories moved by one"),
        (shift_of([0.5, 1.0, 0.0]), "codes of categories moved by one"),
        (shift_of([np.nan, 1.0, 0.0]), "codes of categories moved by one"),
        (shift_of([np.inf, 1.0, 0.0]), "codes of categories moved by one"),
        (shift_of([1.0, 1.0]), "features below 2"),
        (shift_of([1.0, 1.0, 0.0], np.float32), "not the exact form"),
        ("another", "from X to raw"),
    ],
)
def test_an_odd_shift_is_refused_by_name(shift: onnx.TensorProto | str, said: str) -> None:
    model = onnx.load_from_string(of_text(sets_of(33)).content)
    if isinstance(shift, str):
        model.graph.initializer[0].name = shift
    else:
        model.graph.initializer[0].CopyFrom(shift)
    with pytest.raises(NotNativeError, match=said):
        lay_out(read_trees(model.SerializeToString()), 3)


@needs_kernel
@pytest.mark.parametrize("categories", [False, True])
def test_the_native_engine_reads_one_leaf_trees_between_others(categories: bool) -> None:
    """Their split stands on the first feature, whose codes are moved: nothing is above infinity."""
    built = of_text(some_stumps(categories))
    X, wanted = rows_of(built, 300)
    assert np.array_equal(bits(native(built).score_block(X)), bits(wanted))


@needs_kernel
def test_the_proof_at_the_start_asks_about_categories_that_are_whole(tmp_path: Path) -> None:
    """The old form's one-leaf tree compares 1e-35, which is no category, on the first feature."""
    built = of_text(some_stumps(categories=True))
    file, content = tmp_path / "model.onnx", old_form(built)
    file.write_bytes(content)
    probes = agreement.rows(read_trees(content), rows_of(built, 50)[0])
    whole = probes[:, 0][np.isfinite(probes[:, 0])]
    assert (whole == np.floor(whole)).all()
    agreement.check(Session(file, 3, 3), Native(read_trees(content), numbers(3), 3), probes)
