"""The log's folder: who may not write there is told what to do."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.record.segment import prepare
from server.settings import SettingsError

NOBODY = 65532


@pytest.fixture
def as_nobody() -> Iterator[None]:
    """Run the test as the image's user."""
    if os.geteuid():
        pytest.skip("only root can become another user")
    os.seteuid(NOBODY)
    yield
    os.seteuid(0)


@pytest.mark.usefixtures("as_nobody")
@pytest.mark.parametrize("folder", ["/usr", "/usr/not/there/yet"])
def test_a_folder_of_somebody_else_is_told_with_its_owner_and_what_mends_it(folder: str) -> None:
    with pytest.raises(SettingsError) as error:
        prepare(Path(folder))
    assert str(error.value) == (
        "log_dir: user 65532 may not write to /usr, which belongs to user 0: "
        "chown 65532 it (in a container: what is mounted there)"
    )


@pytest.mark.usefixtures("as_nobody")
def test_a_folder_of_ones_own_that_is_read_only_is_told_otherwise() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o500)
        with pytest.raises(SettingsError, match=r"^log_dir: user 65532 .*: chmod u\+rwx it$"):
            prepare(Path(folder) / "log")
