"""The body of a request on its way, held in few pieces."""

from server.http.body import MOST_PIECES, Body


def test_it_is_what_came_in_the_order_it_came() -> None:
    body = Body()
    pieces = [b"%d," % number for number in range(3 * MOST_PIECES + 1)]
    for piece in pieces:
        body.add(piece)
    assert body.count == sum(map(len, pieces))
    whole = body.take()
    assert whole == b"".join(pieces)
    assert isinstance(whole, bytes)


def test_what_was_taken_is_held_no_more() -> None:
    body = Body()
    body.add(b"one")
    assert body.take() == b"one"
    assert body.take() == b""
    body.add(b"two")
    assert body.take() == b"two"


def test_what_nobody_will_read_is_counted_and_not_held() -> None:
    body = Body()
    body.add(b"before it was known")
    body.drop()
    body.add(b"after")
    assert body.count == len(b"before it was known" + b"after")
    assert body.take() == b""
