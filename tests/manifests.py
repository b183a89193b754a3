"""What deploy/ says, read as its tools read it."""

from pathlib import Path
from string import Template
from typing import Any

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
