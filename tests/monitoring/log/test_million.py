"""The long form, python -m tests.long.million_log, on a log of 8,000 records."""

import shutil
from pathlib import Path

import pytest

from bench.marks import filled
from tests.conftest import Trained, applicants
from tests.long.log_scale import DOCUMENT, NAME, committed, table
from tests.long.million_log import altered, check, write

pytestmark = pytest.mark.slow


def test_every_verb_agrees_on_what_four_workers_wrote(
    bundle: Path, trained: Trained, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.mkdir()
    write(bundle, applicants(trained.held_out), log, 8_000)
    shutil.copytree(log, tmp_path / "copy")
    check(bundle, log, 8_000)
    altered(bundle, tmp_path / "copy", 8_000)


def test_the_document_shows_the_committed_result() -> None:
    document = DOCUMENT.read_text()
    assert filled(document, NAME, table(committed())) == document
    records = committed().method["records"]
    assert isinstance(records, int)
    assert records >= 100_000
