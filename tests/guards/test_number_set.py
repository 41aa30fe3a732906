"""Sets of message numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.guards.number_set import NumberSet, length, pieces

LARGEST = 4_294_967_295


@pytest.mark.parametrize(
    ("ranges", "sent", "count"),
    [
        ([], b"", 0),
        ([(7, 7)], b"7", 1),
        ([(3, 3), (1, 1), (2, 2)], b"1:3", 3),
        ([(1, 3), (2, 9), (11, 12)], b"1:9,11:12", 11),
        ([(1, LARGEST)], b"1:4294967295", LARGEST),
    ],
)
def test_ranges_are_put_together(ranges: list[tuple[int, int]], sent: bytes, count: int) -> None:
    made = NumberSet.of(ranges)
    assert b",".join(made.chunks(1000)) == sent
    assert len(made) == count
    assert bool(made) is bool(count)


def numbers(text: bytes) -> set[int]:
    found = set()
    for part in text.split(b","):
        low, _, high = part.partition(b":")
        found |= set(range(int(low), int(high or low) + 1))
    return found


@given(st.sets(st.integers(1, 300)), st.sets(st.integers(1, 300)), st.integers(7, 40))
def test_the_pieces_are_the_set(some: set[int], others: set[int], octets: int) -> None:
    made = NumberSet.of((n, n) for n in some) | NumberSet.of((n, n) for n in others)
    chunks = list(made.chunks(octets))
    assert all(0 < len(chunk) <= octets for chunk in chunks)
    told = [number for chunk in chunks for number in sorted(numbers(chunk))]
    assert told == sorted(some | others)
    assert sum(map(length, chunks)) == len(made)


@pytest.mark.parametrize(
    ("sent", "octets", "parts"),
    [
        ("$", 10, [b"$"]),
        ("1:*", 10, [b"1:*"]),
        ("1,2,3:4,*", 5, [b"1,2", b"3:4,*"]),
        ("100:200,300:400", 7, [b"100:200", b"300:400"]),
    ],
)
def test_a_set_of_the_client_is_cut_at_its_commas(sent: str, octets: int, parts: list[bytes]) -> None:
    assert list(pieces(sent, octets)) == parts
