"""Outputs that explain a row, computed if requested: contributions, and codes of the reasons."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from ..bundle.applicant import Floats
from ..scoring.model import Model
from ..scoring.outcome import Outcome
from ..scoring.reasons import CONTRIBUTIONS, contributions_alone, likeliest
from ..settings import Reasons as Wanted

REASONS = "reasons"


class Explained:
    """The explanations of one model's rows; belongs to one thread, like the model."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._names = [feature.name for feature in model.manifest.features]
        self._most = model.reasons.most if model.reasons else 0

    def outputs(self) -> dict[str, tuple[str, int]]:
        """Return {name: (datatype, width)}; empty if the bundle cannot explain."""
        if self._model.contributions is None:
            return {}
        found = {CONTRIBUTIONS: ("FP64", len(self._names) + 1)}
        return {**found, REASONS: ("BYTES", self._most)} if self._model.reasons else found

    def explain(
        self, outcomes: list[Outcome], rows: Floats, sent: Floats, names: Collection[str]
    ) -> list[Outcome]:
        """Return the outcomes, explained if `names` of outputs ask for it.

        `rows` [N, F] as the model sees them, `sent` [N, F] as the client sent them.
        """
        wanted = self.outputs().keys() & names
        if not wanted or self._model.contributions is None:
            return outcomes
        found = self._model.contributions.of(rows)
        return [
            self._one(said, each[likeliest(said)], row, wanted)
            for said, each, row in zip(outcomes, found, sent, strict=True)
        ]

    def _one(self, said: Outcome, found: Floats, sent: Floats, wanted: Collection[str]) -> Outcome:
        reasons = self._model.reasons
        if reasons is None or REASONS not in wanted:
            return contributions_alone(said, self._names, found)
        kind: Wanted = "all" if CONTRIBUTIONS in wanted else "principal"
        return reasons.told(said, found, kind, _values(sent), reasons.languages[0])

    def flat(self, outcomes: Sequence[Outcome], name: str) -> list[Any]:
        """Return one of the outputs as a flat list, codes padded with empty texts."""
        each = _contributions if name == CONTRIBUTIONS else self._codes
        return [value for said in outcomes for value in each(said)]

    def _codes(self, said: Outcome) -> list[str]:
        found = said.explanation.codes() if said.explanation else []
        return found + [""] * (self._most - len(found))


def _contributions(said: Outcome) -> list[float]:
    return said.explanation.numbers() if said.explanation else []


def _values(sent: Floats) -> Callable[[], list[float | None]]:
    return lambda: [None if x != x else x for x in sent.tolist()]
