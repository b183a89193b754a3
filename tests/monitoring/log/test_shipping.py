"""The shippers' configurations: whole, and matching what the server writes."""

import fnmatch
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.record_lines import BEGIN, stem_of

SHIPPING = ROOT / "deploy" / "shipping"
SEGMENT = f"{stem_of(BEGIN)}.jsonl"


def load(name: str) -> Any:
    return yaml.safe_load((SHIPPING / name).read_text())


def test_fluent_bit_takes_every_segment_and_sends_the_line_alone() -> None:
    pipeline = load("fluent-bit.yaml")["pipeline"]
    [source], [sink] = pipeline["inputs"], pipeline["outputs"]
    assert sink["match"] == source["tag"]
    assert fnmatch.fnmatch(SEGMENT, Path(source["path"]).name)
    assert source["read_from_head"] is True
    assert (sink["format"], sink["raw_log_key"]) == ("raw", "log")


def test_vector_takes_every_segment_and_sends_the_line_alone() -> None:
    config = load("vector.yaml")
    [(name, source)], [sink] = config["sources"].items(), config["sinks"].values()
    assert sink["inputs"] == [name]
    assert all(fnmatch.fnmatch(SEGMENT, Path(pattern).name) for pattern in source["include"])
    assert source["read_from"] == "beginning"
    assert sink["encoding"]["codec"] == "text"
    assert sink["buffer"]["when_full"] == "block"


@pytest.mark.parametrize(
    "command",
    [
        ("fluent-bit", "--dry-run", "--config", "fluent-bit.yaml"),
        ("vector", "validate", "--no-environment", "vector.yaml"),
    ],
)
def test_the_shipper_itself_accepts_its_configuration(command: tuple[str, ...]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=SHIPPING, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
