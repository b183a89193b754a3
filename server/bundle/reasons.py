"""`reasons.json`: the reason codes of a bundle, what each stands for, and what is usual.

monitoring/ reads it through a link: folders share files and no imports.
"""

from collections import Counter
from pathlib import Path
from typing import Literal

import msgspec

from .manifest import BundleError, Manifest

NAME = "reasons.json"
Texts = dict[str, str]  # language -> text


def kept_name(version: str) -> str:
    """Return the file of a version that `convert policy` replaced."""
    return f"reasons-{version}.json"


class Code(msgspec.Struct, frozen=True):
    """A reason code and its text in every language."""

    code: str
    text: Texts


class Entry(Code, frozen=True, kw_only=True):
    """The reason that `features` stand for; `missing` if nothing of them was sent."""

    features: tuple[str, ...]
    missing: Code | None = None


class Baseline(msgspec.Struct, frozen=True):
    """The usual contribution of each feature, in the manifest's order, and of which rows it is."""

    kind: Literal["marginal", "approved", "all", "expectation"]
    contributions: tuple[float, ...]
    rows: int = 0
    cutoff: float | None = None


class ReasonCodes(msgspec.Struct, frozen=True):
    """The file: at most `most` reasons are answered; `policy` is the one the baseline is of."""

    version: str
    most: int
    baseline: Baseline
    entries: tuple[Entry, ...]
    policy: str | None = None


def read(content: bytes, manifest: Manifest, file: Path) -> ReasonCodes:
    """Decode and check the file's content; raises BundleError."""
    try:
        found = msgspec.json.decode(content, type=ReasonCodes)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"{file}: {error}") from error
    said = out_of_place(found, manifest, file.name) or contradiction(found, manifest)
    if said:
        raise BundleError(f"{file}: {said}")
    return found


def out_of_place(found: ReasonCodes, manifest: Manifest, name: str) -> str | None:
    """Return why these are not the codes of the policy in force, or those kept by that name."""
    policy = manifest.policy
    now = policy.version if policy else None
    if name == NAME:
        fits = now is not None and found.policy == now
        said = f"wanted the policy {now}, got {found.policy}: convert policy makes both"
        return None if fits else said
    if name != kept_name(found.version):
        return f"wanted the version that the name says, got {found.version}"
    known = {each.version for each in (policy, *policy.earlier)} if policy else set[str]()
    return None if found.policy in known else f"wanted a policy of the manifest, got {found.policy}"


def contradiction(found: ReasonCodes, manifest: Manifest) -> str | None:
    """Return what does not fit the manifest, or None."""
    names = [feature.name for feature in manifest.features]
    if (count := len(found.baseline.contributions)) != len(names):
        return f"baseline: wanted {len(names)} contributions, got {count}"
    counted = Counter(name for entry in found.entries for name in entry.features)
    if unknown := counted.keys() - {*names}:
        return f"unknown feature {min(unknown)}"
    if twice := [name for name, count in counted.items() if count > 1]:
        return f"feature {twice[0]}: wanted it in one entry"
    texts = [entry.text for entry in found.entries]
    texts += [entry.missing.text for entry in found.entries if entry.missing]
    languages = {frozenset(text) for text in texts}
    if len(languages) != 1 or not min(languages, default=None):
        return "wanted each text in the same languages, at least one"
    return None
