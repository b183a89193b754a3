"""A damaged page of a Parquet file: every verb says, in one line, which file it is."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from monitoring.__main__ import main
from tests.drift_files import rows, write_bundle, write_log


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A log of two parts, one of whose pages of rows is damaged: (log, the damaged part)."""
    folder = tmp_path_factory.mktemp("damaged")
    write_bundle(folder / "models" / "tiny" / "1", rows(1000, 0))
    write_log(folder / "log", rows(300, 1))
    assert main(["log", "compact", str(folder / "log")]) == 0
    [part] = (folder / "log").rglob("*.parquet")
    whole = part.with_name(part.name.replace("-host-", "-another-"))
    whole.write_bytes(part.read_bytes())
    names = pq.read_schema(part).names
    column = pq.ParquetFile(part).metadata.row_group(0).column(names.index("row"))
    begin = column.dictionary_page_offset or column.data_page_offset
    with part.open("r+b") as file:
        file.seek(begin + column.total_compressed_size // 2)
        file.write(b"\x5a" * 64)
    return folder / "log", part


@pytest.mark.parametrize(
    "verb",
    [
        "log stats LOG", "log cat LOG", "log verify LOG", "log get request-232142-1 LOG",
        "log erase --request-id request-232142-1 LOG", "log export LOG --to csv --out OUT",
        "log export LOG --to parquet --out OUT", "replay --log LOG --models LOG",
        "drift --model MODELS/tiny/1 --log LOG",
    ],
)  # fmt: skip
def test_the_damaged_file_is_named(
    verb: str, damaged: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log, part = damaged
    places = {"LOG": str(log), "OUT": str(tmp_path / "out"), "MODELS": str(log.parent / "models")}
    words = verb.split()
    for mark, place in places.items():
        words = [word.replace(mark, place) for word in words]
    assert main(words) in {1, 2, 3}
    said = capfd.readouterr().err
    assert str(part) in said
    assert len(said.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
