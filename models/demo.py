"""Start the server on the committed model, score a real applicant, hold the answer to LightGBM's.

python -m models.demo --model models/credit-express/1 --applicant APPLICANT.json
"""

import argparse
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import lightgbm as lgb
import pandas as pd

START_SECONDS = 60.0


def main() -> None:
    """Start, ask, compare; then leave the server running until Ctrl-C, or stop it with --once."""
    options = _arguments()
    command = [sys.executable, "-m", "server", "--model", str(options.model)]
    server = subprocess.Popen(  # noqa: S603 - our own server
        [*command, "--host", options.host, "--port", str(options.port)]
    )
    try:
        equal = demonstrate(options, server)
        if not options.once:
            print(f"\nThe server goes on at {_url(options)}/score: Ctrl-C stops it.", flush=True)
            server.wait()
    except KeyboardInterrupt:
        equal = True
    finally:
        server.terminate()
        server.wait()
    sys.exit(0 if equal else 1)


def demonstrate(options: argparse.Namespace, server: subprocess.Popen[bytes]) -> bool:
    """Print the server's answer beside LightGBM's own and return whether every bit is the same."""
    _wait_until_ready(f"{_url(options)}/readyz", server)
    body = options.applicant.read_bytes()
    answer = _post(f"{_url(options)}/score", body)
    expected = predict(options.model / "model.txt", json.loads(body))
    equal = bool(answer["probability"] == expected)
    print(f"\nAn applicant of {options.applicant}, posted to {_url(options)}/score:")
    print(json.dumps(answer, indent=2))
    print(f"server    {answer['probability']!r}  {float(answer['probability']).hex()}")
    print(f"LightGBM  {expected!r}  {expected.hex()}")
    print("equal in every bit" if equal else "NOT EQUAL", flush=True)
    return equal


def predict(model: Path, applicant: dict[str, Any]) -> float:
    """Return LightGBM's own probability for one applicant, a dict of feature name to value."""
    booster = lgb.Booster(model_file=model)
    row = pd.DataFrame([applicant], columns=booster.feature_name())
    nominal = [name for name, kind in _kinds(booster).items() if kind == "category"]
    row = row.astype(dict.fromkeys(nominal, "category"))
    return float(booster.predict(row, num_threads=1)[0])


def _kinds(booster: lgb.Booster) -> dict[str, str]:
    """Tell the categorical features from the numbers: only theirs are listed as `a:b:c`."""
    infos = next(
        line.removeprefix("feature_infos=").split()
        for line in booster.model_to_string(num_iteration=1).splitlines()
        if line.startswith("feature_infos=")
    )
    kinds = ["number" if info[0] == "[" or info == "none" else "category" for info in infos]
    return dict(zip(booster.feature_name(), kinds, strict=True))


def _wait_until_ready(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - http, ours
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise SystemExit(f"the server did not answer at {url}: its message stands above")


def _post(url: str, body: bytes) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - http, ours
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        answer: dict[str, Any] = json.loads(response.read())
    return answer


def _url(options: argparse.Namespace) -> str:
    return f"http://{options.host}:{options.port}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, metavar="BUNDLE")
    parser.add_argument("--applicant", type=Path, required=True, metavar="JSON")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--once", action="store_true", help="stop the server after the answer")
    return parser.parse_args()


if __name__ == "__main__":
    main()
