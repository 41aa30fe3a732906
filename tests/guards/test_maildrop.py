"""A maildrop of which a program does not see all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.guards.maildrop import BadListing, Listing, Maildrop, read_listing


def listed(*octets: int) -> Listing:
    numbers = range(1, len(octets) + 1)
    return Listing(numbers, octets, [b"u%d" % number for number in numbers])


@pytest.mark.parametrize(
    ("sizes", "uidls", "found"),
    [
        (b".\r\n", b".\r\n", []),
        (b"1 120\r\n2 0\r\n.\r\n", b"1 a\r\n2 b\r\n.\r\n", [(1, 120, b"a"), (2, 0, b"b")]),
        (b"3 7\r\n9 8\r\n.\r\n", b"3 a\r\n9 b\r\n.\r\n", [(3, 7, b"a"), (9, 8, b"b")]),
        # Words behind the size are allowed, though discouraged.
        (b"1 120 more words\r\n2 5\r\n.\r\n", b"1 a\r\n2 b x\r\n.\r\n", [(1, 120, b"a"), (2, 5, b"b")]),
        # Listed without a UIDL, and the other way round.
        (b"1 120\r\n2 5\r\n.\r\n", b"1 a\r\n.\r\n", [(1, 120, b"a"), (2, 5, b"")]),
        (b"1 120\r\n.\r\n", b"1 a\r\n2 b\r\n.\r\n", [(1, 120, b"a")]),
        (b"1 120\n.\n", b"1 a\n.\n", [(1, 120, b"a")]),
    ],
)
def test_listings(sizes: bytes, uidls: bytes, found: list[tuple[int, int, bytes]]) -> None:
    assert list(read_listing(sizes, uidls)) == found


@pytest.mark.parametrize(
    ("sizes", "uidls"),
    [
        (b"", b".\r\n"),
        (b"1 120\r\n", b"1 a\r\n.\r\n"),
        (b"1 120\r\n1 130\r\n.\r\n", b"1 a\r\n.\r\n"),
        (b"1 120\r\n.\r\n", b"1 a\r\n1 b\r\n.\r\n"),
        (b"1\r\n.\r\n", b"1 a\r\n.\r\n"),
        (b"1 big\r\n.\r\n", b"1 a\r\n.\r\n"),
        (b"one 120\r\n.\r\n", b"1 a\r\n.\r\n"),
        (b"1 120\r\n\r\n.\r\n", b"1 a\r\n.\r\n"),
        (b"1\r\n2 100 3\r\n.\r\n", b"1 a\r\n.\r\n"),
        (b"1 5\r\n2 6\r\n.\r\n", b"1 \r\n2 uid extra\r\n.\r\n"),
        (b"1 5\r\n01 6\r\n.\r\n", b"1 a\r\n01 b\r\n.\r\n"),
        (b"1 5\r\n+2 6\r\n.\r\n", b"1 a\r\n2 b\r\n.\r\n"),
        (b"1 5\r\n1_0 6\r\n.\r\n", b"1 a\r\n2 b\r\n.\r\n"),
        (b"0 5\r\n.\r\n", b"0 a\r\n.\r\n"),
        (b"1 -5\r\n.\r\n", b"1 a\r\n.\r\n"),
    ],
)
def test_what_is_no_listing(sizes: bytes, uidls: bytes) -> None:
    with pytest.raises(BadListing):
        read_listing(sizes, uidls)


def test_uidls_that_two_messages_have() -> None:
    assert Listing((1, 2, 3), (1, 1, 1), (b"a", b"b", b"a")).doubled() == {b"a"}
    assert Listing((1, 2), (1, 1), (b"", b"")).doubled() == frozenset()
    assert listed(1, 2, 3).doubled() == frozenset()


def test_visible_messages_are_numbered_from_one() -> None:
    maildrop = Maildrop(listed(10, 20, 30, 40), hidden={1, 3})
    assert maildrop.stat() == b"+OK 2 60\r\n"
    assert maildrop.list_all() == b"+OK 2 messages (60 octets)\r\n1 20\r\n2 40\r\n.\r\n"
    assert maildrop.uidl_all().split(b"\r\n")[1:-1] == [b"1 u2", b"2 u4", b"."]
    found = maildrop.find(2)
    assert found is not None
    assert found.number == 4
    assert maildrop.find(0) is None
    assert maildrop.find(3) is None
    assert maildrop.find(-1) is None


def test_a_deleted_message_leaves_a_hole_in_the_listing() -> None:
    maildrop = Maildrop(listed(10, 20, 30))
    maildrop.mark(2)
    assert maildrop.stat() == b"+OK 2 40\r\n"
    assert maildrop.list_all() == b"+OK 2 messages (40 octets)\r\n1 10\r\n3 30\r\n.\r\n"
    assert maildrop.find(2) is None
    assert maildrop.find(3) is not None
    assert [message.number for message in maildrop.marks()] == [2]


def test_reset_brings_all_back() -> None:
    maildrop = Maildrop(listed(10, 20, 30))
    maildrop.mark(1)
    maildrop.delete(2)
    maildrop.last = 3
    maildrop.reset()
    assert maildrop.stat() == b"+OK 3 60\r\n"
    assert (maildrop.marks(), maildrop.last) == ([], 0)


def test_a_deletion_that_the_server_refused_is_none() -> None:
    maildrop = Maildrop(listed(10, 20), hidden={1})
    maildrop.delete(1)
    assert maildrop.restore(1) == 2
    assert maildrop.restore(1) == 0
    assert maildrop.stat() == b"+OK 1 20\r\n"


@given(
    st.lists(st.integers(0, 10_000), max_size=20),
    st.sets(st.integers(1, 20)),
    st.lists(
        st.tuples(st.sampled_from(["mark", "delete", "restore", "reset"]), st.integers(-1, 25)), max_size=40
    ),
)
def test_counts_and_octets_are_those_of_the_listing(
    octets: list[int], hidden: set[int], acts: list[tuple[str, int]]
) -> None:
    maildrop = Maildrop(listed(*octets), hidden)
    for act, number in acts:
        if act == "reset":
            maildrop.reset()
        else:
            getattr(maildrop, act)(number)
        rows = [line.split() for line in maildrop.list_all().splitlines()[1:-1]]
        assert maildrop.stat() == b"+OK %d %d\r\n" % (len(rows), sum(int(row[1]) for row in rows))
        for number_there, size in rows:
            message = maildrop.find(int(number_there))
            assert message is not None
            assert message.octets == int(size)
            assert message.number not in hidden
