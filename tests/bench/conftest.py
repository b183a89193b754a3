"""A small seeded model and its bundles, trained and converted once for all tests of the bench."""

import pytest

from bench.workload import models

SIZE = models.Size(20, 7, 60)


@pytest.fixture(scope="session")
def workload(tmp_path_factory: pytest.TempPathFactory) -> models.Workload:
    return models.build(SIZE, tmp_path_factory.mktemp("bench"))
