"""Saturation by wrk: a closed loop in C, so that the generator is not what is measured.

wrk's latencies count from the real send time, so they say nothing about queueing; only its rate,
and its latency at one connection, are used. https://github.com/wg/wrk
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

SCRIPT = """
local requests, i = {}, 0
local file = io.open("%s", "rb")
while true do
  local line = file:read("*l")
  if not line then break end
  requests[#requests + 1] = file:read(tonumber(line))
end
function request() i = i %% #requests + 1; return requests[i] end
function done(summary, latency, _)
  local e = summary.errors
  print(string.format('{"requests":%%d,"duration_us":%%d,"failed":%%d,"p50_us":%%g,"p99_us":%%g}',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


class WrkError(Exception):
    """What wrk said instead of a result."""


class Saturation(msgspec.Struct, frozen=True):
    """A run of wrk; latencies from the real send time, in microseconds."""

    requests: int
    duration_us: int
    failed: int
    p50_us: float
    p99_us: float

    @property
    def per_second(self) -> float:
        """Good answers a second."""
        return (self.requests - self.failed) / self.duration_us * 1e6


def is_installed() -> bool:
    """Whether wrk can be run."""
    return shutil.which("wrk") is not None


def saturate(
    port: int, requests: Sequence[bytes], connections: int, seconds: int, core: int | None = None
) -> Saturation:
    """Run wrk with one thread on a core; raises WrkError."""
    with tempfile.TemporaryDirectory() as folder:
        bodies, script = Path(folder) / "requests", Path(folder) / "script.lua"
        bodies.write_bytes(b"".join(b"%d\n%b" % (len(each), each) for each in requests))
        script.write_text(SCRIPT % bodies)
        pin = [] if core is None or not shutil.which("taskset") else ["taskset", "-c", str(core)]
        command = [*pin, "wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s"]
        command += ["-s", str(script), f"http://127.0.0.1:{port}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    last = (done.stdout.strip().splitlines() or [""])[-1]
    if done.returncode or not last.startswith("{"):
        raise WrkError(done.stderr.strip() or last or "wrk said nothing")
    return msgspec.convert(json.loads(last), Saturation)
