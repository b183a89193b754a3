"""What deploy/ says, read as its tools read it."""

import shutil
import subprocess
from pathlib import Path
from string import Template
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).parents[1] / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
COMPOSE = DEPLOY / "compose"


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


def composed() -> dict[str, Any]:
    """Return the compose file with the variables of .env filled in; a missing one is a KeyError."""
    lines = (COMPOSE / ".env").read_text().splitlines()
    variables = dict(each.split("=", 1) for each in lines if each and not each.startswith("#"))
    text = Template((COMPOSE / "compose.yaml").read_text()).substitute(variables)
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def pods() -> list[dict[str, Any]]:
    """Return the pod specs that run the server: Kubernetes' and KServe's."""
    stateful = documents(KUBERNETES / "server.yaml")[0]["spec"]["template"]["spec"]
    runtime = documents(DEPLOY / "kserve" / "runtime.yaml")[0]["spec"]
    return [stateful, runtime]


def kustomized(folder: Path) -> dict[str, Any]:
    """Return what kubectl makes of a folder, by kind."""
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl")
    command = ["kubectl", "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {each["kind"]: each for each in yaml.safe_load_all(done.stdout)}
