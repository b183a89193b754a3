"""The share of refused requests is part of the verdict, by feature and fault."""

import http.client
import json
from pathlib import Path

import pytest

from monitoring.__main__ import main
from monitoring.drift.refused import judge
from monitoring.drift.result import Drift, Settings
from monitoring.nightly import output
from monitoring.rows.refused import RefusedTally
from tests.conftest import Serve, Trained, applicants
from tests.drift_files import records, refused, rows, write_bundle
from tests.record_lines import segment

KIND = {"feature": "KIND", "wanted": "one of car, home, study"}
AGE = {"feature": "AGE", "wanted": "a number"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("model") / "tiny" / "1", rows(3000, 0))


def look(model: Path, folder: Path, lines: list[bytes], *given: str) -> tuple[int, Drift]:
    segment(folder / "log", lines)
    out = ["--out", str(folder / "out"), "--no-report"]
    code = main(["drift", "--model", str(model), "--log", str(folder / "log"), *out, *given])
    return code, output.read(folder / "out")


def test_a_third_refused_over_http_is_drift(
    bundle: Path, serve: Serve, trained: Trained, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Before: STABLE, exit code 0, and a note that so many records were passed over."""
    log, out = tmp_path / "log", tmp_path / "out"
    log.mkdir()
    statuses = []
    with serve(bundle, log) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        for number, row in enumerate(applicants(trained.held_out[:600])):
            unseen = {"KIND": "boat"} if number % 3 == 0 else {}
            connection.request("POST", "/score", json.dumps({**row, **unseen}),
                               {"Content-Type": "application/json"})  # fmt: skip
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        connection.close()
    assert statuses.count(422) == 200
    given = ["--model", str(bundle), "--log", str(log), "--out", str(out), "--no-report"]
    assert main(["drift", *given]) == 1
    said = capsys.readouterr().out
    assert "200 of 600 requests refused (33.3%): KIND 200  DRIFTED" in said
    assert "passed over: refused" not in said
    found = output.read(out)
    assert (found.status, found.level) == ("drift", "large")
    assert found.reasons[0] == "200 of 600 requests refused (33.3%): KIND 200"
    assert found.refused is not None
    assert found.refused.features == {"KIND": 200}
    assert [(f.feature, f.requests) for f in found.refused.faults] == [("KIND", 200)]
    prom = (out / "drift.prom").read_text()
    labels = 'model="small",version="1"'
    assert f"credit_drift_refused_share{{{labels}}} 0.333" in prom
    assert f"credit_drift_refused_drifted{{{labels}}} 1.0" in prom
    assert f'credit_drift_refused_feature_share{{{labels},feature="KIND"}} 0.333' in prom


@pytest.mark.parametrize(
    ("few", "status", "drifted"),
    [(0, "stable", False), (1, "stable", False), (5, "stable", False), (9, "stable", False),
     (14, "stable", False), (40, "drift", True), (100, "drift", True), (5000, "drift", True)],
)  # fmt: skip
def test_above_a_stated_share_and_beyond_chance_it_is_drift(
    few: int, status: str, drifted: bool, model: Path, tmp_path: Path
) -> None:
    """1,000 answered; 1 % is put up with."""
    _, found = look(model, tmp_path, records(rows(1000, 1)) + refused(few, KIND))
    assert found.refused is not None
    assert (found.status, found.refused.drifted) == (status, drifted)
    assert (found.refused.requests, found.refused.asked) == (few, 1000 + few)
    assert found.refused.low <= found.refused.share <= found.refused.high


@pytest.mark.parametrize(("given", "status"), [("0.5", "stable"), ("0", "drift"), ("1", "stable")])
def test_the_share_that_is_put_up_with_can_be_said(
    given: str, status: str, model: Path, tmp_path: Path
) -> None:
    lines = records(rows(1000, 1)) + refused(300, KIND)
    assert look(model, tmp_path, lines, "--max-refused", given)[1].status == status


def test_all_refused_is_drift_although_no_row_can_be_compared(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = look(model, tmp_path, refused(500, KIND, AGE))
    assert (code, found.status, found.level, found.rows.current) == (1, "drift", "large", 0)
    assert "AGE 500" in found.reasons[0]
    assert "wanted 200 rows on each side, got 0" in found.reasons[1]
    assert "steady" not in capsys.readouterr().out


def test_too_few_asked_cannot_tell(model: Path, tmp_path: Path) -> None:
    code, found = look(model, tmp_path, records(rows(20, 1)) + refused(30, KIND))
    assert (code, found.status) == (2, "unknown")


def test_only_what_this_model_refused_for_what_was_sent_counts(model: Path, tmp_path: Path) -> None:
    lines = records(rows(1000, 1)) + refused(300, status=400) + refused(300, KIND, version="2")
    _, found = look(model, tmp_path, [*lines, *refused(5, KIND)])
    assert found.status == "stable"
    assert found.refused is not None
    assert (found.refused.requests, found.refused.asked) == (5, 1005)
    assert found.refused.others == {"400": 300}
    assert found.rows.passed_over == {"refused": 300, "model tiny 2": 300}


def test_answers_whose_rows_are_not_kept_were_asked_all_the_same(
    model: Path, tmp_path: Path
) -> None:
    """With CREDIT_LOG_FEATURES=none no row can be compared, and 3 of 1,003 are no third."""
    lines = records(rows(1000, 1), row=None)
    _, found = look(model, tmp_path, lines + refused(3, KIND))
    assert found.refused is not None
    assert (found.refused.asked, found.refused.drifted) == (1003, False)


def test_a_file_of_rows_does_not_know_who_was_refused(model: Path, tmp_path: Path) -> None:
    rows(500, 1).assign(KIND="car").to_csv(tmp_path / "now.csv", index=False)
    out = ["--out", str(tmp_path), "--no-report"]
    main(["drift", "--model", str(model), "--current", str(tmp_path / "now.csv"), *out])
    assert output.read(tmp_path).refused is None
    assert "refused" not in (tmp_path / "drift.prom").read_text()


def test_faults_without_end_take_no_memory_without_end() -> None:
    from monitoring.log.batch import to_batch
    from monitoring.log.record import decode_with_rest
    from monitoring.log.segment import Segment

    tally = RefusedTally()
    for first in range(0, 6000, 500):
        lines = [
            refused(1, {"feature": f"x{i}", "wanted": "w" * 5000}, KIND)[0]
            for i in range(first, first + 500)
        ]
        tally.add(to_batch([decode_with_rest(each) for each in lines], Segment(Path("s"))))
    found = judge(tally, 1000, 0.01, Settings())
    assert found.features["KIND"] == 6000
    assert len(found.faults) <= 20
    assert max(len(fault.wanted) for fault in found.faults) <= 200
    assert len(tally.faults) <= 2001
