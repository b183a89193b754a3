"""Reasons as a table for the terminal."""

from collections.abc import Iterator, Sequence

from ..markup import visible
from .change import Change
from .report import Group, Reasons, Segmented

LAST = 7
MOST = 20
UNLIKELY = 0.01
AGAINST = {"previous": "the window before", "training": "the reference"}
Cells = Sequence[str]


def to_text(found: Reasons) -> str:
    """Return the summary of one model version and policy."""
    parts = (head(found), decisions(found), periods(found), segments(found), change(found))
    return "\n".join(visible(line).rstrip() for part in parts for line in part)


def head(found: Reasons) -> Iterator[str]:
    """Yield the model, its policy, and how many decisions came with reasons."""
    codes = ", ".join(found.codes)
    named = f", reason codes {codes}" if codes else ""
    yield f"{found.model} {found.version}, policy {found.policy or 'none'}{named}"
    decided = ", ".join(f"{name} {count:,}" for name, count in sorted(found.decided.items()))
    yield f"{decided}; {found.explained:,} with reasons"
    if found.unexplained:
        yield f"{found.unexplained:,} neither approved nor given reasons: not counted below"


def decisions(found: Reasons) -> Iterator[str]:
    """Yield each code: the share of each kind of decision that names it, and that it leads."""
    if not found.explained:
        return
    codes = ordered(found.decisions)
    names = [group.name for group in found.decisions]
    yield ""
    head = ["", *(cell for name in names for cell in (name, "largest"))]
    rows = [
        [code, *(cell for group in found.decisions for cell in shares(group, code))]
        for code in codes[:MOST]
    ]
    yield from table([head, *rows], ["", *(found.texts.get(code, "") for code in codes[:MOST])])
    if len(codes) > MOST:
        yield f"and {len(codes) - MOST} more with --json"


def ordered(groups: Sequence[Group]) -> list[str]:
    """Return all codes, the most frequent first."""
    counts: dict[str, int] = {}
    for group in groups:
        for code, count in group.codes.items():
            counts[code] = counts.get(code, 0) + count.named
    return sorted(counts, key=lambda code: (-counts[code], code))


def shares(group: Group, code: str) -> Cells:
    """Return the share of a group that names a code, and of which it is the largest."""
    count = group.codes.get(code)
    if count is None or not group.explained:
        return "-", "-"
    return f"{count.named / group.explained:.1%}", f"{count.first / group.explained:.1%}"


def periods(found: Reasons) -> Iterator[str]:
    """Yield the shares of the last periods side by side."""
    last = [group for group in found.periods if group.explained][-LAST:]
    if len(last) < 2:
        return
    yield ""
    starts = [group.name[5:].replace("T", " ") for group in last]
    yield from table(
        [["by " + found.by, *starts], ["with reasons", *(f"{g.explained:,}" for g in last)]]
        + [
            [code, *(shares(group, code)[0] for group in last)]
            for code in ordered(found.periods)[:MOST]
        ]
    )


def segments(found: Reasons) -> Iterator[str]:
    """Yield who is refused, and for which reasons, segment by segment."""
    told = found.segments
    if told is None:
        return
    every = ordered(told.groups)
    codes = every[:LAST]
    yield ""
    yield from table(
        [[told.feature, "decided", "refused", *codes]]
        + [[group.name, *who(group), *(shares(group, code)[0] for code in codes)]
           for group in told.groups]
    )  # fmt: skip
    if len(every) > LAST:
        yield f"and {len(every) - LAST} more codes with --json: {', '.join(every[LAST:MOST])}"
    yield said_of(told)


def who(group: Group) -> Cells:
    """Return how many were decided, and the share refused."""
    decided = sum(group.decided.values())
    return f"{decided:,}", f"{group.decided.get('refuse', 0) / decided:.1%}" if decided else "-"


def said_of(told: Segmented) -> str:
    """Return in words whether the largest reason depends on the segment."""
    test = f"chi-squared {told.chi_squared:.1f}, p {told.p_value:.2g}, V {told.cramers_v:.2f}"
    depends = "depends on" if told.p_value < UNLIKELY else "does not certainly depend on"
    return f"the largest reason {depends} {told.feature} ({test})"


def change(found: Reasons) -> Iterator[str]:
    """Yield the comparison with the baseline."""
    moved = found.change
    if moved is None:
        return
    yield ""
    yield f"{verdict(moved)}  reasons against {AGAINST[moved.against]}"
    yield f"{moved.before:,} -> {moved.now:,} decisions with reasons"
    if not moved.enough:
        yield "too few for a verdict: --min-rows says how many each side needs"
        return
    yield (
        f"largest reason: PSI {moved.psi:.3f}, chi-squared {moved.chi_squared:.1f} "
        f"({moved.freedom} degrees of freedom), p {moved.p_value:.2g}, V {moved.cramers_v:.2f}"
    )
    shown = moved.codes[:MOST]
    rows = [
        [each.code, f"{each.before:.1%} -> {each.now:.1%}",
         f"{each.change_low:+.1%} to {each.change_high:+.1%}",
         "DRIFTED" if each.drifted else "steady"]
        for each in shown
    ]  # fmt: skip
    if rows:
        yield from table(rows, [found.texts.get(each.code, "") for each in shown])


def verdict(moved: Change) -> str:
    """Return the result of the comparison in words."""
    if not moved.enough:
        return "CANNOT TELL"
    return "DRIFT" if moved.drifted else "STABLE"


def table(rows: Sequence[Cells], texts: Cells | None = None) -> Iterator[str]:
    """Yield rows as columns: the first to the left, figures to the right, a text last."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for (first, *cells), text in zip(rows, texts or [""] * len(rows), strict=True):
        right = "  ".join(cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        yield f"{first:<{widths[0]}}  {right}  {text}"
