"""The command line: a start is proved or refused."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.conftest import ROOT, Serve, environment
from tests.server.command import refused, run


def test_check_proves_the_bundle_without_a_socket(bundle: Path) -> None:
    done = run("--check", "--model", str(bundle))
    assert (done.returncode, done.stderr) == (0, "")
    assert "bit for bit" in done.stdout


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx", "golden.json"])
def test_one_changed_byte_refuses_the_start(bundle: Path, tmp_path: Path, name: str) -> None:
    """The line names the file."""
    copy = Path(shutil.copytree(bundle, tmp_path / "copy"))
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    assert name in refused(run("--check", "--model", str(copy)))


def test_a_golden_row_one_bit_off_refuses_the_start(bundle: Path, tmp_path: Path) -> None:
    """Even where the hashes were made to agree."""
    copy = Path(shutil.copytree(bundle, tmp_path / "copy"))
    golden = json.loads((copy / "golden.json").read_bytes())
    golden["rows"][3]["raw"][0] = np.nextafter(golden["rows"][3]["raw"][0], 9.0)
    rewrite(copy, "golden.json", json.dumps(golden))
    message = refused(run("--check", "--model", str(copy)))
    assert "golden.json" in message
    assert "row 3" in message


def test_a_feature_named_twice_refuses_the_start(bundle: Path, tmp_path: Path) -> None:
    """No applicant could send both."""
    copy = Path(shutil.copytree(bundle, tmp_path / "copy"))
    manifest = json.loads((copy / "manifest.json").read_bytes())
    manifest["features"][1]["name"] = name = manifest["features"][0]["name"]
    (copy / "manifest.json").write_text(json.dumps(manifest))
    rewrite(copy, "golden.json", (copy / "golden.json").read_text())
    message = refused(run("--check", "--model", str(copy)))
    assert f"manifest.json: wanted a feature under one name only, got ['{name}']" in message


def rewrite(bundle: Path, name: str, text: str) -> None:
    """Replace a file of a bundle, and every hash of it."""
    (bundle / name).write_text(text)
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    manifest["files"][name] = sha256(bundle / name)
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    files = sorted(each for each in bundle.iterdir() if each.name != "SHA256SUMS")
    lines = [f"{sha256(file)}  {file.name}\n" for file in files]
    (bundle / "SHA256SUMS").write_text("".join(lines))


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_folder_without_a_bundle_is_one_line_that_names_what_is_there(tmp_path: Path) -> None:
    wanted = "wanted a bundle, as python -m convert writes it, or bundles as NAME/VERSION"
    assert f"{wanted}, got an empty folder" in refused(run("--model", str(tmp_path)))
    (tmp_path / "model.txt").touch()
    assert f"{wanted}, got model.txt" in refused(run("--model", str(tmp_path)))
    assert f"{wanted}, got a file" in refused(run("--model", str(tmp_path / "model.txt")))
    assert "nowhere: No such file" in refused(run("--model", str(tmp_path / "nowhere")))


def test_no_model_at_all_is_said_by_its_flag_and_its_variable() -> None:
    assert "settings: model: wanted --model or CREDIT_MODEL, got neither" in refused(run())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--model", ""), "settings: model: wanted a path, got ''"),
        (("--model", "models", "--keys", ""), "settings: keys: wanted a path, got ''"),
        (("--model", "m", "--fast-lane", "no"),
         "settings: fast_lane: wanted one of on, off, got 'no'"),
    ],
)  # fmt: skip
def test_an_empty_path_or_an_unknown_choice_is_one_line(
    arguments: tuple[str, ...], said: str
) -> None:
    assert refused(run(*arguments)) == f"server: {said}\n"


def test_folders_that_hold_no_bundle_are_named_and_the_others_served(
    bundle: Path, tmp_path: Path
) -> None:
    """But not what is hidden, as a bundle that is being written, nor files beside."""
    shutil.copytree(bundle, tmp_path / "small" / "1")
    (tmp_path / "small" / "1" / "notes").mkdir()
    (tmp_path / "README.md").write_text("models")
    for name in ("small/2", "small/.3", "other/1/deep", "empty", ".git/hooks", "__pycache__"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "small" / "4").symlink_to(tmp_path / "nowhere")
    done = run("--check", "--model", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "small/1: scores bit for bit\n")
    said = re.findall(rf"{tmp_path}/(\S+): no manifest.json in it: not served", done.stderr)
    assert said == ["empty", "other/1", "small/2", "small/4"]


def test_a_start_imports_nothing_that_reads_tables() -> None:
    code = "import sys, server.cli; print('server.offline.table_file' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_settings_come_from_the_environment_and_flags_win(bundle: Path) -> None:
    good = {"CREDIT_MODEL": str(bundle)}
    assert run("--check", **good).returncode == 0
    assert "no/such" in refused(run("--check", "--model", "no/such", **good))


def test_an_unknown_variable_or_a_bad_value_refuses_the_start(bundle: Path) -> None:
    good = {"CREDIT_MODEL": str(bundle)}
    assert "CREDIT_MODLE" in refused(run("--check", CREDIT_MODLE="x", **good))
    assert "port" in refused(run("--check", "--port", "70000", **good))
    assert "workers" in refused(run("--check", CREDIT_WORKERS="two", **good))


def test_what_kubernetes_sets_for_a_service_is_told_from_a_mistake(bundle: Path) -> None:
    """A service named credit sets CREDIT_PORT=tcp://…, credit-express sets CREDIT_EXPRESS_*."""
    good = {"CREDIT_MODEL": str(bundle)}
    cause = "enableServiceLinks: false"
    for name, value in {
        "CREDIT_PORT": "tcp://10.0.0.7:8000",
        "CREDIT_SERVICE_HOST": "10.0.0.7",
        "CREDIT_PORT_8000_TCP_ADDR": "10.0.0.7",
        "CREDIT_EXPRESS_SERVICE_PORT_HTTP": "8000",
        "CREDIT_EXPRESS_PORT": "tcp://10.0.0.7:8000",
    }.items():
        message = refused(run("--check", **good, **{name: value}))
        assert name in message
        assert cause in message
    assert cause not in refused(run("--check", CREDIT_MODLE="x", **good))
    assert cause not in refused(run("--check", CREDIT_PORT="70000", **good))


def test_help_lists_the_verbs_and_says_what_each_flag_wants() -> None:
    said = run("--help").stdout
    for wanted in (
        "python -m server score --model", "python -m server key --keys", "--model BUNDLE",
        "--log-dir DIR", "--drain-seconds SECONDS", "--max-body BYTES", "--tls-cert FILE",
        "--log-fsync never|interval|always", "--admin-port PORT",
    ):  # fmt: skip
        assert wanted in said
    for flag in re.findall(r"^ +--([a-z-]+) ([A-Z_]+)$", said, re.M):
        assert flag[1] != flag[0].replace("-", "_").upper() or flag[1] in {"PORT"}


def test_where_the_native_engine_is_not_built_one_line_says_what_that_costs(
    bundle: Path, tmp_path: Path
) -> None:
    """However many models there are; asked for by name, it refuses the start."""
    shutil.copytree(ROOT / "server", tmp_path / "server", ignore=shutil.ignore_patterns("*.so"))
    shutil.copytree(bundle, tmp_path / "models" / "small" / "1")
    command = [sys.executable, "-B", "-m", "server", "--engine", "auto", "--port", "0"]
    command += ["--model", str(tmp_path / "models")]
    with subprocess.Popen(
        [*command, "--log-dir", str(tmp_path / "log")], cwd=tmp_path, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
        _, said = process.communicate(timeout=20)
    assert said.count("\n") == 1
    assert "not built" in said
    assert "several times longer" in said
    done = subprocess.run(
        [*command, "--check", "--engine", "native"], cwd=tmp_path, env=environment(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "not built" in refused(done)


def test_a_taken_port_is_one_line(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    with serve(bundle, tmp_path) as up:
        done = run("--model", str(bundle), "--port", str(up.port), "--log-dir", str(tmp_path))
    wanted = f"cannot listen on 127.0.0.1 port {up.port}: Address already in use; choose another"
    assert wanted in refused(done)


def test_several_names_want_to_be_told_which_answers(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "own").symlink_to(bundle.parent)
    shutil.copytree(ROOT / "models" / "credit-express", tmp_path / "credit-express")
    said = refused(run("--check", "--model", str(tmp_path)))
    assert "--default NAME[/VERSION]" in said
    assert "credit-express/1" in said
    assert run("--check", "--model", str(tmp_path), "--default", "small").returncode == 0


def test_two_workers_share_one_port(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    with serve(bundle, tmp_path, "--workers", "2") as up:
        for _ in range(20):
            assert httpx.get(f"{up.url}/livez").status_code == 200
