"""`python -m convert verify`: compare models with LightGBM, one line each, writing nothing."""

import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConvertError, MismatchError, OptionError, RowsError
from ..files import MOST_BYTES, read_file
from ..library_errors import LIBRARY_ERRORS, describe_error
from ..model.evidence import Evidence
from ..model.features import MissingChoice
from ..model.rows import fill_rows, read_rows
from ..model.tree import Floats
from ..read.loading import Loaded
from ..read.opening import open_model
from ..tables.reference import Reference
from .building import Built, build
from .mismatch import leaf_indices
from .verify import Progress, Report, verify


@dataclass(frozen=True)
class Case:
    """One model to check, with rows of its own if it has any."""

    name: str
    model: Path
    rows: Path | None = None
    num_iteration: int | None = None
    expected_kind: str | None = None
    known_difference: float = 0.0


def cases_of(path: Path, rows: Path | None) -> Iterator[Case]:
    """Yield the model at `path`, or all models that a `.json` list of cases names.

    A case has `name` and `model`, and optionally `case` (an .npz with X, and `expected`, the
    outputs published with the model), `expected_kind` (raw, pred, prob or leaf_index),
    `num_iteration` and `max_abs_diff_published_vs_lgb47` (how far LightGBM 4.7 is from the
    published outputs).
    """
    if path.suffix != ".json":
        yield Case(path.name, path, rows)
        return
    try:
        listed = json.loads(read_file(path))
        if not isinstance(listed, list):
            raise TypeError(f"got {type(listed).__name__}")
        yield from [_case(path.parent, dict(each)) for each in listed]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise OptionError(f"{path}: wanted a list of cases: {error}") from error


def _case(folder: Path, each: dict[str, Any]) -> Case:
    rounds = each.get("num_iteration")
    if rounds is not None and type(rounds) is not int:
        raise TypeError(f"num_iteration: wanted a whole number, got {rounds!r}")
    return Case(
        str(each["name"]),
        folder / each["model"],
        folder / each["case"] if each.get("case") else None,
        rounds,
        each.get("expected_kind"),
        float(each.get("max_abs_diff_published_vs_lgb47", 0.0)),
    )


def check(case: Case, progress: Progress) -> tuple[Built, Report]:
    """Convert in memory and compare with LightGBM; raises ConvertError."""
    loaded, carried = open_model(case.model, case.num_iteration)
    built = build(loaded, MissingChoice(), carried, evidence_of(case.rows, loaded))
    reference = None if case.rows is None else raw_rows(case.rows, built)
    return built, verify(built.subject, built.model, reference, progress)


def evidence_of(rows: Path | None, loaded: Loaded) -> Evidence | None:
    """Return what named rows tell about the model's columns; None if there are none."""
    if rows is None or rows.suffix == ".npz":
        return None
    return Evidence(reference=Reference.read(rows, loaded.model.feature_names))


def raw_rows(path: Path, built: Built) -> Floats:
    """Read rows `[N, F]`: a table's columns by name, or the array X of an .npz file."""
    if path.suffix != ".npz":
        return read_rows(path, built.features, None).X
    X = _array(path, "X")
    if X.ndim != 2 or not len(X) or X.shape[1] != len(built.features):
        raise RowsError(
            f"{path}: wanted rows of {len(built.features)} values, got an array of shape {X.shape}"
        )
    return np.ascontiguousarray(X)


def _array(path: Path, name: str) -> Floats:
    """Return an array of an .npz file as float64; raises RowsError."""
    try:
        with np.load(io.BytesIO(read_file(path))) as arrays:
            if sum(member.file_size for member in arrays.zip.infolist()) > MOST_BYTES:
                raise ValueError(f"unpacks to more than {MOST_BYTES >> 20} MB")
            found: Floats = arrays[name].astype(np.float64, casting="same_kind")
            return found
    except LIBRARY_ERRORS as error:
        raise RowsError(
            f"{path}: wanted an array {name} of numbers: {describe_error(error)}"
        ) from error


def published_difference(case: Case, built: Built) -> float | None:
    """Return the largest difference to the published outputs; None if there are none.

    Raises MismatchError if it is larger than LightGBM 4.7's own difference.
    """
    if case.rows is None or case.expected_kind is None:
        return None
    expected = _array(case.rows, "expected")
    found = _outputs(case.expected_kind, built, raw_rows(case.rows, built))
    if found.size != expected.size:
        raise RowsError(f"{case.rows}: wanted {expected.size} outputs, got {found.size}")
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
    """Print a line for each model and a total; return whether all of them are exact."""
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
        print(f"{published} of {published} published outputs reproduced as LightGBM 4.7 does")
    return exact == len(cases)


def _told(case: Case, difference: float | None) -> str:
    if difference is None:
        return ""
    return (
        f"; published {case.expected_kind} {difference:.3g} away "
        f"(LightGBM 4.7: {case.known_difference:.3g})"
    )
