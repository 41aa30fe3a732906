from __future__ import annotations

import pytest

from mailproxy.demo.imap_words import Malformed, literal_at_end, quoted, ranges, words


@pytest.mark.parametrize(
    ("segments", "found"),
    [
        ([b"NOOP"], [b"NOOP"]),
        ([b'LOGIN "a \\"b\\"" ""'], [b"LOGIN", b'a "b"', b""]),
        ([b"STORE 1 +FLAGS (\\Seen \\Deleted)"], [b"STORE", b"1", b"+FLAGS", [b"\\Seen", b"\\Deleted"]]),
        (
            [b"FETCH 1 (UID BODY.PEEK[HEADER.FIELDS (From To)]<0.9>)"],
            [b"FETCH", b"1", [b"UID", b"BODY.PEEK[HEADER.FIELDS (From To)]<0.9>"]],
        ),
        ([b"APPEND x (\\Seen) ", b"a ) (\r\n", b""], [b"APPEND", b"x", [b"\\Seen"], b"a ) (\r\n"]),
    ],
)
def test_words(segments: list[bytes], found: list[object]) -> None:
    assert words(segments) == found


@pytest.mark.parametrize("bad", [b"(", b"a)", b'"a', b"BODY[x"])
def test_malformed(bad: bytes) -> None:
    with pytest.raises(Malformed):
        words([bad])


def test_literals() -> None:
    assert literal_at_end(b"LOGIN {3}") == (b"LOGIN ", 3, True)
    assert literal_at_end(b"LOGIN {3+}") == (b"LOGIN ", 3, False)
    assert literal_at_end(b'LOGIN "{3}"') is None


@pytest.mark.parametrize(
    ("given", "found"),
    [(b"1:*", [1, 2, 3]), (b"*:2", [2, 3]), (b"2,3", [2, 3]), (b"*", [3]), (b"9:*", [3, 4, 5, 6, 7, 8, 9])],
)
def test_ranges(given: bytes, found: list[int]) -> None:
    assert [number for part in ranges(given, 3) for number in part] == found


@pytest.mark.parametrize("bad", [b"", b"a", b"1:", b"1,,2", b"-1"])
def test_no_ranges(bad: bytes) -> None:
    with pytest.raises(Malformed):
        ranges(bad, 3)


def test_quoted() -> None:
    assert quoted('a"\\') == b'"a\\"\\\\"'
    assert quoted("ü") == b"{2}\r\n\xc3\xbc"
