"""Each platform's contract in the image: as 65532, on a read-only root, started as it starts it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.container import IMAGE, LOCKED, Container, docker, free_port, skip_without_image
from tests.golden import bits, golden
from tests.manifests import DEPLOY, documents

MODELS = Path(__file__).parents[2] / "models" / "credit-express"
BUNDLE = MODELS / "1"
HEALTH, PREDICT = "/v1/endpoints/7/deployedModels/9", "/v1/endpoints/7/deployedModels/9:predict"


@pytest.fixture(scope="module", autouse=True)
def _image() -> None:
    skip_without_image()


@contextmanager
def built(platform: str, folder: Path) -> Iterator[str]:
    """Build a platform's image over the server's, with the folder as its context."""
    name = f"{IMAGE}-{platform}-{os.getpid()}"
    file = DEPLOY / platform / "Dockerfile"
    docker("build", f"--file={file}", f"--build-arg=IMAGE={IMAGE}", f"--tag={name}", str(folder))
    try:
        yield name
    finally:
        docker("rmi", "--force", name)


@contextmanager
def started(
    image: str, port: int, options: list[str], arguments: tuple[str, ...] = ()
) -> Iterator[Container]:
    """Run it locked down; it ends cleanly on SIGTERM."""
    command = ["run", "--detach", "--network=host", *LOCKED, *options, image, *arguments]
    up = Container(docker(*command), port)
    try:
        up.wait()
        yield up
        docker("kill", "--signal=TERM", up.name)
        assert docker("wait", up.name) == "0"
    finally:
        docker("rm", "--force", "--volumes", up.name)


def get(up: Container, path: str) -> int:
    return httpx.get(up.url + path).status_code


def exact(answers: list[dict[str, Any]]) -> None:
    """Compare with the bits that LightGBM gave for the golden rows."""
    assert bits([each["probability"] for each in answers]) == bits(golden(BUNDLE)[2])


def sent(up: Container, path: str, body: dict[str, Any]) -> Any:
    return httpx.post(up.url + path, json=body).raise_for_status().json()


def test_sagemaker_starts_it_with_serve_and_mounts_the_model() -> None:
    port, rows = free_port(), golden(BUNDLE)[0]
    mount = [f"--volume={MODELS}:/opt/ml/model:ro", f"--env=SAGEMAKER_BIND_TO_PORT={port}"]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    names = [*rows[0]]
    cells = [["" if row[name] is None else str(row[name]) for name in names] for row in rows]
    table = "\n".join(",".join(each) for each in [names, *cells])
    with (
        built("sagemaker", DEPLOY / "sagemaker") as image,
        started(image, port, mount, ("serve",)) as up,
    ):
        assert get(up, "/ping") == 200
        assert get(up, "/execution-parameters") == 200
        for kind, body in (("application/jsonlines", lines), ("text/csv", table)):
            head = {"content-type": kind, "accept": "application/json"}
            done = httpx.post(f"{up.url}/invocations", content=body, headers=head)
            exact(done.raise_for_status().json())


def test_vertex_tells_port_and_routes() -> None:
    port = free_port()
    told = {"AIP_HTTP_PORT": port, "AIP_HEALTH_ROUTE": HEALTH, "AIP_PREDICT_ROUTE": PREDICT}
    options = [f"--env={name}={value}" for name, value in told.items()]
    with built("vertex", MODELS) as image, started(image, port, options) as up:
        assert get(up, HEALTH) == 200
        exact(sent(up, PREDICT, {"instances": golden(BUNDLE)[0]})["predictions"])


def test_azure_mounts_the_model_and_asks_its_three_routes() -> None:
    deployment, port = documents(DEPLOY / "azureml" / "deployment.yaml")[0], free_port()
    folder = "/var/azureml-app/azureml-models/scores/1"
    told = {**deployment["environment_variables"], "CREDIT_PORT": port, "AZUREML_MODEL_DIR": folder}
    options = [f"--env={name}={value}" for name, value in told.items()]
    options.append(f"--volume={MODELS}:{folder}/credit-express:ro")
    routes = deployment["environment"]["inference_config"]
    with started(IMAGE, port, options) as up:
        assert get(up, routes["liveness_route"]["path"]) == 200
        assert get(up, routes["readiness_route"]["path"]) == 200
        exact(sent(up, routes["scoring_route"]["path"], {"input_data": golden(BUNDLE)[0]}))


def test_mlflows_clients_find_their_routes() -> None:
    port = free_port()
    with (
        built("mlflow", MODELS) as image,
        started(image, port, [f"--env=CREDIT_PORT={port}"]) as up,
    ):
        assert [get(up, path) for path in ("/ping", "/health", "/version")] == [200, 200, 200]
        exact(sent(up, "/invocations", {"dataframe_records": golden(BUNDLE)[0]})["predictions"])


def test_kserve_mounts_the_model_at_its_place() -> None:
    port = free_port()
    options = [
        "--env=CREDIT_PLATFORM=kserve", f"--env=CREDIT_PORT={port}",
        f"--volume={MODELS}:/mnt/models:ro",
    ]  # fmt: skip
    with started(IMAGE, port, options) as up:
        assert get(up, "/v2/health/ready") == 200
        rows = golden(BUNDLE)[0]
        inputs = [
            {"name": name, "shape": [len(rows)], "datatype": "FP64",
             "data": [row[name] for row in rows]}
            for name in rows[0]
        ]  # fmt: skip
        body = {"inputs": inputs, "parameters": {"categories": "values"}}
        outputs = sent(up, "/v2/models/credit-express/infer", body)["outputs"]
        found = {each["name"]: each["data"] for each in outputs}
        assert bits(found["prediction"]) == bits(golden(BUNDLE)[2])
