"""The journal: segments by size and by day, synced in every mode, locked until they are done."""

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from monitoring.log.segment import Segment as Read
from server.record.failures import Failures
from server.record.journal import Journal
from server.record.segment import Segment
from server.record.sync import Always, Interval, Never, Sync
from tests.conftest import ROOT
from tests.waiting import until

MIDNIGHT = 20_000 * 86_400.0
MODES: list[Callable[[], Sync]] = [Never, Always, lambda: Interval(0.01)]


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("score-*.jsonl"), key=lambda path: int(path.stem.split("-")[-1]))


def test_a_new_day_begins_a_new_segment(tmp_path: Path) -> None:
    journal = Journal(tmp_path, Never(), 1_000_000)
    for seconds in (-2.0, -0.5, 0.0, 3.0):
        journal.write(b'{"at":%.1f}\n' % seconds, MIDNIGHT + seconds)
    journal.close()
    said = [path.read_text() for path in segments(tmp_path)]
    assert said == ['{"at":-2.0}\n{"at":-0.5}\n', '{"at":0.0}\n{"at":3.0}\n']


def test_a_clock_set_back_ends_the_segment_of_a_day_that_is_not_yet(tmp_path: Path) -> None:
    journal = Journal(tmp_path, Never(), 1_000_000)
    for seconds in (5.0, 1.0, -3.0, -2.0):
        journal.write(b'{"at":%.1f}\n' % seconds, MIDNIGHT + seconds)
    journal.close()
    said = [path.read_text() for path in segments(tmp_path)]
    assert said == ['{"at":5.0}\n{"at":1.0}\n', '{"at":-3.0}\n{"at":-2.0}\n']


@pytest.mark.parametrize("back", [0.0, 0.5, 3600.0, 80_000.0, 86_400.0 * 365])
def test_a_deleted_segment_is_missed_whatever_the_clock_says(tmp_path: Path, back: float) -> None:
    """Set back by an hour, the look for it used to come an hour late."""
    journal, now = Journal(tmp_path, Never(), 1_000_000), MIDNIGHT + 80_001.0
    journal.write(b"lost\n", now)
    segments(tmp_path)[0].unlink()
    began = time.monotonic()
    while not segments(tmp_path):
        passed = time.monotonic() - began
        assert passed < 20
        journal.write(b"line\n", now - back + passed)
        time.sleep(0.05)
    journal.close()
    assert "line" in segments(tmp_path)[0].read_text()


def test_a_look_for_room_leaves_the_size_alone(tmp_path: Path) -> None:
    """A follower would read zeros where it was longer, and then stand beyond the end."""
    journal = Journal(tmp_path, Never(), 1_000_000)
    journal.write(b"line\n", time.time())
    [file] = segments(tmp_path)
    seen, done = set(), threading.Event()

    def follow() -> None:
        while not done.is_set():
            seen.add(file.stat().st_size)

    follower = threading.Thread(target=follow)
    follower.start()
    for _ in range(3000):
        assert journal.has_room()
    done.set()
    follower.join()
    assert seen == {5}
    assert file.stat().st_blocks * 512 < 1 << 16  # what was reserved is given back
    journal.close()


@pytest.mark.parametrize("sync", MODES)
def test_a_segment_is_released_when_the_next_one_has_begun(
    tmp_path: Path, sync: Callable[[], Sync]
) -> None:
    journal = Journal(tmp_path, sync(), segment_bytes=10)
    for number in range(3):
        journal.write(b'{"a long line":%d}\n' % number, time.time())
    give_up = time.monotonic() + 20
    while [Read(path).is_closed() for path in segments(tmp_path)] != [True, True, False]:
        assert time.monotonic() < give_up
    journal.close()
    assert all(Read(path).is_closed() for path in segments(tmp_path))


def test_where_no_new_segment_can_be_made_the_old_one_grows(tmp_path: Path) -> None:
    """In a process of its own, which may open no further file."""
    code = (
        "import resource, sys, time; from pathlib import Path;"
        "from server.record.journal import Journal;"
        "from server.record.sync import Never; j = Journal(Path(sys.argv[1]), Never(), 10);"
        "j.write(b'a long line\\n', time.time());"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3));"
        "j.write(b'and another\\n', time.time())"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=True)
    [path] = segments(tmp_path)
    assert path.read_text() == "a long line\nand another\n"


def test_a_line_cut_short_is_taken_back(tmp_path: Path) -> None:
    """The limit on a file's size lets a write in part through, as a disk about to be full does."""
    journal = Journal(tmp_path, Never(), 1_000_000)
    journal.write(b'{"whole":1}\n', time.time())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, before[1]))
    try:
        with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
            journal.write(b'{"cut short":1}\n', time.time())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert segments(tmp_path)[0].read_text() == '{"whole":1}\n'
    journal.close()


def test_asking_for_room_leaves_no_trace(tmp_path: Path) -> None:
    journal = Journal(tmp_path, Never(), 1_000_000)
    journal.write(b"{}\n", time.time())
    assert journal.has_room()
    assert segments(tmp_path)[0].read_bytes() == b"{}\n"
    journal.write(b"{}\n", time.time())
    assert segments(tmp_path)[0].read_bytes() == b"{}\n{}\n"
    journal.close()


def test_the_alarm_speaks_once_a_minute_and_counts_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = [0.0]
    failures = Failures(clock=lambda: now[0])
    for second in range(130):
        now[0] = float(second)
        failures.failed(OSError(errno.ENOSPC, "No space left on device"), requests=1, answered=2)
    failures.recovered()
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["requests"] for line in said] == [1, 61, 121, 130]
    assert said[-1]["event"] == "prediction log written again"
    assert said[-1]["answers_unrecorded"] == 260
    assert said[-1]["after_s"] == 129.0


def test_what_is_synced_leaves_the_page_cache(tmp_path: Path) -> None:
    """A log nobody here reads again would else fill the machine's memory."""
    segment = Segment(tmp_path, 0)
    segment.append(b"x" * 1_000_000 + b"\n")
    before = cached(segment.path)
    segment.sync()
    segment.uncache()
    assert cached(segment.path) < before / 10
    segment.close()


def test_what_is_appended_is_written_in_steps_before_it_is_synced(tmp_path: Path) -> None:
    """So that the disk never has much to take at once; what is written leaves the page cache."""
    journal = Journal(tmp_path, Interval(3600.0), 1 << 30)

    def has_left() -> bool:
        journal.write(b"x" * 300_000 + b"\n", time.time())
        [file] = segments(tmp_path)
        return cached(file) < file.stat().st_size / 2

    until(has_left)
    journal.close()


def cached(file: Path) -> int:
    """Return the bytes of a file in memory; skips where that cannot be told or cannot change."""
    if shutil.which("fincore") is None:
        pytest.skip("wants fincore of util-linux")
    command = ["fincore", "--bytes", "--noheadings", "--output", "RES", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kind = ["stat", "--file-system", "--format", "%T", str(file)]
    if subprocess.run(kind, capture_output=True, text=True, check=True).stdout.strip() == "tmpfs":
        pytest.skip("a tmpfs is nothing but memory")
    return int(done.stdout)
