"""A certificate that is its own CA, for clients and servers on this machine."""

import subprocess
from pathlib import Path

import pytest


def make_certificate(folder: Path) -> None:
    done = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        cwd=folder, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("openssl is absent")
