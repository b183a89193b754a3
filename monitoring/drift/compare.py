"""Compare reference counts with current counts: of one column, the score, or the decisions."""

import numpy as np

from ..rows.columns import CATEGORY, Column, Counts, Ints
from . import statistics
from .result import BANDS, Bins, ColumnDrift, Compared, Decision, Outside, Settings, Share


def band(effect: float, settings: Settings) -> str:
    """Return the band of a PSI, by the convention of credit scoring."""
    limits = (settings.moderate_psi, settings.large_psi)
    return BANDS[1 + int(np.searchsorted(limits, effect, side="right"))]


def compare_counts(
    sides: tuple[Ints, Ints],
    bins: Bins,
    alpha: float,
    settings: Settings,
    ordered: int | None = None,
) -> Compared:
    """Compare two histograms [K], reference first. Drift must be significant and large enough.

    `ordered`: how many of the bins, from the first, are in the order of their values.
    """
    found = statistics.distance(*sides, alpha)
    shift = statistics.location(*(side[:ordered] for side in sides)) if ordered else None
    certain = found.psi > found.critical or (shift is not None and shift.p_value < alpha)
    drifted = certain and found.psi >= settings.min_psi
    return Compared(
        found.psi,
        found.critical,
        found.p_value,
        shift.superiority if shift else None,
        shift.p_value if shift else None,
        drifted,
        band(found.psi, settings) if drifted else BANDS[0],
        bins,
    )


def compare_share(
    reference: tuple[int, int], current: tuple[int, int], alpha: float, settings: Settings
) -> Share:
    """Compare two shares, each given as (rows, total rows)."""
    rate = statistics.rate(*reference, *current)
    drifted = (
        rate.p_value < alpha and abs(rate.current - rate.reference) >= settings.min_rate_change
    )
    return Share(rate.reference, rate.current, rate.p_value, drifted)


def compare_column(
    column: Column, reference: Counts, current: Counts, alpha: float, settings: Settings
) -> ColumnDrift:
    """Compare a feature's distribution, missing values, range and unseen categories."""
    bins = Bins(
        reference.bins.tolist(), current.bins.tolist(), column.edges.tolist(), list(column.labels)
    )
    values = column.size - 1 if column.kind != CATEGORY else None
    if column.ordered:
        values = len(column.labels)
    shape = compare_counts((reference.bins, current.bins), bins, alpha, settings, values)
    missing = compare_share(
        (reference.missing, reference.rows), (current.missing, current.rows), alpha, settings
    )
    beyond = _outside(column, reference, current, alpha, settings)
    unseen = _unseen(column, reference, current, alpha, settings)
    drifted = [shape.drifted, missing.drifted, bool(beyond and beyond.drifted)]
    effect = max(shape.psi, beyond.psi if beyond and beyond.drifted else 0.0)
    return ColumnDrift(
        name=column.name,
        kind=column.kind,
        drifted=any(drifted),
        band=band(effect, settings) if any(drifted) else BANDS[0],
        concern=effect * column.importance,
        reasons=_reasons(shape, missing, beyond, unseen, current.missing == current.rows, alpha),
        importance=column.importance,
        used=column.used,
        absent=False,
        psi=shape.psi,
        critical=shape.critical,
        p_value=shape.p_value,
        superiority=shape.superiority,
        shift_p_value=shape.shift_p_value,
        missing=missing,
        outside=beyond,
        unseen=unseen,
        bins=bins,
    )


def _outside(
    column: Column, reference: Counts, current: Counts, alpha: float, settings: Settings
) -> Outside | None:
    if column.kind == CATEGORY:
        return None
    held = current.rows - current.missing
    of_reference = reference.rows - reference.missing
    share = current.outside / held if held else 0.0
    chance = _chance_of_leaving(reference.outside, of_reference, current.outside, held)
    drifted = chance < alpha and share >= settings.min_rate_change
    effect = statistics.psi(
        np.array([of_reference - reference.outside, reference.outside]),
        np.array([held - current.outside, current.outside]),
    )
    return Outside(current.outside, share, effect, chance, drifted, current.strange.most_common(5))


def _chance_of_leaving(before: int, of_reference: int, now: int, held: int) -> float:
    """Return the p-value of this many values out of range; the earlier period may have had some."""
    if before:
        return statistics.rate(before, of_reference, now, held).p_value
    return statistics.outside(now, held, of_reference)


def _unseen(
    column: Column, reference: Counts, current: Counts, alpha: float, settings: Settings
) -> Share | None:
    if column.kind != CATEGORY:
        return None
    return compare_share(
        (int(reference.bins[-2]), reference.rows),
        (int(current.bins[-2]), current.rows),
        alpha,
        settings,
    )


def _reasons(
    shape: Compared,
    missing: Share,
    beyond: Outside | None,
    unseen: Share | None,
    empty: bool,
    alpha: float,
) -> list[str]:
    """Describe what changed, the plainest first."""
    said = []
    if missing.drifted:
        said.append(f"missing {missing.reference:.1%} -> {missing.current:.1%}")
    if empty and missing.drifted:
        said.append("no value at all")
    if unseen and unseen.current > 0:
        said.append(f"unseen category in {unseen.current:.1%}")
    if beyond and beyond.values and (beyond.drifted or beyond.values[0][1] > 1):
        said.append(f"{beyond.rows} outside the range seen (such as {beyond.values[0][0]:g})")
    if shape.drifted:
        said.append(f"PSI {shape.psi:.3f} ({shape.band}{direction(shape, alpha)})")
    return said


def direction(shape: Compared, alpha: float) -> str:
    """Return ", higher" or ", lower" if the values certainly moved one way, else ""."""
    if shape.shift_p_value is None or shape.superiority is None or shape.shift_p_value >= alpha:
        return ""
    return ", higher" if shape.superiority > 0.5 else ", lower"


def compare_decisions(
    reference: dict[str, int], current: dict[str, int], alpha: float, settings: Settings
) -> list[Decision]:
    """Compare the share of each decision; empty if either side has none."""
    before, now = sum(reference.values()), sum(current.values())
    if not before or not now:
        return []
    found = []
    for name in sorted(set(reference) | set(current)):
        share = compare_share(
            (reference.get(name, 0), before), (current.get(name, 0), now), alpha, settings
        )
        moved = statistics.change(reference.get(name, 0), before, current.get(name, 0), now)
        found.append(Decision(name, share, moved.low, moved.high))
    return found
