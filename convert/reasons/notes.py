"""What a reader should look at: protected features, and texts against the model's direction."""

import re
from collections.abc import Iterator, Sequence

from ..model.features import Feature
from ..model.objective import Transform
from ..model.tree import Model
from ..prove.building import Built
from .entries import Entry, words_of

# Prefixes of words in the names of features that a law may protect, or that stand in for such.
PROTECTED = re.compile(
    r"(age|dob|sex|race|zip|plz)$|(birth|born|gender|marital|marri|spous|widow|divorc|famil|child|"
    r"pregnan|matern|racial|ethnic|religi|national|citizen|immigra|disab|zipcode|postal|postcode)"
)
HIGH = re.compile(r"\b(high|higher|many|large|long|excessive|much)\b", re.I)
LOW = re.compile(r"\b(low|lower|few|small|short|insufficient|little)\b", re.I)
NEVER_LEFT_OUT = (
    "a law may protect them, or what they stand for. They stay among the reasons, which must tell "
    "what decided: if they may not decide, train without them"
)


def notes(entries: Sequence[Entry], built: Built) -> Iterator[str]:
    """Return all notes on the reasons of a model; behind pipeline steps directions are unknown."""
    yield from protected(built.features)
    if built.steps is None:
        yield from against(entries, built.model, sign_of(built.transform))


def sign_of(transform: Transform) -> int:
    """Return -1 if a higher raw score lowers the probability that is answered, otherwise 1."""
    curve = transform.calibrator.curve if transform.calibrator else None
    return (
        -1 if (transform.name == "one_minus_sigmoid") != (curve is not None and curve.falls) else 1
    )


def protected(features: Sequence[Feature]) -> list[str]:
    """Warn of used features that look protected, or like a proxy."""
    names = [f.name for f in features if f.used and any(map(PROTECTED.match, words_of(f.name)))]
    return [f"WARNING: {', '.join(names)}: {NEVER_LEFT_OUT}"] if names else []


def against(entries: Sequence[Entry], model: Model, sign: int) -> Iterator[str]:
    """Name the texts that contradict the model's monotone constraints.

    `sign` is -1 if a higher raw score lowers the probability of the class refused.
    """
    constraints = dict(zip(model.feature_names, directions(model), strict=False))
    for entry in entries:
        for name in entry.features:
            harm = constraints.get(name, 0) * sign
            for text in entry.text.values():
                if harm and says(text) == -harm:
                    more = "more" if harm > 0 else "less"
                    yield (
                        f"WARNING: code {entry.code} says {text!r}, but {more} of {name} never "
                        "helps: the model has a monotone constraint on it"
                    )


def directions(model: Model) -> list[int]:
    """Return LightGBM's monotone_constraints: 1 rising, -1 falling, 0 none; maybe empty."""
    words = model.parameters.get("monotone_constraints", "").split(",")
    return [int(word) for word in words if re.fullmatch(r" *-?[01] *", word)]


def says(text: str) -> int:
    """Return 1 if an English text finds something too high, -1 too low, 0 neither or both."""
    return bool(HIGH.search(text)) - bool(LOW.search(text))
