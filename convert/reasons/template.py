"""A file of reasons to fill in: a row for each used feature, with the default codes and texts."""

import csv
import io
from collections.abc import Sequence

from ..model.features import Feature
from .entries import FIRST_LANGUAGE, default_entries
from .mapping import COLUMNS


def template(features: Sequence[Feature]) -> str:
    """Return the CSV text."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for entry in default_entries(features):
        missing = entry.missing
        absent = (missing.code, missing.text[FIRST_LANGUAGE]) if missing else ("", "")
        table.writerow((*entry.features, entry.code, entry.text[FIRST_LANGUAGE], *absent))
    return out.getvalue()
