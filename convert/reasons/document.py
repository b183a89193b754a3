"""`reasons.json`: the codes and the baseline, under a version made from both."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from .baseline import Baseline
from .entries import Entry

REASONS = "reasons.json"
MOST = 4
"""So many principal reasons at most: the commentary on Regulation B calls more unhelpful."""


def kept_name(version: str) -> str:
    """Return the file that keeps a version which another one replaced."""
    return f"reasons-{version}.json"


def document(entries: Sequence[Entry], found: Baseline, policy: str) -> dict[str, Any]:
    """Return the file's content for the policy of that version."""
    listed = msgspec.to_builtins(entries)
    return versioned({"most": MOST, "policy": policy, "baseline": asdict(found), "entries": listed})


def rebased(before: dict[str, Any], found: Baseline, policy: str) -> dict[str, Any]:
    """Return the content with another policy and its baseline."""
    return versioned({**before, "policy": policy, "baseline": asdict(found)})


def versioned(content: dict[str, Any]) -> dict[str, Any]:
    """Put `version` first: 12 hex digits of the SHA-256 of the rest as canonical JSON."""
    rest = {key: value for key, value in content.items() if key != "version"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {"version": hashlib.sha256(text.encode()).hexdigest()[:12], **rest}
