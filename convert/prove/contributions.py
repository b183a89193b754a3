"""Contributions held to LightGBM's own, `pred_contrib`, before a bundle may give reasons.

LightGBM's are no exact truth: its sums miss its own raw scores, on deep trees by far. So ours may
differ from them by a bound that grows with that miss, and have to add up where LightGBM's do not.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ..errors import MismatchError
from ..graph.runtime import Runtime
from ..model.covers import covers_of
from ..model.rows import fill_rows
from ..model.tree import Bools, Floats, Ints
from .adversarial import sweep, typical_rows, vary
from .building import Built, Steps
from .quadrature import Quadrature
from .verify import Progress

COVERS, STEPS = "covers.bin", "steps.onnx"
# Rows times splits that are explained.
BUDGET = 8_000_000
LEAST_ROWS, MOST_ROWS = 32, 600
TOLERANCE = 1e-9  # of 1 and all contributions, their signs aside
OF_LIGHTGBMS_MISS = 10.0
MANY = 4  # reasons are at most so many


@dataclass(frozen=True)
class Agreement:
    """How near our contributions are to LightGBM's, relative to 1 and their sum without signs.

    `largest` is the largest difference of one. `missed` is the largest difference between a sum of
    ours and the raw score, `lightgbm_missed` of LightGBM's. `reordered` counts the rows whose four
    largest contributions stand in another order, but for ties within the tolerance.
    """

    rows: int
    largest: float
    missed: float
    lightgbm_missed: float
    reordered: int


@dataclass(frozen=True)
class Explained:
    """What a bundle needs for contributions, and how they were proven.

    Contributions behind a pipeline's steps are summed over what came of each of its inputs.
    """

    covers: Ints
    quadrature: Quadrature
    agreement: Agreement
    steps: Steps | None = None

    @property
    def files(self) -> dict[str, bytes]:
        """What goes into the bundle: the counts as int32, in the order of the leaves."""
        steps = {} if self.steps is None else {STEPS: self.steps.content}
        return {COVERS: self.covers.astype("<i4").tobytes()} | steps

    @property
    def values(self) -> dict[str, object]:
        """What the manifest says of them."""
        columns = {} if self.steps is None else {"columns": list(self.steps.columns)}
        return asdict(self.agreement) | columns

    def of(self, rows: Floats) -> Floats:
        """Return contributions [N, K, F + 1] of rows [N, F] as the model sees them."""
        return self.quadrature.contributions(taken(self.steps, rows))


def explain(built: Built, reference: Floats | None, progress: Progress) -> Explained:
    """Compare with LightGBM on rows like those of training and on adversarial ones.

    Raises UnsupportedModelError for a model whose contributions cannot be relied on, MismatchError
    for one beyond the bound.
    """
    covers = covers_of(built.model)
    subject, steps = built.subject, built.steps
    width, divide_by = len(subject.features), subject.transform.divide_by
    columns = steps.columns if steps else tuple(range(width))
    quadrature = Quadrature(subject.ensemble, covers, columns, width, divide_by)
    rows = tried(built, reference)
    found = quadrature.contributions(taken(steps, fill_rows(rows, subject.features)))
    wanted = summed(subject.oracle.contributions(rows), columns, width) / divide_by
    raw = subject.oracle.raw(rows) / divide_by
    agreement = compare(built, found, wanted, raw)
    progress(
        f"compared the contributions of {agreement.rows} rows with LightGBM's: "
        f"{agreement.largest:.1e} apart at most"
    )
    return Explained(covers, quadrature, agreement, steps)


def taken(steps: Steps | None, rows: Floats) -> Floats:
    """Return what the trees take of rows [N, F]."""
    return rows if steps is None else Runtime(steps.content).raw(rows)


def summed(contributions: Floats, columns: Sequence[int], width: int) -> Floats:
    """Add the contributions [N, K, taken + 1] of one column up: [N, K, width + 1]."""
    found = np.zeros((*contributions.shape[:2], width + 1))
    for place, column in enumerate((*columns, width)):
        found[:, :, column] += contributions[:, :, place]
    return found


def tried(built: Built, reference: Floats | None) -> Floats:
    """Return rows as LightGBM takes them: half usual ones, half made difficult."""
    subject, splits = built.subject, len(built.subject.ensemble.feature)
    count = int(np.clip(BUDGET // splits, LEAST_ROWS, MOST_ROWS))
    rng = np.random.default_rng(0)
    if reference is None:
        usual = typical_rows(subject.features, count // 2)
    else:
        usual = reference[np.linspace(0, len(reference) - 1, count // 2).astype(np.int64)]
    some = vary(usual[: count // 4], subject.pool, 0.2, rng)
    return np.concatenate([usual, some, sweep(subject.pool, count // 4, rng)])


def compare(built: Built, found: Floats, wanted: Floats, raw: Floats) -> Agreement:
    """Compare [N, K, F + 1] of ours with LightGBM's and raw scores [N, K]; raises MismatchError."""
    scale = 1.0 + np.abs(wanted).sum(axis=2)
    missed = np.abs(found.sum(axis=2) - raw)
    lightgbm_missed = np.abs(wanted.sum(axis=2) - raw)
    apart = np.abs(found - wanted)
    bound = TOLERANCE * scale + OF_LIGHTGBMS_MISS * lightgbm_missed
    check(built, apart <= bound[:, :, None], found, wanted)
    ours = 1.0 + np.abs(found).sum(axis=2)
    if not (missed <= TOLERANCE * ours).all():
        at = int(np.argmax((missed / ours).max(axis=1)))
        raise MismatchError(f"row {at}: contributions add up to {raw[at]} but for {missed[at]}")
    return Agreement(
        len(found),
        largest(apart / scale[:, :, None]),
        largest(missed / ours),
        largest(lightgbm_missed / scale),
        int(reordered(found, wanted, 2 * TOLERANCE * scale).any(axis=1).sum()),
    )


def largest(differences: Floats) -> float:
    """Return the largest, to two digits: the next ones are chance, and may differ by machine."""
    return float(f"{differences.max():.1e}")


def check(built: Built, within: Bools, found: Floats, wanted: Floats) -> None:
    """Raise MismatchError naming the first contribution that is not within the bound."""
    if within.all():
        return
    row, output, column = (int(each[0]) for each in np.nonzero(~within))
    names = [*(feature.name for feature in built.subject.features), "the expectation"]
    raise MismatchError(
        f"row {row}, output {output}, contribution of {names[column]}: "
        f"{found[row, output, column]!r}, LightGBM {wanted[row, output, column]!r}"
    )


def reordered(found: Floats, wanted: Floats, tie: Floats) -> Bools:
    """Mask [N, K]: the four largest stand in another order, but for ties of LightGBM's."""
    one, other = (np.argsort(-each[:, :, :-1], axis=2)[:, :, :MANY] for each in (found, wanted))
    apart = np.take_along_axis(wanted, other, 2) - np.take_along_axis(wanted, one, 2)
    mask: Bools = ((one != other) & (np.abs(apart) > tie[:, :, None])).any(axis=2)
    return mask
