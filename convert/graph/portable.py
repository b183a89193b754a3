"""Rewrite an ensemble into the one form that every ONNX runtime reads the same, and undo it.

Runtimes disagree about category sets:
- onnxruntime on arm64 and in WebAssembly treats NaN as 0 if a large set holds 0, and onnx's
  reference evaluator treats a 0 as the end of a set: so the graph adds 1 to every code;
- the reference evaluator assigns sets in the order in which it walks (node, true side, false side),
  while the operator's specification goes by the order of the nodes: so the nodes are stored in
  walking order;
- it needs a NaN after every set, also after the last one;
- it misreads a tree whose split has the same leaf on both sides.
"""

from dataclasses import replace

import numpy as np

from ..model.tree import ZERO, Bools, Floats, Ints
from .ensemble import GREATER, MEMBER, NEVER, Ensemble


def shifted(ensemble: Ensemble, features: int) -> Floats:
    """Return what to add to each of `features` inputs: 1 if it holds codes of a set, otherwise 0.

    It is 0 everywhere if no set holds 0, and for a feature that is also compared with a threshold,
    because adding would round.
    """
    member, alone = ensemble.mode == MEMBER, _is_alone(ensemble)
    codes = np.zeros(features, dtype=bool)
    codes[ensemble.feature[member]] = (ensemble.members == 0).any()
    codes[ensemble.feature[~member & ~alone]] = False
    return codes.astype(np.float64)


def written(ensemble: Ensemble, shift: Floats) -> Ensemble:
    """Return the trees as stored in the graph, where `shift` is added to the input before them."""
    ensemble = _with_twins(ensemble)
    if not len(ensemble.members):
        return ensemble
    walked = in_walking_order(ensemble)
    return replace(walked, members=np.append(_moved(walked, walked.members, shift), np.nan))


def read(ensemble: Ensemble, shift: Floats) -> Ensemble:
    """Undo `written`, except for the order of the nodes."""
    ensemble = _without_twins(ensemble)
    if not len(ensemble.members):
        return ensemble
    return replace(ensemble, members=_moved(ensemble, ensemble.members[:-1], -shift))


def _is_alone(ensemble: Ensemble) -> Bools:
    """Return a mask of the splits of one-leaf trees, which test nothing."""
    leaves = ensemble.true_is_leaf & ensemble.false_is_leaf
    alone: Bools = leaves & (ensemble.true_child == ensemble.false_child)
    return alone


def _with_twins(ensemble: Ensemble) -> Ensemble:
    """Give both sides of a one-leaf tree's split a leaf of their own, with the same value."""
    alone = np.flatnonzero(_is_alone(ensemble))
    if not len(alone):
        return ensemble
    leaf, twins = ensemble.false_child[alone], len(ensemble.leaf_value) + np.arange(len(alone))
    true, threshold = ensemble.true_child.copy(), ensemble.threshold.copy()
    true[alone], threshold[alone] = twins, np.inf
    return replace(
        ensemble,
        threshold=threshold,
        true_child=true,
        leaf_value=np.append(ensemble.leaf_value, ensemble.leaf_value[leaf]),
        leaf_output=np.append(ensemble.leaf_output, ensemble.leaf_output[leaf]),
    )


def _without_twins(ensemble: Ensemble) -> Ensemble:
    """Undo `_with_twins`: the added leaves come after all others, and no row reaches them."""
    both = ensemble.true_is_leaf & ensemble.false_is_leaf & ~ensemble.missing_true
    never = both & (ensemble.mode == GREATER) & (ensemble.threshold == np.inf)
    ends = len(ensemble.leaf_value) - np.arange(never.sum(), 0, -1)
    twins = np.flatnonzero(never)
    twins = twins[ensemble.true_child[twins] == ends]
    true, threshold = ensemble.true_child.copy(), ensemble.threshold.copy()
    true[twins], threshold[twins] = ensemble.false_child[twins], ZERO
    kept = len(ensemble.leaf_value) - len(twins)
    return replace(
        ensemble,
        threshold=threshold,
        true_child=true,
        leaf_value=ensemble.leaf_value[:kept],
        leaf_output=ensemble.leaf_output[:kept],
    )


def _moved(ensemble: Ensemble, members: Floats, shift: Floats) -> Floats:
    """Add the shift of its split's feature to every member; an empty set stays empty."""
    of_split = ensemble.feature[ensemble.mode == MEMBER]
    ends = np.isnan(members)
    which = np.cumsum(ends) - ends
    return np.where(members == NEVER, NEVER, members + shift[of_split[which]])


def in_walking_order(ensemble: Ensemble) -> Ensemble:
    """Return the trees with each split before its true side, and that before its false side."""
    order = _walk(ensemble)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return replace(
        ensemble,
        feature=ensemble.feature[order],
        threshold=ensemble.threshold[order],
        mode=ensemble.mode[order],
        missing_true=ensemble.missing_true[order],
        true_child=_placed(ensemble.true_child, ensemble.true_is_leaf, place)[order],
        true_is_leaf=ensemble.true_is_leaf[order],
        false_child=_placed(ensemble.false_child, ensemble.false_is_leaf, place)[order],
        false_is_leaf=ensemble.false_is_leaf[order],
        members=_in_order(ensemble, order),
    )


def _walk(ensemble: Ensemble) -> Ints:
    true, true_is_leaf = ensemble.true_child.tolist(), ensemble.true_is_leaf.tolist()
    false, false_is_leaf = ensemble.false_child.tolist(), ensemble.false_is_leaf.tolist()
    order, ahead = [], ensemble.roots.tolist()[::-1]
    while ahead:
        split = ahead.pop()
        order.append(split)
        if not false_is_leaf[split]:
            ahead.append(false[split])
        if not true_is_leaf[split]:
            ahead.append(true[split])
    return np.array(order, np.int64)


def _placed(child: Ints, is_leaf: Bools, place: Ints) -> Ints:
    return np.where(is_leaf, child, place[np.where(is_leaf, 0, child)])


def _in_order(ensemble: Ensemble, order: Ints) -> Floats:
    """Return the category sets in the new order of their splits."""
    member = ensemble.mode == MEMBER
    number = np.cumsum(member) - 1
    sets = np.split(
        np.append(ensemble.members, np.nan), np.flatnonzero(np.isnan(ensemble.members)) + 1
    )
    return np.concatenate([sets[i] for i in number[order[member[order]]].tolist()])[:-1]
