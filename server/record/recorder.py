r"""The prediction record: one JSON line per scored applicant (docs/record.md).

The contract: `append` and `append_refused` only collect lines; `flush` gives all of them to the
journal in one write. If that fails, it raises OSError, and none of the answers may be sent; or, if
the settings say to answer anyway, it counts the failure in `failures`. After `flush` the recorder
is empty, whether it failed or not. Each record belongs to one `ModelTag`; a model asks once for the
writer of its lines.
"""

from collections.abc import Sequence
from time import time, time_ns

from msgspec import UNSET

from .. import settings
from ..bundle.tag import ModelTag
from ..scoring.faults import Fault
from . import privacy, sync
from .failures import Failures
from .journal import Journal
from .line import APPLICANT_BYTES, RefusedLine, encode, said, timestamp
from .line_writer import LineWriter

MEGABYTE = 1_000_000
# Recorded refusals: an applicant was sent but got no score.
RECORDED = frozenset({400, 413, 422})


class Recorder:
    """Collects the lines of requests answered together and writes them at once."""

    def __init__(
        self,
        journal: Journal,
        values: privacy.Values = privacy.everything,
        on_failure: settings.OnFailure = "refuse",
        refused: settings.Refused = "faults",
    ) -> None:
        self.journal = journal
        self.failures = Failures()
        self.records = 0
        self.bytes = 0
        self._values = values
        self._answers_anyway = on_failure == "answer"
        self._refused = refused
        self._lines: list[bytes] = []
        self._count = self._scored = 0

    def writer(self, tag: ModelTag, kind: str = "score") -> LineWriter:
        """Return the writer of one model's lines."""
        return LineWriter(tag, kind, self._values)

    def append(self, lines: bytes, count: int = 1) -> None:
        """Add the lines of so many scored applicants, without writing them yet."""
        self._lines.append(lines)
        self._count += count
        self._scored += count

    def append_refused(
        self, tag: ModelTag, request_id: str, status: int, faults: Sequence[Fault], body: bytes,
        index: int | None = None, more: int = 0,
    ) -> None:  # fmt: skip
        """Add the line of a request, or of one applicant of a batch, without a score.

        `more` faults are not in `faults`. The body is kept only if the settings say so: as text,
        since it may not be JSON, and only its beginning if it is long.
        """
        if self._refused == "never":
            return
        with_body = self._refused == "body" and self._values is privacy.everything
        line = RefusedLine(
            "refused", timestamp(time_ns()), request_id, UNSET if index is None else index,
            tag.name, tag.version, tag.sha256, tag.policy,
            status, tuple(said(fault, with_body) for fault in faults), more or UNSET,
            body[:APPLICANT_BYTES].decode(errors="replace") if with_body else UNSET,
            len(body) if with_body and len(body) > APPLICANT_BYTES else UNSET,
        )  # fmt: skip
        self._lines.append(encode(line))
        self._count += 1

    def flush(self, requests: int = 1) -> None:
        """Write the collected lines of `requests` requests.

        Raises OSError, unless answers are sent anyway.
        """
        lines, self._lines = self._lines, []
        count, scored = self._count, self._scored
        self._count = self._scored = 0
        if not lines:
            return
        try:
            self.bytes += self.journal.write(b"".join(lines), time())
        except OSError as error:
            self.failures.failed(error, requests, scored if self._answers_anyway else 0)
            if not self._answers_anyway:
                raise
            return
        self.records += count
        if self.failures.failing:
            self.failures.recovered()

    def close(self) -> None:
        """Close the segment."""
        self.journal.close()


def recorder(chosen: settings.Settings) -> Recorder:
    """Return the recorder of one process and start its threads. Raises privacy.SaltError."""
    syncing = sync.of(chosen.log_fsync, chosen.log_fsync_seconds)
    size = chosen.log_segment_mb * MEGABYTE
    journal = Journal(chosen.log_dir, syncing, size, chosen.log_chain)
    values = privacy.of(chosen.log_features, chosen.log_salt_file)
    return Recorder(journal, values, chosen.log_on_failure, chosen.log_refused)
