"""Replay of the explanations that were answered: reason codes, totals and contributions."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..explain.contributions import Contributions
from ..explain.principal import APPROVED, Principal, Reason
from ..log.batch import rows_matrix
from .model import Bools, Floats, Model

REASONS, CONTRIBUTIONS = "reasons", "contributions"
Codes = list[tuple[str, float]]


class Unlike(NamedTuple):
    """A record whose explanation is not reproduced, by its place in the batch."""

    place: int
    what: str
    recorded: object
    replayed: object


class Told(NamedTuple):
    """How the explanations of N records compare: masks [N]."""

    equal: Bools
    unknown: Bools  # of reason codes that the bundle does not hold
    checked: Bools
    different: list[Unlike]


def explained(model: Model, batch: pa.RecordBatch) -> Told:
    """Explain again the records of a batch that were answered with an explanation."""
    versions = np.array(batch["reasons_version"].to_pylist(), object)
    named = np.array([version is not None for version in versions], np.bool_)
    wanted = named | pc.is_valid(batch[CONTRIBUTIONS]).to_numpy(zero_copy_only=False)
    equal, unknown = np.ones(len(named), np.bool_), np.zeros(len(named), np.bool_)
    if not wanted.any():
        return Told(equal, unknown, wanted, [])
    if model.contributions is None:
        return Told(equal, wanted, unknown, [])
    principals = {version: model.principal(version) for version in dict.fromkeys(versions.tolist())}
    unknown = named & np.array([principals[version] is None for version in versions], np.bool_)
    checked, different = wanted & ~unknown, list[Unlike]()
    for version, principal in principals.items():
        places = np.flatnonzero(checked & (versions == version))
        different += (
            each._replace(place=int(places[each.place]))
            for each in compared(model.contributions, principal, batch.take(pa.array(places)))
        )
    equal[[each.place for each in different]] = False
    return Told(equal, unknown, checked, sorted(different, key=lambda each: each.place))


def compared(
    contributions: Contributions, principal: Principal | None, batch: pa.RecordBatch
) -> Iterator[Unlike]:
    """Explain records again and yield what differs in any bit. Raises BundleError."""
    if not batch.num_rows:
        return
    rows = rows_matrix(batch)
    every = contributions.of(rows)
    found = every[np.arange(len(rows)), np.minimum(likeliest(batch), every.shape[1] - 1)]
    for i, recorded in enumerate(batch[CONTRIBUTIONS].to_pylist()):
        if recorded is not None and np.array(recorded).tobytes() != found[i].tobytes():
            yield Unlike(i, CONTRIBUTIONS, recorded, found[i].tolist())
    if principal is None:
        return
    told = [None if each is None else codes_of(each) for each in batch[REASONS].to_pylist()]
    replayed = again(principal, batch, found[:, :-1], rows)
    for i, (was, now) in enumerate(zip(told, replayed, strict=True)):
        if was is not None and not alike(was, now):
            yield Unlike(i, REASONS, was, [(one.codes[0].code, one.contribution) for one in now])


def likeliest(batch: pa.RecordBatch) -> list[int]:
    """Return which raw score of each record is explained: of several classes the predicted one."""
    every = batch["prediction_all"].to_pylist()
    return [int(np.argmax(scores)) if scores else 0 for scores in every]


def again(
    principal: Principal, batch: pa.RecordBatch, found: Floats, rows: Floats
) -> list[list[Reason]]:
    """Return the reasons of every record, none for an approved one."""
    every = principal.reasons(
        found, rows, [sent_of(text) for text in batch["features"].to_pylist()],
        [bool(flags) for flags in batch["flags"].to_pylist()],
    )  # fmt: skip
    decisions = batch["decision"].to_pylist()
    return [
        [] if decided == APPROVED else reasons
        for decided, reasons in zip(decisions, every, strict=True)
    ]


def sent_of(text: str | None) -> dict[str, Any] | None:
    """Return what the client sent by feature; None for a row of numbers."""
    found = msgspec.json.decode(text) if text else None
    return found if isinstance(found, dict) else None


def codes_of(told: Sequence[dict[str, Any]]) -> Codes:
    """Return (code, contribution) of each recorded reason."""
    return [(each["code"], each["contribution"]) for each in told]


def alike(was: Codes, now: Sequence[Reason]) -> bool:
    """Whether the reasons have the same codes, in the same order, and the same bits."""
    return len(was) == len(now) and all(
        code in {known.code for known in one.codes} and bits(total) == bits(one.contribution)
        for (code, total), one in zip(was, now, strict=True)
    )


def bits(number: float | None) -> bytes:
    """Return a number's bytes, none of a missing one."""
    return b"" if number is None else np.float64(number).tobytes()
