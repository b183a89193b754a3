"""Judge whether the share of requests refused with 422 is drift.

A refused applicant has no row, so no column shows that he applied: only the share does. It is drift
if it is above `max_refused` and chance cannot explain that (one-sided binomial test).
"""

import numpy as np
import scipy

from ..rows.refused import RefusedTally
from . import statistics
from .compare import band
from .result import BANDS, Refused, RefusedFault, Settings

SHOWN = 20


def judge(tally: RefusedTally, reference: int, alpha: float, settings: Settings) -> Refused:
    """Judge the refused share; its PSI compares it with `reference` rows that were all scored."""
    asked = tally.requests + tally.answered
    share = statistics.share(tally.requests, asked)
    chance = (
        float(scipy.stats.binom.sf(tally.requests - 1, asked, settings.max_refused))
        if asked
        else 1.0
    )
    drifted = asked >= settings.min_rows and chance < alpha and share.value > 0
    psi = statistics.psi(np.array([reference, 0]), np.array([tally.answered, tally.requests]))
    return Refused(
        tally.requests, asked, share.value, share.low, share.high, drifted,
        band(psi, settings) if drifted else BANDS[0],
        dict(tally.features.most_common(SHOWN)),
        [RefusedFault(*named, n) for named, n in tally.faults.most_common(SHOWN)],
        {str(status): n for status, n in sorted(tally.others.items())},
    )  # fmt: skip
