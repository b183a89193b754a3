"""The peers: their settings are files, and where one is built it gives LightGBM's probability."""

import json
from pathlib import Path

import lightgbm
import pytest

from bench import environments
from bench.load import agreement, body, peers, servers, subjects
from bench.workload import models

ROOT = Path(__file__).parents[2]
NAMES = [each.name for each in peers.PEERS]


@pytest.mark.parametrize("name", NAMES)
def test_a_peer_answers_where_it_is_built(workload: models.Workload, name: str) -> None:
    """Every peer gives LightGBM's probability for the body that is measured."""
    if environments.python_of(name) is None:
        pytest.skip(f"build/peers/{name} is not built: make bench-peers")
    peer = next(each for each in peers.PEERS if each.name == name)
    rows = workload.rows(3)
    requests = peer.encode(workload)(rows)
    wanted = lightgbm.Booster(model_file=workload.text).predict(rows)
    with servers.running(peer, workload, requests) as server:
        given = agreement.answers(server.port, requests)
    if name in peers.ON_DEMO:  # it reads sets of categories as numbers
        assert given != pytest.approx(wanted)
    else:
        assert list(given) == list(wanted)


def test_granian_answers_what_our_own_empty_endpoint_does(workload: models.Workload) -> None:
    [granian] = peers.LIMITS
    if environments.python_of(granian.name) is None:
        pytest.skip("build/peers/granian is not built: make bench-peers")
    bodies = []
    for subject in (granian, subjects.BY_NAME["starlette"]):
        requests = subject.encode(workload)(workload.rows(1))
        with servers.running(subject, workload, requests) as server:
            bodies.append(agreement.answered(server.port, requests[0]))
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("name", sorted(path.name for path in environments.PEERS.iterdir()))
def test_every_version_of_a_peer_is_pinned(name: str) -> None:
    """Many by hash, too."""
    lines = (environments.PEERS / name / "requirements.txt").read_text().splitlines()
    assert lines
    pinned = [line for line in lines if not line.startswith(("#", "    --hash=sha256:"))]
    assert [line for line in pinned if "==" not in line] == []


def test_a_peer_that_cannot_be_built_keeps_the_exact_error(
    workload: models.Workload, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It stands in the table: no requirement of this kind can be met."""
    peer = peers.PEERS[0]
    requirements = tmp_path / "peers" / peer.name / "requirements.txt"
    requirements.parent.mkdir(parents=True)
    requirements.write_text(f"{tmp_path}/no-such-wheel.whl\n")
    monkeypatch.setattr(environments, "PEERS", tmp_path / "peers")
    monkeypatch.setattr(environments, "BUILD", tmp_path / "build")
    with pytest.raises(environments.PeerError, match="no-such-wheel"):
        environments.build(peer.name)
    environments.build_all([peer.name])  # goes on with the next
    with (
        pytest.raises(servers.ServerError, match="no-such-wheel"),
        servers.running(peer, workload, []),
    ):
        pass


def test_a_peer_is_started_on_its_own_port_with_one_thread(workload: models.Workload) -> None:
    for peer in peers.PEERS:
        variables = servers.environment(peer, workload, 8123, "folder")
        command = peer.command(workload, 8123, Path("folder"))
        assert variables["OMP_NUM_THREADS"] == "1"
        assert variables["PEER_PORT"] == "8123"
        assert not [word for word in (*command, *variables.values()) if "{port}" in word]


def test_protocol_requests_in_json_have_null_where_a_value_is_missing() -> None:
    rows = models.Size(5, 7, 60).rows(20)
    for request, row in zip(body.oip_json("/x")(rows), rows, strict=True):
        [tensor] = json.loads(request.partition(b"\r\n\r\n")[2])["inputs"]
        assert tensor["shape"] == [1, 60]
        assert [value is None for value in tensor["data"]] == [value != value for value in row]
