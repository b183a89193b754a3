"""A small seeded model and its bundles, trained and converted once for all tests of the bench."""

import pytest

from bench.workload import models
from tests.conftest import made_once

SIZE = models.Size(20, 7, 60)


@pytest.fixture(scope="session")
def workload(tmp_path_factory: pytest.TempPathFactory) -> models.Workload:
    with made_once(tmp_path_factory, "bench") as (folder, _):
        return models.build(SIZE, folder)
