"""The probability of a binary model's other class, as predict_proba's first column gives it.

scikit-learn computes it as 1 - p in float64; the sigmoid of the negative score has other bits.
"""

from dataclasses import dataclass, replace

from ..model.oracle import Judge
from ..model.tree import Floats, Ints
from ..prove.building import Built

TURNED = {"sigmoid": "one_minus_sigmoid"}


@dataclass(frozen=True)
class OtherClass:
    """An oracle whose predictions are of the other class."""

    judge: Judge

    def raw(self, X: Floats) -> Floats:
        """Return raw scores `[N, K]`, still of the booster's class."""
        return self.judge.raw(X)

    def prediction(self, X: Floats) -> Floats:
        """Return predictions `[N, 1]`."""
        return 1.0 - self.judge.prediction(X)

    def raw_of(self, X: Floats, first: int, count: int) -> Floats:
        """Return raw scores `[N, K]` of the `count` iterations from `first` on."""
        return self.judge.raw_of(X, first, count)

    def leaves(self, X: Floats, iteration: int) -> Ints:
        """Return the leaf `[N, K]` that each row reaches in one iteration's trees."""
        return self.judge.leaves(X, iteration)

    def leaf_values(self, tree: int, count: int) -> Floats:
        """Return the values of the first `count` leaves of one tree."""
        return self.judge.leaf_values(tree, count)


def turned(built: Built) -> Built:
    """Return the same trees, answering the probability of the other class."""
    subject = built.subject
    transform = replace(subject.transform, name=TURNED[subject.transform.name])
    judge = OtherClass(subject.oracle)
    return replace(built, subject=replace(subject, transform=transform, oracle=judge))
