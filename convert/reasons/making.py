"""Make the reasons of a bundle: the lender's or default ones, and the baseline they start from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import OptionError
from ..model.features import Feature
from ..policy.policy import Policy
from ..prove.building import Built
from ..prove.contributions import Explained
from ..prove.verify import Progress
from .baseline import NO_ROWS, Compared, Kind, baseline, described
from .document import document
from .entries import Entry, check, default_entries
from .mapping import read_mapping
from .notes import notes


@dataclass(frozen=True)
class ReasonsChoice:
    """The user's file of reasons and the kind of baseline; without either, reasons if possible."""

    mapping: Path | None = None
    baseline: Kind | None = None

    @property
    def wanted(self) -> bool:
        """Whether a bundle without reasons would not do."""
        return self.mapping is not None or self.baseline is not None

    def entries(self, features: Sequence[Feature]) -> list[Entry]:
        """Return the reasons of the features; raises OptionError."""
        if self.mapping is None:
            return default_entries(features)
        try:
            found = read_mapping(self.mapping)
            check(found, features, self.mapping)
        except OptionError as error:
            raise OptionError(f"--reasons {error}") from error
        return found


def check_choice(choice: ReasonsChoice, task: str, decides: bool, compares: bool) -> None:
    """Raise OptionError if wanted reasons cannot be: nobody is refused, or compared with."""
    if not choice.wanted:
        return
    if task != "binary":
        raise OptionError(f"--reasons: wanted a binary model, this model's task is {task}")
    if not decides:
        raise OptionError("--reasons: wanted --threshold or costs too: who is refused?")
    if not compares and choice.baseline != "expectation":
        raise OptionError(f"--reasons: {NO_ROWS}")


def reasons(
    entries: Sequence[Entry], choice: ReasonsChoice, built: Built, policy: Policy | None,
    explained: Explained | None, compared: Compared | None, progress: Progress,
) -> dict[str, Any] | None:  # fmt: skip
    """Return the content of reasons.json, or None where a bundle cannot give reasons.

    Raises OptionError if they are wanted and cannot be given.
    """
    if policy is None or explained is None:
        return None
    splits = len(built.subject.ensemble.feature)
    kind, width = choice.baseline or "marginal", len(built.features)
    try:
        found = baseline(kind, explained.of, splits, width, compared, policy)
    except OptionError as error:
        if choice.wanted:
            raise
        progress(f"no reasons: {error}")
        return None
    for note in (*notes(entries, built), described(found)):
        progress(note)
    return document(entries, found, policy.version)
