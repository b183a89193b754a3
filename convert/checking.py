"""`python -m convert verify`: models against LightGBM, nothing written, one line each."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .building import Built, build
from .errors import ConvertError, MismatchError, OptionError
from .features import MissingChoice
from .mismatch import leaf_indices
from .opening import open_model
from .rows import fill_rows, read_rows
from .tree import Floats
from .verify import Progress, Report, verify


@dataclass(frozen=True)
class Case:
    """One model to check, on rows of its own if it has any."""

    name: str
    model: Path
    rows: Path | None = None
    num_iteration: int | None = None
    expected_kind: str | None = None
    known_difference: float = 0.0


def cases_of(path: Path, rows: Path | None) -> Iterator[Case]:
    """Yield the model at `path`, or all the models a `.json` list of cases names.

    Each case: `name`, `model` and optionally `case` (an .npz with X, and `expected` outputs that
    were published with the model), `expected_kind` (raw, pred, prob or leaf_index), `num_iteration`
    and `max_abs_diff_published_vs_lgb47`, how far LightGBM 4.7 is from what was published.
    """
    if path.suffix != ".json":
        yield Case(path.name, path, rows)
        return
    try:
        listed = json.loads(path.read_bytes())
        for each in listed:
            case = path.parent / each["case"] if each.get("case") else None
            yield Case(
                each["name"],
                path.parent / each["model"],
                case,
                each.get("num_iteration"),
                each.get("expected_kind"),
                float(each.get("max_abs_diff_published_vs_lgb47", 0.0)),
            )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OptionError(f"{path}: a list of cases wanted: {error}") from error


def check(case: Case, progress: Progress) -> tuple[Built, Report]:
    """Convert in memory and compare; raises ConvertError."""
    loaded, carried = open_model(case.model, case.num_iteration)
    built = build(loaded, MissingChoice(), carried)
    reference = None if case.rows is None else raw_rows(case.rows, built)
    return built, verify(built.subject, built.model, reference, progress)


def raw_rows(path: Path, built: Built) -> Floats:
    """Read rows `[N, F]` of a .csv or .parquet by name, or the X of an .npz."""
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return np.ascontiguousarray(arrays["X"], dtype=np.float64)
    return read_rows(path, built.features, None).X


def published_difference(case: Case, built: Built) -> float | None:
    """Return how far our outputs are from the published ones; None where none were.

    Raises MismatchError where that is further than LightGBM 4.7 is known to be.
    """
    if case.rows is None or case.expected_kind is None:
        return None
    with np.load(case.rows) as arrays:
        X, expected = arrays["X"].astype(np.float64), arrays["expected"].astype(np.float64)
    found = _outputs(case.expected_kind, built, np.ascontiguousarray(X))
    both_missing = np.isnan(found.reshape(expected.shape)) & np.isnan(expected)
    apart = np.where(both_missing, 0.0, np.abs(found.reshape(expected.shape) - expected))
    largest = float(apart.max(initial=0.0))
    if not largest <= case.known_difference:
        raise MismatchError(
            f"{largest:.3g} from the published {case.expected_kind}, "
            f"LightGBM 4.7 {case.known_difference:.3g}"
        )
    return largest


def _outputs(kind: str, built: Built, X: Floats) -> Floats:
    rows = fill_rows(X, built.features)
    if kind == "leaf_index":
        return leaf_indices(built.subject.ensemble, rows)
    raw = built.subject.runtime.raw(rows)
    return raw if kind == "raw" else built.transform.apply(raw)


def check_all(cases: list[Case], progress: Progress) -> bool:
    """Print a line per model and the total; returns whether all were equal in every bit."""
    rows = exact = published = 0
    for case in cases:
        started = time.perf_counter()
        try:
            built, report = check(case, progress)
            difference = published_difference(case, built)
        except ConvertError as error:
            print(f"FAILED  {case.name}: {error}")
            continue
        seconds = time.perf_counter() - started
        published += difference is not None
        given = f", {report.kinds['reference']} of them given" if case.rows else ""
        print(
            f"exact   {case.name}: {built.model.objective}, {len(built.model.trees)} trees, "
            f"{report.rows} rows{given}, {report.mismatches} differ"
            f"{_told(case, difference)} ({seconds:.1f} s)"
        )
        rows, exact = rows + report.rows, exact + 1
    print(f"{exact} of {len(cases)} models exact: {rows} of {rows} rows bit-identical to LightGBM")
    if published:
        print(
            f"{published} of {published} published outputs met, as near as LightGBM 4.7 meets them"
        )
    return exact == len(cases)


def _told(case: Case, difference: float | None) -> str:
    if difference is None:
        return ""
    return (
        f"; published {case.expected_kind} {difference:.3g} away "
        f"(LightGBM 4.7: {case.known_difference:.3g})"
    )
