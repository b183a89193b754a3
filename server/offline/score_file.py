"""`python -m server score`: score a file of rows, or a folder of such files, with a bundle."""

import json
import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from .batches import Said, batches_with, rows_of, schema_of, schema_with, shortened
from .columns import Faults
from .progress import Progress
from .scorer import Scorer, beside
from .table_file import (
    ARROW,
    CSV,
    PARQUET,
    TableError,
    has_suffix,
    other_separator,
    partition,
    parts,
    told,
)
from .write import Write, behind, writing

OnError = Literal["refuse", "skip", "column"]
ERROR = pa.schema([("error", pa.string())])
DECIMAL_COMMA = re.compile(r'a finite number, got "[+-]?\d*,\d+"$')
NOTE, REFUSED = "_scored.json", "_refused"
"""Readers of a folder take names that begin with _ for no tables."""


class Ways(msgspec.Struct, frozen=True):
    """What happens to a row that the server would refuse, and how many threads there are.

    With `resume`, files that are there stay. `part` is (i, n): of a folder's files every n-th, from
    the i-th on. `separator` is that of a CSV.
    """

    on_error: OnError = "refuse"
    threads: int = 1
    resume: bool = False
    part: tuple[int, int] = (0, 1)
    separator: str = ","


def score_file(scorer: Scorer, source: Path, out: Path, ways: Ways) -> None:
    """Score a file into a file, or a folder of files into a folder of the same names.

    `out` holds every column of `source` as it is, and `scorer.added` behind them. Raises TableError
    that names the file, and the row where it is one.
    """
    pa.set_cpu_count(ways.threads)  # of those that read
    files = parts(source)
    into_folder = source.is_dir() and not has_suffix(out, (*PARQUET, *ARROW, *CSV))
    if not into_folder and (ways.resume or ways.part != (0, 1)):
        wanting = "--resume wants" if ways.resume else "--part wants"
        raise TableError(f"{out}: {wanting} a folder of files to score into a folder")
    first, count = ways.part
    files = files[first::count]
    progress, aside = Progress(rows_of(files)), out.with_name(f"refused-{out.name}")
    if into_folder:
        aside = out / REFUSED
        begin(scorer, out, ways)
        refused = score_files(scorer, source, files, out, ways, progress)
    else:
        if source.is_dir() or ways.on_error == "skip":
            check_apart(source, out, aside)
        refused = Run(scorer, ways, progress, source, into_folder).score(files, out, aside)
    progress.end(refused, aside if ways.on_error == "skip" else None)


def score_files(
    scorer: Scorer, source: Path, files: list[Path], out: Path, ways: Ways, progress: Progress
) -> int:
    """Score each file into one of the same name, several at once; return how many rows refused.

    Files share nothing, so they keep more cores busy than the batches of one file do.
    """
    names = [file.relative_to(source) for file in files]
    due = [name for name in names if not (ways.resume and is_newer(out / name, source / name))]
    progress.parts_kept = len(names) - len(due)
    at_once = max(min(ways.threads, len(due)), 1)
    each = msgspec.structs.replace(ways, threads=ways.threads // at_once)
    run = Run(scorer, each, progress, source, into_folder=True)

    def score(name: Path) -> int:
        return run.score([source / name], out / name, out / REFUSED / name)

    with ThreadPoolExecutor(at_once) as pool:
        try:
            return sum(pool.map(score, due))
        finally:
            run.is_over = True  # after an error or Ctrl-C, the others do not go on to their end


def is_newer(scored: Path, file: Path) -> bool:
    """Whether a file was scored after it was last written; raises TableError."""
    if not scored.exists():
        return False
    with told(file):
        return scored.stat().st_mtime_ns >= file.stat().st_mtime_ns


def check_apart(source: Path, out: Path, refused: Path) -> None:
    """Raise TableError if a file would be written into the folder, or over the file, that is read.

    A file may be scored in place.
    """
    file, whole = (out if source.is_dir() else refused), source.resolve()
    found = file.resolve()
    if found == whole or (source.is_dir() and found.is_relative_to(whole)):
        raise TableError(f"{file}: wanted a file outside {source}, which is what is scored")


def other_columns(found: pa.Schema, wanted: pa.Schema, first: Path) -> str:
    """Say how the columns of a file differ from those of the first one."""
    pairs = zip_longest(map(column, wanted), map(column, found), fillvalue="none")
    was, now = next((pair for pair in pairs if pair[0] != pair[1]), ("", ""))
    return f"all parts go into one file: wanted {was} as in {first.name}, got {now}"


def column(field: pa.Field) -> str:
    """Show a column's name and type."""
    return f"{field.name} ({field.type}{'' if field.nullable else ', not null'})"


def begin(scorer: Scorer, out: Path, ways: Ways) -> None:
    """Make the folder and note how it is scored; raises TableError if it holds something else."""
    file = out / NOTE
    of_rows = {"--on-error": ways.on_error, "--separator": ways.separator}
    note = {"model": scorer.tag, "ways": {**of_rows, **scorer.ways}}
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()) and not (ways.resume and file.exists()):
            raise TableError(f"{out}: wanted an empty folder, or --resume and one begun before")
        said = file.read_bytes() if file.exists() else b""  # nothing where the disk was full
        if said and (before := json.loads(said)) != note:
            raise TableError(f"{out}: {begun_otherwise(before, note)}")
        write_whole(file, f"{json.dumps(note)}\n")
        if ways.on_error == "skip":
            (out / REFUSED).mkdir(exist_ok=True)
    except OSError as error:
        raise TableError(f"{out}: {error.strerror}") from error


def write_whole(file: Path, text: str) -> None:
    """Write a file that others, who score other parts of the folder, read whole or not at all."""
    beside = file.with_name(f".{file.name}-{uuid4().hex}")
    beside.write_text(text)
    beside.replace(file)


def looks_otherwise(schema: pa.Schema, file: Path) -> str:
    """Return a remark on a CSV that was read as one column."""
    found = other_separator(schema.names) if has_suffix(file, CSV) else None
    option = {"\t": "tab"}.get(found or "", f"'{found}'")
    return f"; it looks like {found!r}-separated: --separator {option}" if found else ""


def comma_hint(fault: str) -> str:
    """Return a remark on a fault that a decimal comma may explain."""
    return "; if that is a decimal comma: --decimal ," if DECIMAL_COMMA.search(fault) else ""


def begun_otherwise(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Say what differs from the call that began a folder."""
    was, wanted = ({**note["model"], **note["ways"]} for note in (before, now))
    pairs = ((key, was.get(key) or "none", value or "none") for key, value in wanted.items())
    changed = [f"{key} {old}, got {new}" for key, old, new in pairs if old != new]
    return f"was begun with {', '.join(changed)}; wanted the same, or another folder"


class Run:
    """One call of the command: a scorer and its ways; any thread may score files with it."""

    def __init__(
        self, scorer: Scorer, ways: Ways, progress: Progress, source: Path, into_folder: bool
    ) -> None:
        self._scorer, self._ways, self._progress = scorer, ways, progress
        self._source, self._into_folder = source, into_folder
        self.is_over = False

    def score(self, files: list[Path], out: Path, aside: Path) -> int:
        """Score files of the same columns into `out`; with `skip`, faulty rows go to `aside`.

        Returns how many rows were faulty.
        """
        schema = self._schema(files[0])
        try:
            self._scorer.check(schema)
        except TableError as error:
            hint = looks_otherwise(schema, files[0])
            raise TableError(f"{files[0]}: {error}{hint}") from error
        added = self._scorer.added
        if self._ways.on_error == "column":
            added = extended(added, ERROR)
        with ExitStack() as stack:
            shorter, told = shortened(files[0]), self._told_by_folders(files[0])
            if shorter is not None:
                shorter += [*self._said(files[0])]
                shorter += [field.name for field in added if field.type == pa.string()]
            whole = extended(schema, added)
            write = stack.enter_context(writing_without(told, out, whole, shorter))
            if self._ways.threads > 1:
                write = stack.enter_context(behind(write))
            leave_out = None
            if self._ways.on_error == "skip":
                schema_refused = extended(schema, ERROR)
                leave_out = stack.enter_context(writing_without(told, aside, schema_refused))
            refused = 0
            for file in files:
                found = self._schema(file)
                if found != schema:
                    raise TableError(f"{file}: {other_columns(found, schema, files[0])}")
                refused += self._score_rows(file, write, leave_out)
        return refused

    def _said(self, file: Path) -> Said:
        return partition(self._source, file) if self._source.is_dir() else {}

    def _told_by_folders(self, file: Path) -> list[str]:
        """Return the columns that the names of the folders of `out` tell again."""
        own = schema_of(file, self._ways.separator).names
        return [name for name in self._said(file) if self._into_folder and name not in own]

    def _schema(self, file: Path) -> pa.Schema:
        return schema_with(file, self._said(file), self._ways.separator)

    def _score_rows(self, file: Path, write: Write, leave_out: Write | None) -> int:
        first, refused = 1, 0
        batches = batches_with(file, self._said(file), self._ways.separator)
        for batch, scores, faults in self._in_order(batches):
            if self.is_over:
                raise CancelledError
            if faults and self._ways.on_error == "refuse":
                row = min(faults)
                said = f"{faults[row]}{comma_hint(faults[row])}"
                raise TableError(f"{file}: row {first + row}: {said}")
            write(self._kept(batch, scores, faults, leave_out))
            first += batch.num_rows
            refused += len(faults)
            self._progress.add(batch.num_rows)
        return refused

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


@contextmanager
def writing_without(
    names: Collection[str], file: Path, schema: pa.Schema, shortened: Sequence[str] | None = None
) -> Iterator[Write]:
    """Open `file` for batches of this schema, as `writing` does; some columns are left out."""
    places = [place for place, name in enumerate(schema.names) if name not in names]
    kept = pa.schema([schema.field(place) for place in places], metadata=schema.metadata)
    with writing(file, kept, shortened) as write:
        yield (lambda batch: write(batch.select(places))) if names else write


def extended(schema: pa.Schema, more: pa.Schema) -> pa.Schema:
    """Return a schema with the fields of another behind its own."""
    return pa.schema([*schema, *more], metadata=schema.metadata)
