"""Octets that are kept come back as they were."""

from __future__ import annotations

from hashlib import sha256

import pytest

from mailproxy.capture.bodies import BodyStore

BIG = bytes(range(256)) * 2000  # more than stays in memory


@pytest.mark.parametrize("pieces", [[], [b""], [b"small"], [b"a", b"b"], [BIG], [b"a", BIG, b"b", BIG, b"c"]])
def test_what_was_appended_comes_back(pieces: list[bytes]) -> None:
    with BodyStore() as store:
        body = store.new()
        for piece in pieces:
            body.append(piece)
        whole = b"".join(pieces)
        assert body.octets == len(whole)
        for _ in range(2):
            assert body.read() == whole
        assert body.digest() == sha256(whole).hexdigest()
        assert all(body.chunks())


def test_bodies_do_not_mix() -> None:
    with BodyStore() as store:
        first, second = store.new(b"1"), store.new(b"2")
        for _ in range(3):
            first.append(b"a" * 70_000)
            second.append(b"b" * 70_000)
        assert first.read() == b"1" + b"a" * 210_000
        assert second.read() == b"2" + b"b" * 210_000
        second.append(b"!")
        assert second.read()[-2:] == b"b!"


def test_one_can_be_read_while_another_one_grows() -> None:
    with BodyStore() as store:
        first, second = store.new(b"a" * 600_000), store.new()
        read = []
        for chunk in first.chunks():
            second.append(b"b" * 100_000)
            read.append(chunk)
        assert b"".join(read) == b"a" * 600_000
        assert second.read() == b"b" * 100_000 * len(read)


def test_what_it_holds_is_not_shown() -> None:
    with BodyStore() as store:
        assert "hunter2" not in repr(store.new(b"hunter2"))


def test_the_store_can_be_left_without_a_file() -> None:
    with BodyStore() as store:
        assert store.new(b"x").read() == b"x"
