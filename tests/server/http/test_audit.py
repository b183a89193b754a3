"""The short form of the audit of raw requests; the long one is `make audit-http`."""

import json
from contextlib import ExitStack
from pathlib import Path

from tests.long.server_audit import audit, serving
from tests.server.wire import FIT

CONNECTIONS = 600


def test_both_lanes_answer_record_and_count_raw_requests_alike(
    bundle: Path, tmp_path: Path
) -> None:
    """Whatever they are, and wherever they are cut."""
    bodies = [json.dumps(FIT | {"AGE": age}).encode() for age in range(20, 60)]
    with ExitStack() as stack:
        up, key = serving(bundle, tmp_path, stack)
        found = audit(up, 7, CONNECTIONS, bodies, key)
    assert found.wrong == []
    assert min(found.statuses[each] for each in (200, 400, 401, 405, 413, 422, 431, 501, 505)) > 0
