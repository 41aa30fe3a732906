"""Octets in pieces, for tests that cut them anywhere."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

places = st.lists(st.integers(0, 400), max_size=10)


def pieces(data: bytes, at: list[int]) -> list[bytes]:
    """``data`` in pieces that are not empty; each number of ``at`` is a place to cut, modulo its length."""
    cuts = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
    return [data[start:end] for start, end in pairwise(cuts) if end > start]
