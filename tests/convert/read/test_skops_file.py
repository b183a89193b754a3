"""A skops file is built from a closed list of types: it cannot execute what it holds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectKBest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer

from convert.__main__ import main
from tests.converting import convert
from tests.skops_files import Node, edited, node, plain, planted

RNG = np.random.default_rng(3)
X = RNG.normal(size=(300, 3))
Y = (X[:, 0] > 0).astype(int)


def classifier() -> lightgbm.LGBMClassifier:
    return lightgbm.LGBMClassifier(n_estimators=4, num_leaves=5, verbosity=-1, n_jobs=1)


@pytest.fixture(scope="module")
def fitted() -> lightgbm.LGBMClassifier:
    return classifier().fit(X, Y)


def called(name: str, *values: object) -> Node:
    content = node("TupleNode", "builtins.tuple", content=[plain(value) for value in values])
    return node("ConstructorFromReduceNode", name, content=content)


@pytest.mark.parametrize("verb", ["convert", "inspect", "verify"])
def test_a_function_outside_the_list_is_named_and_never_called(
    verb: str,
    fitted: lightgbm.LGBMClassifier,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`numpy.random.seed` harms nobody, and shows whether it was called."""
    path = tmp_path / "m.skops"
    path.write_bytes(planted(fitted, "extra", called("numpy.random.seed", 17)))
    np.random.seed(1)
    before = np.random.random()
    np.random.seed(1)
    more = ["--name", "m", "--version", "1", "--out", str(tmp_path)] if verb == "convert" else []
    assert main([verb, str(path), *more]) == (1 if verb == "verify" else 2)
    assert np.random.random() == before
    said = "".join(capsys.readouterr())
    assert "holds numpy.random.seed (ConstructorFromReduceNode)" in said
    assert "nothing of the file was built" in said


def outsiders() -> Iterator[tuple[str, Node]]:
    """Names that begin as names on the list do, and every kind of node that could call one."""
    zero = plain(0)
    yield "numpy.arange", called("numpy.arange", 3)
    yield "numpy.random.seed", node("FunctionNode", "numpy.random.seed")
    yield "numpy.log1p", node("FunctionNode", "numpy.log1p")
    yield (
        "sklearn.utils.check_random_state",
        node("FunctionNode", "sklearn.utils.check_random_state"),
    )
    yield "sklearn.svm._classes.SVC", node("ObjectNode", "sklearn.svm._classes.SVC")
    yield "lightgbm.basic._InnerPredictor", node("ObjectNode", "lightgbm.basic._InnerPredictor")
    yield "lightgbm.basic.Dataset", node("TypeNode", "lightgbm.basic.Dataset")
    yield "collections.Counter", node("TypeNode", "collections.Counter")
    yield "collections.deque", node("ListNode", "collections.deque", content=[])
    yield "builtins.len", node("TypeNode", "builtins.len")
    yield "builtins.map", node("TypeNode", "builtins.map")
    yield "numpy.ndarray", called("numpy.ndarray", 1)
    yield "builtins.str", called("builtins.str", "a")
    array = {"type": "json", "content": [], "shape": zero}
    yield "numpy.matrix", node("NdArrayNode", "numpy.matrix", **array)
    empty = node("TupleNode", "builtins.tuple", content=[])
    function = node("FunctionNode", "sklearn.feature_selection._univariate_selection.chi2")
    parts = {"func": function, "args": empty, "kwds": plain(None), "namespace": plain(None)}
    yield "functools.partial", node("PartialNode", "functools.partial", content=parts)
    yield "operator.itemgetter", node("OperatorFuncNode", "operator.itemgetter", attrs=empty)
    yield (
        "builtins.list",
        node(
            "MethodNode",
            "builtins.list",
            content={"func": "copy", "obj": node("ListNode", "builtins.list", content=[])},
        ),
    )


OUTSIDERS = list(outsiders())


@pytest.mark.parametrize(("name", "new"), OUTSIDERS, ids=[name for name, _ in OUTSIDERS])
def test_every_node_is_held_to_the_list_with_its_kind(
    name: str,
    new: Node,
    fitted: lightgbm.LGBMClassifier,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "m.skops").write_bytes(planted(fitted, "extra", new))
    assert convert(tmp_path / "m.skops", tmp_path) == 2
    assert f"holds {name} (" in capsys.readouterr().err


def test_a_file_of_an_older_protocol_gets_no_easier_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Older protocols keep a function's name elsewhere; whatever stands there is not built."""
    listed = "sklearn.feature_selection._univariate_selection.f_classif"
    content = {"module_path": "numpy.random", "function": "seed"}

    def change(schema: Node) -> None:
        schema["protocol"] = 0
        attributes = schema["content"]
        old = node("FunctionNode", listed, content=content)
        attributes["content"] = {"extra": old, **attributes["content"]}
        attributes["key_types"]["content"].insert(0, node("TypeNode", "builtins.str"))

    (tmp_path / "m.skops").write_bytes(edited(classifier().fit(X, Y), change))
    assert convert(tmp_path / "m.skops", tmp_path) == 2
    assert "nothing of the file was built" in capsys.readouterr().err


class Own(BaseEstimator):  # type: ignore[misc]
    """A step of somebody's own."""

    def fit(self, X: Any, y: Any = None) -> "Own":
        return self

    def transform(self, X: Any) -> Any:
        return X


@pytest.mark.parametrize(
    ("step", "word"),
    [
        (PowerTransformer(), "sklearn.preprocessing._data.PowerTransformer"),
        (FunctionTransformer(np.tanh), "numpy.tanh"),
        (Own(), "Own"),
    ],
)
def test_a_step_that_is_not_carried_is_refused_with_the_list_of_what_is(
    step: Any, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = make_pipeline(step, classifier()).fit(X, Y)
    (tmp_path / "m.skops").write_bytes(edited(pipeline, lambda schema: None))
    assert convert(tmp_path / "m.skops", tmp_path) == 2
    said = capsys.readouterr().err
    assert word in said
    assert "StandardScaler" in said


def test_the_scores_a_selector_ranked_by_are_on_the_list(tmp_path: Path) -> None:
    pipeline = make_pipeline(SelectKBest(k=2), classifier()).fit(X, Y)
    (tmp_path / "m.skops").write_bytes(edited(pipeline, lambda schema: None))
    assert convert(tmp_path / "m.skops", tmp_path) == 0
