"""Change the policy of an existing bundle, or its reasons: same model, same scores."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet

from ..errors import OptionError
from ..model.tree import Floats
from ..policy import policy as policies
from ..policy.policy import Policy
from ..prove.verify import Progress
from ..read.classes import Label, listing, matching
from ..reasons.document import REASONS, kept_name
from ..reasons.from_bundle import under_policy
from ..reasons.making import ReasonsChoice
from .manifest import policy_values
from .write import MANIFEST, PROFILE, REFERENCE, SUMS, hashes_of, json_bytes, sums

NO_CHOICE = ReasonsChoice()
RULE = ("version", "refuse_at", "refer_from")
PART = re.compile(r"\w+", re.ASCII)


def change_policy(
    place: Path, threshold: float | None, refer_from: float | None, bad: str | None,
    reasons: ReasonsChoice = NO_CHOICE, progress: Progress = lambda _: None,
) -> tuple[dict[str, bytes], Policy, Floats | None]:  # fmt: skip
    """Return the bundle's files with the new policy, the policy, and the reference probabilities.

    Without a threshold the policy stays. Former rules stay in the manifest's `policy.earlier`, and
    former reasons in files of their own, so that old decisions can be replayed and put into words.
    Raises OptionError if the bundle is incomplete or cannot have such a policy or such reasons.
    """
    files = read_whole(place)
    manifest = json.loads(files[MANIFEST])
    _check_decides(place, manifest)
    before = manifest["policy"]
    rule = (threshold, refer_from) if threshold is not None else _rule(before, refer_from)
    wanted = policies.referring(policies.given(rule[0]), rule[1])
    chosen = wanted.chosen | _costs(manifest["policy"])
    wanted = replace(wanted, refuses=_refused_class(manifest, bad), chosen=chosen)
    probability = _probability(files.get(REFERENCE))
    if threshold is not None:
        manifest["policy"] = policy_values(wanted) | _earlier(before, wanted)
    changed = dict[str, object]()
    if PROFILE in files and probability is not None:
        profile = json.loads(files[PROFILE])
        changed[PROFILE] = profile | {"decisions": wanted.decisions(probability)}
    if REASONS in manifest["files"] or reasons.wanted:
        rows = place / REFERENCE
        made = under_policy(files, manifest, rows, probability, wanted, reasons, progress)
        keep_replaced(files, manifest, made["version"])
        changed[REASONS] = made
    files |= {name: json_bytes(content) for name, content in changed.items()}
    manifest["files"] |= hashes_of({name: files[name] for name in changed})
    files[MANIFEST] = json_bytes(manifest)
    named = {name: files[name] for name in (*manifest["files"], MANIFEST)}
    return files | {SUMS: sums(named)}, wanted, probability


def keep_replaced(files: dict[str, bytes], manifest: dict[str, Any], now: str) -> None:
    """Keep the reasons of a bundle under their version's name; those of `now` are kept no more.

    Raises OptionError if the version is no part of a name.
    """
    if REASONS in manifest["files"]:
        version = json.loads(files[REASONS])["version"]
        if not PART.fullmatch(version):
            raise OptionError(f"{REASONS}: version: wanted letters and digits, got {version!r}")
        files[kept_name(version)] = files[REASONS]
        manifest["files"][kept_name(version)] = manifest["files"][REASONS]
    files.pop(kept_name(now), None)
    manifest["files"].pop(kept_name(now), None)


def _rule(before: dict[str, Any] | None, refer_from: float | None) -> tuple[float, float | None]:
    """Return the bundle's own threshold and start of referral; raises OptionError without one."""
    if before is None:
        raise OptionError("--reasons: wanted --threshold too: who is refused?")
    if refer_from is not None:
        raise OptionError("--refer-from needs --threshold")
    return before["refuse_at"], before.get("refer_from")


def read_whole(place: Path) -> dict[str, bytes]:
    """Return every file of a bundle; raises OptionError if one is missing or was changed."""
    try:
        files = {each.name: each.read_bytes() for each in place.iterdir() if each.is_file()}
        listed = files[SUMS].decode()
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise OptionError(f"{place}: wanted a bundle with {MANIFEST} and {SUMS}") from error
    wanted = {name: digest for digest, _, name in (x.partition("  ") for x in listed.splitlines())}
    found = hashes_of(files)
    wrong = [name for name, digest in wanted.items() if found.get(name) != digest]
    if MANIFEST not in wanted or wrong:
        name = (wrong or [MANIFEST])[0]
        raise OptionError(f"{place / name}: not the file listed in {SUMS}; was it changed?")
    return files


def _check_decides(place: Path, manifest: dict[str, Any]) -> None:
    if manifest["task"] != "binary":
        raise OptionError(
            f"{place}: a threshold needs a probability; this model's task is {manifest['task']}"
        )
    if manifest["exporter"] != "exact":
        raise OptionError(
            f"{place}: not an exact bundle; its verification counts the decisions that change at "
            "its threshold. Convert the model again"
        )


def _refused_class(manifest: dict[str, Any], bad: str | None) -> Label | None:
    """Return the class that is refused, from --bad or from the conversion; raises OptionError."""
    classes, of = manifest.get("classes"), manifest.get("probability_of")
    if not classes:
        if bad is not None:
            raise OptionError("--bad: this bundle does not name its classes")
        return None
    said: Label | None = (manifest["policy"] or {}).get("refuses")
    if bad is not None:
        said = matching(tuple(classes), bad)
        if said is None:
            raise OptionError(f"--bad {bad}: wanted one of {listing(tuple(classes))}")
    if said is None:
        raise OptionError(
            f"the probability is of {of!r} (classes {listing(tuple(classes))}): "
            "say with --bad CLASS which one to refuse"
        )
    if said != of:
        raise OptionError(
            f"this bundle answers the probability of {of!r}, not of {said!r}: "
            f"convert the model again with --bad {said}"
        )
    return said


def _costs(before: dict[str, Any] | None) -> dict[str, object]:
    """Keep the costs of wrong decisions: a new threshold does not change them."""
    how = before["chosen"] if before else {}
    return {key: how[key] for key in ("cost_fn", "cost_fp") if key in how}


def _earlier(before: dict[str, Any] | None, now: Policy) -> dict[str, object]:
    if before is None:
        return {}
    rules = [*before.get("earlier", ()), {key: before.get(key) for key in RULE}]
    kept = {rule["version"]: rule for rule in rules if rule["version"] != now.version}
    return {"earlier": list(kept.values())} if kept else {}


def _probability(reference: bytes | None) -> Floats | None:
    """Return the probabilities [N] in the bundle's sample of reference rows."""
    if reference is None:
        return None
    table = pyarrow.parquet.read_table(io.BytesIO(reference), columns=["__prediction"])
    return np.asarray(table["__prediction"].to_numpy(), np.float64)
