"""A bundle with reason codes, and the log of a real server that answered them in every way."""

from pathlib import Path

import pytest

from tests.conftest import Trained
from tests.monitoring.explained import Told, answered, reasoned_bundle


@pytest.fixture(scope="session")
def reasoned(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`trained` with reasons in two languages, a group, codes for what is missing, and referrals.

    A missing AGE is scored as 40: the row does not tell that it was missing.
    """
    return reasoned_bundle(trained, tmp_path_factory.mktemp("reasoned"))


@pytest.fixture(scope="session")
def told(reasoned: Path, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What a server answered, and its log."""
    return answered(reasoned, trained.held_out, tmp_path_factory.mktemp("told"))
