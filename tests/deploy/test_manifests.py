"""What deploy/ says: it starts this server, asks paths it answers, and names metrics it exports."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Running, Serve
from tests.manifests import DEPLOY, KUBERNETES, composed, documents, kustomized, pods

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "models" / "credit-express"
RULES = DEPLOY / "prometheus" / "rules.yml"
DASHBOARD = DEPLOY / "compose" / "grafana" / "dashboards" / "credit-express.json"


@pytest.fixture(scope="module", params=[0, 1], ids=["kubernetes", "kserve"])
def pod(request: pytest.FixtureRequest) -> dict[str, Any]:
    spec: dict[str, Any] = pods()[request.param]
    return spec


@pytest.fixture(scope="module")
def started(
    pod: dict[str, Any], serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """The server with a manifest's arguments; only what the cluster places is placed here."""
    placed = ("--model=", "--log-dir=", "--host=", "--port=")
    kept = [each for each in pod["containers"][0]["args"] if not each.startswith(placed)]
    delayed = "--drain-delay-seconds="
    assert any(each.startswith(delayed) for each in kept)
    kept = [f"{delayed}0.1" if each.startswith(delayed) else each for each in kept]
    folder = tmp_path_factory.mktemp("log")
    with serve(MODELS, folder, *kept) as up:
        yield up


def test_the_probes_ask_paths_that_answer(pod: dict[str, Any], started: Running) -> None:
    container = pod["containers"][0]
    probes = [value for name, value in container.items() if name.endswith("Probe")]
    assert len(probes) >= 2
    for probe in probes:
        assert httpx.get(started.url + probe["httpGet"]["path"]).status_code == 200


def test_the_compose_command_starts_the_server(serve: Serve, tmp_path: Path) -> None:
    """It names a drift file that is not there until the drift job has run once."""
    compose = composed()
    with serve(MODELS, tmp_path, *compose["services"]["server"]["command"]) as up:
        assert httpx.get(f"{up.url}/metrics").status_code == 200


def test_the_model_is_ready_by_its_name(started: Running) -> None:
    assert httpx.get(f"{started.url}/v2/models/credit-express/ready").status_code == 200


def test_a_stop_fits_into_the_grace_time() -> None:
    spec = pods()[0]
    flags = dict(each.split("=", 1) for each in spec["containers"][0]["args"])
    needed = float(flags["--drain-delay-seconds"]) + float(flags["--drain-seconds"])
    assert spec["terminationGracePeriodSeconds"] > needed


def test_services_put_nothing_among_the_settings() -> None:
    """A Service named credit-express sets CREDIT_EXPRESS_*, and an unknown CREDIT_* is refused."""
    predictor = documents(DEPLOY / "kserve" / "service.yaml")[0]["spec"]["predictor"]
    assert pods()[0]["enableServiceLinks"] is False
    assert predictor["enableServiceLinks"] is False


def test_the_server_may_do_nothing_it_does_not_need(pod: dict[str, Any]) -> None:
    container = pod["containers"][0]
    allowed = container["securityContext"]
    assert allowed["readOnlyRootFilesystem"] is True
    assert allowed["allowPrivilegeEscalation"] is False
    assert allowed["capabilities"] == {"drop": ["ALL"]}
    assert (pod.get("securityContext") or allowed)["runAsNonRoot"] is True
    assert "cpu" not in container["resources"]["limits"]


def test_clients_need_their_own_label_and_no_other() -> None:
    """Were kustomize to label selectors, it would label the clients' too, and shut them out."""
    built = kustomized(KUBERNETES)
    policy = built["NetworkPolicy"]["spec"]
    assert policy["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "credit-express"}
    clients = policy["ingress"][0]["from"][0]["podSelector"]["matchLabels"]
    assert clients == {"credit-express/client": "true"}
    assert set(built) == {
        "ConfigMap", "HorizontalPodAutoscaler", "NetworkPolicy", "PodDisruptionBudget", "Service",
        "StatefulSet",
    }  # fmt: skip


def test_image_model_and_settings_are_each_named_in_one_place(tmp_path: Path) -> None:
    folder = tmp_path / "kubernetes"
    shutil.copytree(KUBERNETES, folder)
    named = (folder / "kustomization.yaml").read_text()
    edited = named.replace("# components:", "components:")
    edited = re.sub(r"newName: \S+, newTag: [^}]+", "newName: example.org/own, newTag: v1", edited)
    (folder / "kustomization.yaml").write_text(edited)
    (folder / "settings.env").write_text("CREDIT_DEFAULT=own/1\n")
    built = kustomized(folder)
    pod = built["StatefulSet"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == "example.org/own:v1"
    assert {"name": "models", "mountPath": "/models", "readOnly": True} in container["volumeMounts"]
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == "credit-models"
    assert built["ConfigMap"]["data"] == {"CREDIT_DEFAULT": "own/1"}
    assert container["envFrom"] == [
        {"configMapRef": {"name": built["ConfigMap"]["metadata"]["name"]}}
    ]


def test_the_image_of_the_drift_job_is_named_in_one_place() -> None:
    job = kustomized(DEPLOY / "schedule")["CronJob"]["spec"]["jobTemplate"]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["image"].startswith("registry.example.org/credit-express-monitoring:")


def test_prometheus_takes_its_configuration_and_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool (Debian: prometheus)")
    configuration = DEPLOY / "prometheus" / "prometheus.yml"
    done = subprocess.run(
        [promtool, "check", "config", str(configuration)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_rules_and_dashboard_name_metrics_that_exist(server: Running) -> None:
    """Of the server as it answers, and of the drift job as its source names them."""
    known = set(re.findall(r"^# TYPE (\S+)", httpx.get(f"{server.url}/metrics").text, re.M))
    known |= {name + end for name in known for end in ("_bucket", "_sum", "_count")}
    drift = (ROOT / "monitoring" / "drift" / "prometheus.py").read_text()
    known |= set(re.findall(r'"(credit_drift_\w+)"', drift))
    panels = json.loads(DASHBOARD.read_bytes())["panels"]
    asked = RULES.read_text() + " ".join(t["expr"] for p in panels for t in p["targets"])
    named = set(re.findall(r"\bcredit_\w+", asked))
    assert named
    assert named - known == set()


def test_compose_names_what_is_there() -> None:
    """Files it mounts exist, volumes it uses are declared, nothing listens beyond this machine."""
    compose = composed()
    for service in compose["services"].values():
        for mount in service["volumes"]:
            source = mount.split(":")[0]
            here = (DEPLOY / "compose" / source).exists()
            assert here if source.startswith(".") else source in compose["volumes"], mount
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
