"""The stored answers: concurrent callers, old ones, callers apart, and a file that is broken."""

import asyncio
import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from server.http.expiry import EXPIRE, Expiry
from server.http.idempotency import BusyError, Store
from server.http.problem import Problem
from tests.conftest import Running, Serve
from tests.server.asking import post
from tests.server.wire import BODY, FIT
from tests.waiting import until, until_said

NAME = "idempotency.sqlite3"


def test_one_key_at_once_on_four_workers_is_scored_once(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """A batch, asked thirty times at once: the same bytes, one record a row.

    One worker may get all of them, and lets no more than 32 wait.
    """
    body = json.dumps([FIT] * 3).encode()
    with serve(bundle, tmp_path, "--workers", "4") as up:
        answers = asyncio.run(at_once(up, body, 30))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
        assert len(up.records()) == 3


async def at_once(server: Running, body: bytes, count: int) -> list[httpx.Response]:
    head = {"content-type": "application/json", "idempotency-key": "k"}

    async def one() -> httpx.Response:
        async with httpx.AsyncClient(timeout=60) as client:
            for _ in range(30):
                answer = await client.post(f"{server.url}/score", content=body, headers=head)
                if answer.status_code != 503:  # the others took longer than one waits
                    break
                await asyncio.sleep(1)
            return answer

    return list(await asyncio.gather(*(one() for _ in range(count))))


def test_workers_that_open_the_store_at_once_all_get_it(tmp_path: Path) -> None:
    """Who came second was told that the database is locked, now and then."""
    at_once = threading.Barrier(4)

    def first(file: Path) -> tuple[bytes, bool]:
        at_once.wait()
        store = Store(file, 60.0)
        while True:
            with suppress(BusyError):
                return store.answer("key", "id", (BODY,), lambda: b"answer")

    with ThreadPoolExecutor(4) as workers:
        for n in range(150):
            answers = list(workers.map(first, [tmp_path / f"{n}.sqlite3"] * 4))
            assert sorted(answers) == [(b"answer", False)] + [(b"answer", True)] * 3


def held(file: Path) -> sqlite3.Connection:
    """Hold the file as another process may: `log erase`, a backup, somebody's shell."""
    Store(file, 60.0).answer("other", "id", (BODY,), lambda: b"answer")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("begin exclusive")
    return other


def keyed_post(server: Running, key: str) -> httpx.Response:
    """Send a score with a key and wait for its answer as long as it takes."""
    head = {"content-type": "application/json", "idempotency-key": key}
    return httpx.post(f"{server.url}/score", content=BODY, headers=head, timeout=60)


def test_who_finds_the_file_held_is_told_so_at_once(tmp_path: Path) -> None:
    """Whether it is open or not; it is asked again by who can wait."""
    with closing(held(tmp_path / NAME)):
        store = Store(tmp_path / NAME, 60.0)
        for _ in range(3):
            with pytest.raises(BusyError, match="locked"):
                store.answer("key", "id", (BODY,), lambda: b"another answer")
    assert store.answer("key", "id", (BODY,), lambda: b"answer") == (b"answer", False)


def test_who_holds_the_file_holds_up_no_other_request(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """Four hundred requests with a key wait or are refused; in that time, all others are answered.

    Every worker used to stand still for five seconds, and again once a second for what is old.
    """
    file = tmp_path / NAME
    with serve(bundle, tmp_path, "--workers", "2") as up:
        assert post(up, idempotency_key="before").status_code == 200
        with closing(held(file)) as other:
            waiting = ThreadPoolExecutor(100)
            keyed = [waiting.submit(keyed_post, up, f"k{n}") for n in range(400)]
            until(lambda: sum(each.done() for each in keyed) > 200, 60)  # refused, not queued
            with httpx.Client(timeout=60) as client:
                head = {"content-type": "application/json"}
                for _ in range(50):
                    assert client.post(f"{up.url}/score", content=BODY, headers=head).is_success
            assert httpx.get(f"{up.url}/metrics").status_code == 200
            other.execute("rollback")
        answers = [each.result() for each in keyed]
        waiting.shutdown()
    assert {answer.status_code for answer in answers} == {200, 503}
    assert all(a.headers.get("retry-after") == "1" for a in answers if a.status_code == 503)
    assert all("held" in a.json()["detail"] for a in answers if a.status_code == 503)


def test_who_has_waited_for_too_long_is_refused(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    with serve(bundle, tmp_path) as up:
        assert post(up, idempotency_key="before").status_code == 200
        with closing(held(tmp_path / NAME)):
            assert keyed_post(up, "k").status_code == 503
            assert post(up, idempotency_key="k", x_request_timeout_ms="50").status_code == 504
        assert post(up, idempotency_key="k").status_code == 200


def test_a_store_in_a_folder_that_is_gone_is_a_503(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="No such file or directory") as problem:
        Store(tmp_path / "gone" / NAME, 60.0).answer("key", "id", (BODY,), lambda: b"answer")
    assert problem.value.status == 503


def test_callers_do_not_see_each_others_answers(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    """Not even where one's name and key are the other's together."""
    keys = {"a": "secret of a", "a:b": "secret of a:b"}
    lines = [
        {"id": name, "sha256": hashlib.sha256(key.encode()).hexdigest(), "scopes": ["score"]}
        for name, key in keys.items()
    ]
    file = tmp_path / "keys"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with serve(bundle, tmp_path, "--keys", str(file)) as up:
        first = post(up, x_api_key=keys["a"], idempotency_key="b:c")
        second = post(up, x_api_key=keys["a:b"], idempotency_key="c")
        assert (first.status_code, second.status_code) == (200, 200)
        assert "idempotency-replayed" not in second.headers


def test_a_broken_file_fails_only_who_asks_for_it(
    bundle: Path, serve: Serve, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Scores, metrics and the workers go on; a key is a 503 and no guess."""
    (tmp_path / NAME).write_bytes(b"not a database" * 1000)
    with serve(bundle, tmp_path) as up:
        workers = up.workers()
        until_said(capfd, "kept the stored answers: ")
        assert post(up).status_code == 200
        assert post(up, idempotency_key="k").status_code == 503
        assert httpx.get(f"{up.url}/metrics").status_code == 200
        assert up.workers() == workers


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The file of a store that has answered once and whose answers are old at once."""
    store = Store(tmp_path / NAME, 0.0)
    store.answer("key", "id", (BODY,), lambda: b"answer")
    with sqlite3.connect(tmp_path / NAME) as connection:
        yield connection


def test_what_is_old_is_found_without_reading_the_table(database: sqlite3.Connection) -> None:
    """It is looked for once a second in every worker, between two requests."""
    plan = " ".join(str(row) for row in database.execute(f"explain query plan {EXPIRE}", (0.0,)))
    assert "USING INDEX answer_time" in plan or "USING COVERING INDEX answer_time" in plan
    assert "SCAN answer" not in plan


def test_a_great_many_old_answers_go_in_parts(database: sqlite3.Connection, tmp_path: Path) -> None:
    rows = ((str(i), b"", b"", 0.0, "") for i in range(2500))
    database.executemany("insert into answer values (?, ?, ?, ?, ?)", rows)
    database.commit()
    expiry, left = Expiry(tmp_path / NAME, 60.0), []
    for _ in range(3):
        expiry.expire()
        left.append(database.execute("select count(*) from answer").fetchone()[0])
    assert left == [1501, 501, 1]
