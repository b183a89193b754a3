"""The columns that say why: principal reasons as /score answers them, and all contributions."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..bundle.applicant import Floats
from ..bundle.manifest import BundleError
from ..bundle.reasons import Entry
from ..scoring.model import Model
from ..scoring.reasons import APPROVED
from ..settings import Reasons as Wanted

Mask = NDArray[np.bool_]


class ReasonColumns:
    """Explains blocks of rows; any thread may call it.

    A reason is three columns, its code, its text and its contribution: a CSV can hold them, and a
    reader can filter and count by them.
    """

    def __init__(self, model: Model, wanted: Wanted, language: str | None = None) -> None:
        """Raises BundleError for a model that has no such reasons, or none in that language."""
        self._all, self._reasons = wanted == "all", model.reasons
        where, contributions, self.language, self._most = (
            model.bundle.path,
            model.contributions,
            "",
            0,
        )
        if contributions is None or not (self._all or model.reasons):
            raise BundleError(f"{where}: wanted a bundle with reasons, got none (docs/reasons.md)")
        self._contributions = contributions
        if model.reasons is not None:
            codes, known = model.reasons.codes, model.reasons.languages
            self.language, self._most = language or known[0], min(codes.most, len(codes.entries))
            if self.language not in known:
                raise BundleError(f"{where}: wanted reasons in {', '.join(known)}, got {language}")
            self._words = words(codes.entries, self.language)
        fields = [*reason_fields(self._most), *(contribution_fields(model) if self._all else ())]
        self.added = pa.schema(fields)

    def of(
        self, rows: Floats, absent: Mask, good: Mask, decided: pa.Array | None
    ) -> list[pa.Array]:
        """Return the columns of `added` [N], null where there is nothing to say.

        `rows` [N, F] are what the model sees, `absent` [N, F] where nothing was sent; `good` [N]
        are the rows without a fault, `decided` [N] their decisions, if the model has any.
        """
        refused = not_approved(decided) if decided is not None else np.zeros(len(rows), bool)
        explained = good if self._all else refused
        found = self._contributions.of(rows[explained])
        columns = [*self._principal(found[refused[explained], 0, :-1], absent[refused], refused)]
        if self._all:
            columns += [spread(each, explained) for each in found.reshape(len(found), -1).T]
        return columns

    def _principal(self, found: Floats, absent: Mask, refused: Mask) -> Iterator[pa.Array]:
        if self._reasons is None:
            return
        totals, each = self._reasons.totals(found), np.arange(len(found))
        unsent = [absent[:, members].all(axis=1) for members in self._reasons.members]
        words = np.stack(unsent, axis=1) + 2 * np.arange(len(unsent))
        largest = np.argsort(-totals, axis=1, kind="stable")
        for entry in largest[:, : self._most].T:
            total = totals[each, entry]
            word = spread(words[each, entry], refused, total > 0)
            yield from (texts.take(word) for texts in self._words)
            yield spread(total, refused, total > 0)


def not_approved(decided: pa.Array) -> Mask:
    """Return where a decision is other than approve."""
    found: Mask = pc.fill_null(pc.not_equal(decided, APPROVED), False).to_numpy(False)
    return found


def words(entries: Sequence[Entry], language: str) -> tuple[pa.Array, pa.Array]:
    """Return codes and texts: for each entry its own, and that of nothing sent."""
    told = [code for entry in entries for code in (entry, entry.missing or entry)]
    return pa.array([each.code for each in told]), pa.array([each.text[language] for each in told])


def reason_fields(most: int) -> Iterator[pa.Field]:
    """Yield the columns of reasons, the largest one's first."""
    for rank in range(1, most + 1):
        yield pa.field(f"reason_{rank}", pa.string())
        yield pa.field(f"reason_{rank}_text", pa.string())
        yield pa.field(f"reason_{rank}_contribution", pa.float64())


def contribution_fields(model: Model) -> Iterator[pa.Field]:
    """Yield a column for each feature, and one for the expectation; of each raw score."""
    outputs = model.manifest.outputs
    for of in [""] if outputs == 1 else [f"_{number}" for number in range(outputs)]:
        for feature in model.manifest.features:
            yield pa.field(f"contribution{of}_{feature.name}", pa.float64())
        yield pa.field(f"expectation{of}", pa.float64())


def spread(
    values: "NDArray[np.float64 | np.int64]", where: Mask, shown: Mask | None = None
) -> pa.Array:
    """Return a column [N] that holds the values at `where`, as far as shown, and else null."""
    column, mask = np.zeros(len(where), values.dtype), ~where
    column[where] = values
    if shown is not None:
        mask[where] = ~shown
    return pa.array(column, mask=mask)
