"""The clients of others, in an environment of their own, bit for bit against LightGBM."""

import json
import subprocess

import numpy as np
import pandas as pd
import pytest

from tests.conftest import ROOT, Running, Trained
from tests.server.grpc.calling import codes, port_of, script

PYTHON = ROOT / ".venv-clients" / "bin" / "python"


@pytest.mark.parametrize("form", ["raw", "columns"])
@pytest.mark.parametrize("client", ["triton", "kserve"])
def test_a_client_of_others_scores_with_lightgbms_bits(
    server: Running, trained: Trained, client: str, form: str
) -> None:
    """Missing numbers are among the rows. A missing text cannot be sent by either client."""
    if not PYTHON.exists():
        pytest.skip(".venv-clients is absent: make setup-dev")
    rows = trained.held_out[:200]
    if form == "columns":
        rows = rows[rows["KIND"].notna()]
    table = pd.DataFrame(codes(rows), columns=rows.columns).astype(object)
    if form == "columns":
        table = table.assign(KIND=rows["KIND"].astype(str).to_numpy())
        table = table.assign(REGION=rows["REGION"].astype(str).to_numpy())
    assert rows["INCOME"].isna().any()
    address = f"127.0.0.1:{port_of(server)}"
    done = subprocess.run(
        [str(PYTHON), str(script("grpc_client.py")), client, address, "small", form,
         json.dumps(table.to_dict("list"))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = np.array(json.loads(done.stdout.splitlines()[-1]))
    assert said.tobytes() == trained.prediction(rows).tobytes()
