"""What deploy/schedule/ runs is what the command takes."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from monitoring.nightly.arguments import parser
from tests.conftest import ROOT

SCHEDULE = ROOT / "deploy" / "schedule"


def from_crontab(text: str) -> list[str]:
    line = next(line for line in text.splitlines() if re.match(r"\d", line))
    return shlex.split(line.split("$(")[1].split(")")[0])


def from_service(text: str) -> list[str]:
    return shlex.split(re.search(r"ExecStart=(.*?)\n[#A-Z]", text, re.S)[1].replace("\\\n", " "))  # type: ignore[index]


def from_cronjob(text: str) -> list[str]:
    spec = yaml.safe_load(text)["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    container = spec["containers"][0]
    return [*container["command"], *container["args"]]


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("crontab", from_crontab),
        ("credit-drift.service", from_service),
        ("cronjob.yaml", from_cronjob),
    ],
)
def test_every_schedule_runs_a_command_that_parses(name: str, read) -> None:  # type: ignore[no-untyped-def]
    command = read((SCHEDULE / name).read_text())
    assert command[1:4] == ["-m", "monitoring", "drift"]
    args = parser("").parse_args(command[4:])
    assert args.model.parts[-3:] == ("models", "credit-express", "1")
    assert args.log
    assert args.out
    assert args.window


def test_cron_mails_the_verdict_of_a_run_that_is_not_stable(tmp_path: Path) -> None:
    """The line as it stands, with a command of the same output and exit code in drift's place."""
    text = (SCHEDULE / "crontab").read_text()
    line = next(line for line in text.splitlines() if re.match(r"\d", line))
    shell = line.split(" credit ")[1]
    drift = shlex.join(from_crontab(text))
    assert drift in shell
    for code, mailed in ((0, ""), (1, "verdict\n"), (3, "verdict\n")):
        run = shell.replace(drift, f"sh -c 'echo verdict; exit {code}'")
        run = run.replace("/opt/credit-express", str(tmp_path))
        done = subprocess.run(["sh", "-c", run], capture_output=True, text=True, check=False)
        assert (done.stdout, done.stderr) == (mailed, "")


def test_drift_fails_the_unit_and_only_an_error_fails_the_kubernetes_job() -> None:
    assert "SuccessExitStatus=2\n" in (SCHEDULE / "credit-drift.service").read_text()
    assert "--exit-zero" in from_cronjob((SCHEDULE / "cronjob.yaml").read_text())


def test_a_job_never_runs_beside_itself() -> None:
    job = yaml.safe_load((SCHEDULE / "cronjob.yaml").read_text())
    assert job["spec"]["concurrencyPolicy"] == "Forbid"


def test_the_job_holds_no_privilege() -> None:
    job = yaml.safe_load((SCHEDULE / "cronjob.yaml").read_text())
    spec = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    container = spec["containers"][0]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    read_only = {m["name"] for m in container["volumeMounts"] if m.get("readOnly")}
    assert read_only == {"models", "log"}
