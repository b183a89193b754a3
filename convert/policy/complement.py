"""The probability of a binary model's other class, as predict_proba's first column gives it.

scikit-learn computes it as 1 - p in float64; the sigmoid of the negative score has other bits.
"""

from dataclasses import replace

from ..prove.building import Built

COMPLEMENT = {"sigmoid": "one_minus_sigmoid"}


def complemented(built: Built) -> Built:
    """Return the same trees, answering the probability of the other class."""
    subject = built.subject
    transform = replace(subject.transform, name=COMPLEMENT[subject.transform.name])
    oracle = subject.oracle.answering(lambda _, prediction: 1.0 - prediction)
    return replace(built, subject=replace(subject, transform=transform, oracle=oracle))
