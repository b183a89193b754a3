"""Play the newcomer: a new clone, and every command of README in order, up to the first that fails.

python3 -m tests.long.newcomer                  in a temporary folder, with nothing set up
python3 -m tests.long.newcomer --also test      with `make test`; --also docker with the image

A command exits with 0, or with what the comment behind it says. One that stays runs on while the
others come, and Ctrl-C must end it and all it started. After all that git has nothing to tell.
Needs the standard library alone.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)
# What is left out unless it is asked for.
LEFT_OUT = {
    "test": re.compile(r"make test\b"),
    "docker": re.compile(r"make image|docker |kubectl "),
}
COMMAND_SECONDS, STOP_SECONDS = 3600, 60


@dataclass(frozen=True)
class Command:
    """One line of README: what is typed, the exit code it is said to have, whether it stays."""

    line: str
    code: int
    stays: bool


@dataclass
class Running:
    """A command that was started, and the file that all it prints goes to."""

    command: Command
    process: "subprocess.Popen[bytes]"
    output: Path

    @property
    def printed(self) -> str:
        """What it has printed so far."""
        return self.output.read_text(errors="replace")

    def serves(self) -> bool:
        """Wait until it ends, or stays and has said where it serves; return whether it stays."""
        end = time.monotonic() + COMMAND_SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            if self.command.stays and "http://" in self.printed:
                return True
            time.sleep(0.1)
        return False

    def stop(self) -> bool:
        """Press Ctrl-C; return whether all that it had started has ended."""
        os.killpg(self.process.pid, signal.SIGINT)
        end = time.monotonic() + STOP_SECONDS
        while is_there(self.process) and time.monotonic() < end:
            time.sleep(0.1)
        if left := is_there(self.process):
            os.killpg(self.process.pid, signal.SIGKILL)
        return not left


@dataclass
class Walk:
    """A clone, the ports to use in the place of README's, and what came of each command."""

    clone: Path
    ports: Mapping[str, str] = field(default_factory=dict)
    taken: list[Running] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def take(self, command: Command) -> None:
        """Run a command to its end, or until it serves."""
        began, running = time.monotonic(), self._start(command)
        self.taken.append(running)
        stays = running.serves()
        came = "stays" if stays else f"exit {running.process.returncode}"
        tell(f"{came}, {time.monotonic() - began:.0f} s")
        if came != ("stays" if command.stays else f"exit {command.code}"):
            self.wrong.append(f"{command.line}: {came}\n{running.printed}")

    def stop(self) -> None:
        """Press Ctrl-C wherever something serves, the last one first."""
        for running in reversed(self.taken):
            if running.process.poll() is None and not running.stop():
                self.wrong.append(f"{running.command.line}: Ctrl-C left something running")

    def printed(self, part: str) -> str:
        """Return what the command that holds `part` printed."""
        return next(each.printed for each in self.taken if part in each.command.line)

    def _start(self, command: Command) -> Running:
        line = command.line
        for written, used in self.ports.items():
            line = line.replace(written, used)
        tell(f"$ {line}")
        output = self.clone.parent / f"output-{len(self.taken)}.txt"
        with output.open("wb") as file:
            process = subprocess.Popen(
                ["bash", "-c", line], cwd=self.clone, env=environment(self.ports),
                stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        return Running(command, process, output)


def commands(readme: str) -> Iterator[Command]:
    """Yield what README tells to type."""
    for block in BLOCK.findall(readme):
        for line in block.splitlines():
            typed, _, comment = line.partition(" # ")
            if typed.strip():
                said = re.search(r"exits with (\d+)", comment)
                yield Command(typed.strip(), int(said[1]) if said else 0, "stays" in comment)


def walk(clone: Path, also: Sequence[str] = (), ports: Mapping[str, str] | None = None) -> Walk:
    """Take every command; those that stay are stopped in the end."""
    done = Walk(clone, ports or {})
    for command in commands((clone / "README.md").read_text()):
        left = [w for w, p in LEFT_OUT.items() if p.match(command.line) and w not in also]
        if left:
            tell(f"$ {command.line}\nleft out: --also {left[0]}")
        elif not done.wrong:
            done.take(command)
    done.stop()
    if untracked := git(clone, "status", "--porcelain"):
        done.wrong.append(f"git status is not clean:\n{untracked}")
    return done


def environment(ports: Mapping[str, str]) -> dict[str, str]:
    """Return a newcomer's environment: nothing set for this product, no other environment."""
    ours = re.compile(r"CREDIT_|MAKE|MFLAGS|VIRTUAL_ENV|PYTHONPATH|GIT_|PYTEST|COV_")
    kept = {name: value for name, value in os.environ.items() if not ours.match(name)}
    if ports:
        kept |= {"PORT": ports["8000"], "DASHBOARD_PORT": ports["8501"]}
    return kept


def is_there(process: "subprocess.Popen[bytes]") -> bool:
    """Whether a process of the group is left."""
    process.poll()
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def git(folder: Path, *words: str) -> str:
    """Return what git prints."""
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def tell(line: str) -> None:
    """Print at once: what runs may take minutes."""
    print(line, flush=True)


@contextmanager
def new_clone() -> Iterator[Path]:
    """Yield a clone of this repository's HEAD in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="newcomer-") as folder:
        git(ROOT, "clone", "--quiet", "--no-local", str(ROOT), f"{folder}/credit-express")
        yield Path(folder) / "credit-express"


def main() -> int:
    """Walk; print what went otherwise than README says."""
    parser = argparse.ArgumentParser("python3 -m tests.long.newcomer")
    parser.add_argument("--also", nargs="*", default=[], choices=LEFT_OUT)
    with new_clone() as clone:
        done = walk(clone, parser.parse_args().also)
    for each in done.wrong:
        tell(f"\nnot as README says: {each}")
    if not done.wrong:
        tell("\nall as README says, and git has nothing to tell")
    return 1 if done.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
