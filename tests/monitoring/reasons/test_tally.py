"""Counting stays within bounds whatever a log holds."""

from pathlib import Path

from monitoring.log.batch import to_batch
from monitoring.log.record import decode_with_rest
from monitoring.log.segment import Segment
from monitoring.reasons.segments import MOST_SEGMENTS, Segments
from monitoring.reasons.tally import MOST_CODES, OTHERS, Tallies, period
from tests.record_lines import line, record


def test_codes_and_segments_without_end_are_counted_together() -> None:
    count = MOST_CODES + 200
    lines = [
        line(record(i, decision="refuse", reasons_version="v", reasons=[[f"c{i}", 1.0]]))
        for i in range(count)
    ]
    batch = to_batch([decode_with_rest(each) for each in lines], Segment(Path("s")))
    tallies = Tallies(period("day"), Segments("LIMIT_BAL"))
    tallies.add(batch)
    [days], [segments] = (list(each.values()) for each in tallies.by)
    [day] = days.values()
    assert len(day.named) == MOST_CODES + 1
    assert day.of_code(OTHERS) == 200
    assert len(segments) == MOST_SEGMENTS + 1
    assert sum(tally.rows for tally in segments.values()) == count
