"""Odd members in every form: each is scored or refused as `/score` does with the same applicant."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import Running, Serve
from tests.server.platform.contract import up
from tests.server.wire import FIT

BOTH_LANES = True
COUNT = 60
VALUES = (
    "1", "-0", "0", "1e400", '"1"', "null", "true", "[1]", "{}", '"car"', "2.0", "9007199254740993",
    "9007199254740992", '"\\u0063ar"', "1E5", "01", " 5 ", '"quo\\"ted"', '"home, shared"',
    "1e-400", '"%b"', '"\\ud800"', '"NaN"', "Infinity", '""', "18446744073709551616",
)  # fmt: skip
NAMES = ("%", "a%bc", "inputs", "input_data", "é", "", "AGE", 'A"B')
Pairs = list[tuple[str, str]]


def pairs(draw: random.Random) -> Pairs:
    """Return names and values as JSON, most of them good, in any order."""
    found = [
        (name, json.dumps(value) if draw.random() < 0.85 else draw.choice(VALUES))
        for name, value in draw.sample([*FIT.items()], len(FIT))
    ]
    if draw.random() < 0.15:
        found.pop()
    if draw.random() < 0.15:
        found.append((draw.choice(NAMES), draw.choice(VALUES)))
    return [(escaped(name) if draw.random() < 0.1 else json.dumps(name), each)
            for name, each in found]  # fmt: skip


def escaped(name: str) -> str:
    return '"' + "".join(f"\\u{ord(each):04x}" for each in name) + '"'


def joined(given: Pairs, form: str = "{}:{}") -> str:
    return ",".join(form.format(*each) for each in given)


def table(given: Pairs) -> str:
    names, values = ",".join(name for name, _ in given), ",".join(value for _, value in given)
    return f'{{"data":[[{values}]],"columns":[{names}],"index":[0]}}'


FORMS: dict[str, Callable[[Pairs], str]] = {
    "mlflow /invocations split": lambda given: f'{{"dataframe_split":{table(given)}}}',
    "mlflow /invocations records": lambda given: f'{{"dataframe_records":[{{{joined(given)}}}]}}',
    "mlflow /invocations inputs": lambda given: f'{{"inputs":{{{joined(given, "{}:[{}]")}}}}}',
    "vertex /predict instances": lambda given: f'{{"instances":[{{{joined(given)}}}]}}',
    "azureml /score split": lambda given: f'{{"input_data":{table(given)}}}',
    "azureml /score records": lambda given: f'{{"input_data":[{{{joined(given)}}}]}}',
    "sagemaker /invocations array": lambda given: f"[{{{joined(given)}}}]",
}  # fmt: skip


@pytest.fixture(scope="module", params=["mlflow", "vertex", "azureml", "sagemaker"])
def server(
    request: pytest.FixtureRequest, bundle: Path, serve: Serve,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, Running]]:  # fmt: skip
    platform: str = request.param
    with up(serve, bundle, tmp_path_factory.mktemp("log"), platform) as running:
        yield platform, running


def told(answer: httpx.Response) -> list[object]:
    """Return the status, and the scores of an array in whatever form."""
    found = answer.json()
    found = found.get("predictions", found) if isinstance(found, dict) else found
    scores = [each["probability"] for each in found] if answer.status_code == 200 else []
    return [answer.status_code, *scores]


def test_every_form_answers_as_score_does(server: tuple[str, Running]) -> None:
    platform, running = server
    draw, seen = random.Random(platform), set[int]()
    with httpx.Client(headers={"Content-Type": "application/json"}) as client:
        for given in (pairs(draw) for _ in range(COUNT)):
            plain = f"[{{{joined(given)}}}]"
            wanted = told(client.post(running.url + "/score", content=plain.encode()))
            seen.add(int(str(wanted[0])))
            for name, form in FORMS.items():
                whose, path, _ = name.split()
                if whose == platform:
                    sent = form(given).encode()
                    assert told(client.post(running.url + path, content=sent)) == wanted, sent
    assert seen == {200, 400, 422}
