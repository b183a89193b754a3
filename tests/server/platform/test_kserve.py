"""KServe's defaults; the protocol itself is tested with the Open Inference Protocol."""

from pathlib import Path

import pytest

from server.cli import chosen
from server.platform import kserve


def test_the_model_is_where_kserve_puts_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kserve, "MODEL", tmp_path)
    found = chosen({"platform": "kserve"})
    assert (found.model, found.port, found.drain_delay_seconds) == (tmp_path, 8080, 5.0)


def test_variables_and_flags_win_over_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDIT_PORT", "9000")
    assert chosen({"platform": "kserve", "model": "models"}).port == 9000
    assert chosen({"platform": "kserve", "model": "models", "port": 9001}).port == 9001
