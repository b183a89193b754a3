"""A bundle with reason codes, and a server asked for reasons: alone, in batches, in MessagePack."""

from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import pandas as pd

from tests.conftest import Trained, applicants, convert, running

MAPPING = """feature,code,text,text_de,missing_code,missing_text,missing_text_de
AGE,OLD,Age,Alter,OLD0,No age stated,Kein Alter angegeben
INCOME,INC,Income <after> tax & rent,Einkommen,INC0,No income stated,Kein Einkommen angegeben
DEBT-RATIO,OWE,Debt and where you live,Schulden und Wohnort,,,
KIND,HOM,Kind of home,Art der Wohnung,,,
REGION,OWE,,,,,
"""
QUERIES = ("", "?reasons=all", "?reasons=principal", "?reasons=none", "?reasons=all")
JSON, PACKED = "application/json", "application/msgpack"
REFUSE, REFER = "0.4", "0.25"


class Told(NamedTuple):
    """The answers of a server, in the order of its log, and the folder of the log."""

    answers: list[dict[str, Any]]
    log: Path


def reasoned_bundle(trained: Trained, folder: Path) -> Path:
    """Convert `trained` as `home/1` with the reasons of MAPPING."""
    (folder / "reasons.csv").write_text(MAPPING)
    trained.booster.save_model(folder / "model.txt")
    trained.rows.to_parquet(folder / "rows.parquet")
    convert(
        folder / "model.txt", "--name", "home", "--version", "1", "--out", str(folder / "models"),
        "--reference", str(folder / "rows.parquet"), "--reasons", str(folder / "reasons.csv"),
        "--threshold", REFUSE, "--refer-from", REFER, "--missing", "impute=40",
    )  # fmt: skip
    return folder / "models" / "home" / "1"


def answered(bundle: Path, rows: pd.DataFrame, log: Path) -> Told:
    """Ask a server for the reasons of 600 applicants; a quarter of them state no age."""
    asked = applicants(rows.head(600))
    for applicant in asked[::4]:
        applicant["AGE"] = None
    answers = []
    with running(bundle, log) as up, httpx.Client(base_url=up.url) as client:

        def post(query: str, kind: str, body: bytes, **headers: str) -> None:
            headers |= {"content-type": kind, "accept": JSON}
            said = client.post(f"/score{query}", content=body, headers=headers)
            answers.append(said.raise_for_status().json())

        for i, applicant in enumerate(asked[:150]):
            languages = {"accept-language": "de"} if i % 2 else {}
            post(QUERIES[i % len(QUERIES)], JSON, msgspec.json.encode(applicant), **languages)
        for applicant in asked[150:200]:
            post("?reasons=all", PACKED, msgspec.msgpack.encode(applicant))
        post("?reasons=all", JSON, msgspec.json.encode(asked[200:400]))
        post("", PACKED, msgspec.msgpack.encode(asked[400:600]))
    flat = [one for each in answers for one in (each if isinstance(each, list) else [each])]
    return Told(flat, log)
