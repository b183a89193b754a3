"""Whether answers are LightGBM's: bits, decisions and the largest error, over a socket."""

import numpy as np
import pytest

from bench.load import agreement, body, servers, subjects
from bench.workload import models


@pytest.mark.parametrize("name", ["json", "oip_json"])
def test_this_server_agrees_on_applicants_and_on_splits(
    workload: models.Workload, name: str
) -> None:
    ours = subjects.BY_NAME[name]
    with servers.running(ours, workload, ours.encode(workload)(workload.rows(1))) as server:
        row = agreement.judge(server, workload, 40)
    assert row == {"compared": 80, "different": 0, "largest_error": 0.0, "flips": 0}


def test_another_bit_and_another_decision_are_counted() -> None:
    wanted = np.array([0.1, 0.1, 0.5, 0.9])
    given = np.array([0.1, np.nextafter(0.1, 1), 0.1, 0.9])
    row = agreement.compared(given, wanted)
    assert row == {"compared": 4, "different": 2, "largest_error": 0.4, "flips": 1}


def test_an_answer_other_than_200_is_no_probability(workload: models.Workload) -> None:
    ours = subjects.OURS
    requests = ours.encode(workload)(workload.rows(1))
    with servers.running(ours, workload, requests) as server:
        [wrong] = body.json_documents("/score", [{"AMOUNT_012": "much"}])
        with pytest.raises(servers.ServerError, match="422"):
            agreement.answers(server.port, [wrong])
