"""TLS, certificates of clients, and what refuses the start."""

import os
import ssl
from pathlib import Path

import httpx
import pytest

from tests.conftest import Serve
from tests.server.command import run
from tests.server.http.certificates import make_certificate

BOTH_LANES = True


def test_tls_and_client_certificates(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    """With a CA for clients, a client without a certificate does not get in."""
    make_certificate(tmp_path)
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    flags = ("--tls-cert", cert, "--tls-key", key)
    trust = ssl.create_default_context(cafile=cert)
    with serve(bundle, tmp_path, *flags) as up:
        assert up.url.startswith("https://")
        assert httpx.get(f"{up.url}/livez", verify=trust).status_code == 200
    with serve(bundle, tmp_path, *flags, "--tls-client-ca", cert) as up:
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{up.url}/livez", verify=trust)
        trust.load_cert_chain(cert, key)
        assert httpx.get(f"{up.url}/livez", verify=trust).status_code == 200


def test_certificates_that_are_none_refuse_the_start(bundle: Path, tmp_path: Path) -> None:
    """And so does a CA for clients without TLS, which would let everybody in."""
    (tmp_path / "cert.pem").write_text("none")
    pem = str(tmp_path / "cert.pem")
    for flags in (
        ("--tls-cert", pem, "--tls-key", pem),
        ("--tls-cert", f"{pem}.none", "--tls-key", pem),
        ("--tls-client-ca", pem),
    ):
        done = run(
            "--model", str(bundle), "--port", "0", "--log-dir", str(tmp_path / "log"), *flags
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("server: settings: tls")
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("flag", ["--tls-cert", "--tls-key", "--tls-client-ca"])
def test_a_file_of_tls_that_is_a_fifo_is_refused_and_not_waited_for(
    bundle: Path, tmp_path: Path, flag: str
) -> None:
    make_certificate(tmp_path)
    os.mkfifo(tmp_path / "fifo")
    files = {"--tls-cert": "cert.pem", "--tls-key": "key.pem", flag: "fifo"}
    flags = [each for name, file in files.items() for each in (name, str(tmp_path / file))]
    done = run("--check", "--model", str(bundle), *flags)
    assert done.returncode == 2
    wanted = f"{tmp_path / 'fifo'}: wanted a regular file, got a FIFO"
    assert done.stderr == f"server: settings: tls: {wanted}\n"
