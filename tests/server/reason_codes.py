"""A bundle with reason codes: two languages, a group of features, a code for what is missing."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

CODES: dict[str, Any] = {
    "version": "0123456789ab",
    "most": 2,
    "entries": [
        {
            "code": "R01", "text": {"en": "Age or debt", "de": "Alter oder Schulden"},
            "features": ["AGE", "DEBT-RATIO"],
        },
        {
            "code": "R02", "text": {"en": "Income", "de": "Einkommen"}, "features": ["INCOME"],
            "missing": {"code": "M02", "text": {"en": "No income on file", "de": "Kein Einkommen"}},
        },
        {"code": "R03", "text": {"en": "Kind of home", "de": "Wohnung"}, "features": ["KIND"]},
        {"code": "R04", "text": {"en": "Region", "de": "Region"}, "features": ["REGION"]},
    ],
}  # fmt: skip


def with_codes(bundle: Path, to: Path, codes: dict[str, Any] = CODES) -> Path:
    """Copy a bundle and give it reason codes, whose baseline is zero for every feature."""
    copy = Path(shutil.copytree(bundle, to))
    manifest = json.loads((copy / "manifest.json").read_bytes())
    baseline = {"kind": "expectation", "contributions": [0.0] * len(manifest["features"])}
    whole = {"baseline": baseline, "policy": manifest["policy"]["version"], **codes}
    (copy / "reasons.json").write_text(json.dumps(whole))
    digest = hashlib.sha256((copy / "reasons.json").read_bytes()).hexdigest()
    manifest["files"]["reasons.json"] = digest
    (copy / "manifest.json").write_text(json.dumps(manifest))
    sums = {**manifest["files"], "manifest.json": sha256(copy / "manifest.json")}
    (copy / "SHA256SUMS").write_text("".join(f"{v}  {k}\n" for k, v in sorted(sums.items())))
    return copy


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
