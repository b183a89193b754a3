"""The ready files of the platforms: what they set is what the server takes, and answers."""

import json
import re
from pathlib import Path

import httpx
import pytest

from server.cli import chosen
from server.platform.sagemaker import KNOWN
from tests.conftest import Serve
from tests.manifests import DEPLOY, documents
from tests.server.platform.contract import up

DEPLOYMENT = documents(DEPLOY / "azureml" / "deployment.yaml")[0]
MODELS = DEPLOY.parent / "models" / "credit-express"
VARIABLE = re.compile(r"(CREDIT_[A-Z_]+)=(\S+)")


def variables(platform: str) -> dict[str, str]:
    """Return what a platform's Dockerfile sets."""
    return dict(VARIABLE.findall((DEPLOY / platform / "Dockerfile").read_text()))


@pytest.mark.parametrize(
    ("platform", "port"), [("sagemaker", 8080), ("vertex", 8080), ("mlflow", 5000)]
)
def test_an_image_sets_its_platform_and_exposes_its_port(
    platform: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The health check of the image reads CREDIT_PORT."""
    for name, value in {"CREDIT_MODEL": "/models", **variables(platform)}.items():
        monkeypatch.setenv(name, value)
    found = chosen({})
    assert (found.platform, found.port) == (platform, port)
    assert variables(platform)["CREDIT_PORT"] == str(port)
    assert f"EXPOSE {port}\n" in (DEPLOY / platform / "Dockerfile").read_text()


def test_the_ports_in_vertexs_command_are_the_defaults() -> None:
    text = (DEPLOY / "vertex" / "Dockerfile").read_text()
    assert "--container-health-route=/health --container-predict-route=/predict" in text
    assert "--container-ports=8080" in text


def test_azures_deployment_names_routes_that_answer(serve: Serve, tmp_path: Path) -> None:
    routes = DEPLOYMENT["environment"]["inference_config"]
    assert {route["port"] for route in routes.values()} == {5001}
    assert DEPLOYMENT["environment_variables"] == {
        "CREDIT_PLATFORM": "azureml",
        "CREDIT_PORT": "5001",
    }
    applicant = json.loads((MODELS / "applicant.json").read_text())
    with up(serve, MODELS, tmp_path, "azureml") as running:
        for name in ("liveness_route", "readiness_route"):
            assert httpx.get(running.url + routes[name]["path"]).status_code == 200
        path = running.url + routes["scoring_route"]["path"]
        assert httpx.post(path, json={"input_data": [applicant]}).status_code == 200


def test_the_model_of_azures_deployment_is_there() -> None:
    assert (DEPLOY / "azureml" / DEPLOYMENT["model"]["path"]).resolve() == MODELS


def test_the_transform_job_sends_and_takes_formats_that_are_spoken() -> None:
    job = json.loads((DEPLOY / "sagemaker" / "transform.json").read_text())
    assert job["TransformInput"]["ContentType"].encode() in KNOWN
    assert job["TransformOutput"]["Accept"].encode() in KNOWN
    assert (job["TransformInput"]["SplitType"], job["TransformOutput"]["AssembleWith"]) == (
        "Line",
        "Line",
    )
