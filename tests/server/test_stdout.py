"""What several processes write to one stdout: whole lines, each with one write."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx

from tests.conftest import ROOT, environment

FIT = {"AGE": 40, "INCOME": 1000.5, "DEBT-RATIO": 0.5, "KIND": "car", "REGION": 2}


def test_every_line_on_stdout_is_one_write_with_its_newline(bundle: Path, tmp_path: Path) -> None:
    """Unbuffered, as in an image; a pipe in packet mode hands over each write by itself."""
    read, write = os.pipe2(os.O_DIRECT)
    command = [sys.executable, "-m", "server", "--model", str(bundle), "--port", "0"]
    command += ["--workers", "2", "--log-dir", str(tmp_path)]
    unbuffered = environment() | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=unbuffered, stdout=write) as process:
        os.close(write)
        writes = [os.read(read, 1 << 16)]
        try:
            url = json.loads(writes[0])["url"]
            for _ in range(4):
                assert httpx.post(f"{url}/score", json=FIT).status_code == 200
            assert httpx.get(f"{url}/{'%01' * 6000}").status_code == 404
        finally:
            process.terminate()
    while packet := os.read(read, 1 << 16):
        writes.append(packet)
    os.close(read)
    assert len(writes) == 6
    for packet in writes:
        assert packet.count(b"\n") == 1
        assert packet.endswith(b"}\n")
        json.loads(packet)
