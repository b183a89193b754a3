"""`python -m server score`: score a file of rows, or a folder of such files, with a bundle."""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from .batches import batches_of, rows_of, schema_of, shortened
from .columns import Faults
from .progress import Progress
from .scorer import Scorer, beside
from .table_file import ARROW, CSV, PARQUET, TableError, has_suffix, parts
from .write import Write, behind, writing

OnError = Literal["refuse", "skip", "column"]
ERROR = pa.schema([("error", pa.string())])
NOTE, REFUSED = "_scored.json", "_refused"
"""Readers of a folder take names that begin with _ for no tables."""


class Ways(msgspec.Struct, frozen=True):
    """What happens to a row that the server would refuse, how many threads, and where to begin."""

    on_error: OnError = "refuse"
    threads: int = 1
    resume: bool = False


def score_file(scorer: Scorer, source: Path, out: Path, ways: Ways) -> None:
    """Score a file into a file, or a folder of files into a folder of the same names.

    `out` holds every column of `source` as it is, and `scorer.added` behind them. Raises TableError
    that names the file, and the row where it is one.
    """
    pa.set_cpu_count(ways.threads)  # of those that read
    files = parts(source)
    into_folder = source.is_dir() and not has_suffix(out, (*PARQUET, *ARROW, *CSV))
    if ways.resume and not into_folder:
        raise TableError(f"{out}: --resume wants a folder of files to score into a folder")
    run = Run(scorer, ways, Progress(rows_of(files)))
    if into_folder:
        begin(scorer, out, ways)
        for file in files:
            if ways.resume and (out / file.name).exists():
                run.progress.parts_kept += 1
            else:
                run.score([file], out / file.name, out / REFUSED / file.name)
    else:
        run.score(files, out, out.with_name(f"refused-{out.name}"))
    run.progress.end(run.refused)


def other_columns(found: pa.Schema, wanted: pa.Schema, first: Path) -> str:
    """Say how the columns of a file differ from those of the first one."""
    pairs = zip_longest(wanted, found)
    was, now = next((pair for pair in pairs if pair[0] != pair[1]), (None, None))
    return f"all parts go into one file: wanted {column(was)} as in {first.name}, got {column(now)}"


def column(field: pa.Field | None) -> str:
    """Show a column's name and type."""
    if field is None:
        return "none"
    return f"{field.name} ({field.type}{'' if field.nullable else ', not null'})"


def begin(scorer: Scorer, out: Path, ways: Ways) -> None:
    """Make the folder and note how it is scored; raises TableError if it holds something else."""
    file = out / NOTE
    note = {"model": scorer.tag, "ways": {"--on-error": ways.on_error, **scorer.ways}}
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()) and not (ways.resume and file.exists()):
            raise TableError(f"{out}: wanted an empty folder, or --resume and one begun before")
        said = file.read_bytes() if file.exists() else b""  # nothing where the disk was full
        if said and (before := json.loads(said)) != note:
            raise TableError(f"{out}: {begun_otherwise(before, note)}")
        file.write_text(f"{json.dumps(note)}\n")
        if ways.on_error == "skip":
            (out / REFUSED).mkdir(exist_ok=True)
    except OSError as error:
        raise TableError(f"{out}: {error.strerror}") from error


def begun_otherwise(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Say what differs from the call that began a folder."""
    was, wanted = ({**note["model"], **note["ways"]} for note in (before, now))
    changed = [f"{key} {was[key]}, got {wanted[key]}" for key in wanted if was[key] != wanted[key]]
    return f"was begun with {', '.join(changed)}; wanted the same, or another folder"


class Run:
    """One call of the command: a scorer, its ways, and how many rows there were."""

    def __init__(self, scorer: Scorer, ways: Ways, progress: Progress) -> None:
        self._scorer, self._ways, self.progress = scorer, ways, progress
        self.refused = 0

    def score(self, files: list[Path], out: Path, refused: Path) -> None:
        """Score files of the same columns into `out`; with `skip`, faulty rows go to `refused`."""
        schema = schema_of(files[0])
        try:
            self._scorer.check(schema)
        except TableError as error:
            raise TableError(f"{files[0]}: {error}") from error
        added = self._scorer.added
        if self._ways.on_error == "column":
            added = extended(added, ERROR)
        with ExitStack() as stack:
            shorter = shortened(files[0])
            if shorter is not None:
                shorter += [field.name for field in added if field.type == pa.string()]
            write = stack.enter_context(writing(out, extended(schema, added), shorter))
            if self._ways.threads > 1:
                write = stack.enter_context(behind(write))
            leave_out = None
            if self._ways.on_error == "skip":
                leave_out = stack.enter_context(writing(refused, extended(schema, ERROR)))
            for file in files:
                if schema_of(file) != schema:
                    raise TableError(f"{file}: {other_columns(schema_of(file), schema, files[0])}")
                self._score_rows(file, write, leave_out)

    def _score_rows(self, file: Path, write: Write, leave_out: Write | None) -> None:
        first = 1
        for batch, scores, faults in self._in_order(batches_of(file)):
            if faults and self._ways.on_error == "refuse":
                row = min(faults)
                raise TableError(f"{file}: row {first + row}: {faults[row]}")
            write(self._kept(batch, scores, faults, leave_out))
            first += batch.num_rows
            self.refused += len(faults)
            self.progress.add(batch.num_rows)

    def _kept(
        self, batch: pa.RecordBatch, scores: pa.RecordBatch, faults: Faults, leave_out: Write | None
    ) -> pa.RecordBatch:
        if not faults and self._ways.on_error != "column":
            return beside(batch, scores)
        texts = pa.array(map(faults.get, range(batch.num_rows)), pa.string())
        errors = pa.RecordBatch.from_arrays([texts], schema=ERROR)
        if self._ways.on_error == "column":
            return beside(beside(batch, scores), errors)
        scored = beside(batch, scores)
        if leave_out is None:
            return scored
        good = pc.is_null(texts)
        leave_out(beside(batch, errors).filter(pc.invert(good)))
        return scored.filter(good)

    def _in_order(
        self, batches: Iterable[pa.RecordBatch]
    ) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch, Faults]]:
        """Yield every batch with its scores and faults, as they came, scored on all threads."""
        if self._ways.threads == 1:
            yield from ((batch, *self._scorer.scores(batch)) for batch in batches)
            return
        with ThreadPoolExecutor(self._ways.threads) as pool:
            waiting: deque[tuple[pa.RecordBatch, Future[tuple[pa.RecordBatch, Faults]]]] = deque()
            for batch in batches:
                waiting.append((batch, pool.submit(self._scorer.scores, batch)))
                if len(waiting) > self._ways.threads:
                    yield popped(waiting)
            while waiting:
                yield popped(waiting)


def popped(
    waiting: "deque[tuple[pa.RecordBatch, Future[tuple[pa.RecordBatch, Faults]]]]",
) -> tuple[pa.RecordBatch, pa.RecordBatch, Faults]:
    """Take the batch that has waited longest, and wait for its scores."""
    batch, scores = waiting.popleft()
    return batch, *scores.result()


def extended(schema: pa.Schema, more: pa.Schema) -> pa.Schema:
    """Return a schema with the fields of another behind its own."""
    return pa.schema([*schema, *more], metadata=schema.metadata)
