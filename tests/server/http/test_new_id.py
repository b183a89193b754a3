"""Ids for requests that came without one."""

import os
import re

from server.http import new_id


def many(count: int) -> list[str]:
    return [new_id.new_id() for _ in range(count)]


def test_every_id_is_another() -> None:
    drawn = many(3 * new_id.AT_ONCE)
    assert len(set(drawn)) == len(drawn)
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in drawn)


def test_processes_that_were_forked_do_not_share_ids() -> None:
    """Neither with each other nor with the one they came from, which had some to spare."""
    many(1)
    drawn = [forked() for _ in range(2)] + [many(2 * new_id.AT_ONCE)]
    ids = [each for some in drawn for each in some]
    assert len(set(ids)) == len(ids) == 6 * new_id.AT_ONCE


def forked() -> list[str]:
    """Return what a child of this process draws."""
    here, there = os.pipe()
    if not os.fork():
        os.write(there, " ".join(many(2 * new_id.AT_ONCE)).encode())
        os._exit(0)
    os.wait()
    os.close(there)
    with open(here) as pipe:
        return pipe.read().split()
