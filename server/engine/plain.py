"""Recognise graphs that cannot harm the process: only trees, whose indices our own readers checked.

Those readers are native/trees.py and native/kernel.c. Any other graph is first loaded in a process
of its own.
"""

import numpy as np

from .choice import Walker
from .native.protobuf import fields
from .native.trees import GRAPH, INPUT, NODE, OUTPUT, NotNativeError, Trees, as_bytes

# onnxruntime walks down a tree recursively.
DEEPEST = 1000
# Numbers of fields in onnx.proto: versions and the producer; a node, names and two ends of a graph.
OF_MODEL = frozenset({1, 2, 3, 4, 5, 6, GRAPH, 8})
OF_GRAPH = frozenset({NODE, 2, 10, 11, 12})
OF_NODE = frozenset({INPUT, OUTPUT, 3, 4, 5, 6, 7})


def is_plain(walker: Walker, content: bytes) -> bool:
    """Whether model.onnx holds only trees that were checked."""
    if isinstance(walker, NotNativeError):
        return False
    model = memoryview(content)
    graphs = [as_bytes(value) for number, value in fields(model) if number == GRAPH]
    nodes = [as_bytes(v) for graph in graphs for number, v in fields(graph) if number == NODE]
    return (
        len(graphs) == len(nodes) == 1
        and OF_MODEL.issuperset(number for number, _ in fields(model))
        and OF_GRAPH.issuperset(number for number, _ in fields(graphs[0]))
        and OF_NODE.issuperset(number for number, _ in fields(nodes[0]))
        and not is_deep(walker.trees)
    )


def is_deep(trees: Trees) -> bool:
    """Whether a tree has more levels than are known to be safe."""
    level = trees.roots
    for _ in range(DEEPEST):
        below = np.concatenate([trees.yes[level], trees.no[level]])
        level = below[below >= 0]
        if not len(level):
            return False
    return True
