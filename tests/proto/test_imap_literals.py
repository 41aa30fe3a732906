"""Headers of literals, and where a command is cut before them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.proto.imap_literals import Literal, ends_like_a_literal, literal_at_end, splits


@pytest.mark.parametrize(
    ("line", "octets", "synchronising", "look_alike"),
    [
        (b"a SELECT {5}\r\n", 5, True, False),
        (b"a SELECT {5+}\r\n", 5, False, False),
        (b"a APPEND x ~{5}\r\n", 5, True, False),
        (b"a APPEND x ~{5+}\r\n", 5, False, False),
        (b"a SELECT {0}\r\n", 0, True, False),
        (b"a SELECT {99999999999999999999}\r\n", 99999999999999999999, True, False),
        (b'a SELECT "x" {5}\r\n', 5, True, False),
        (b'a SELECT "x {5}\r\n', 5, True, True),
        (b'a SELECT "x \\" {5+}\r\n', 5, False, True),
    ],
)
def test_a_header_at_the_end(line: bytes, octets: int, synchronising: bool, look_alike: bool) -> None:
    literal = literal_at_end(line)
    assert literal is not None
    assert (literal.octets, literal.synchronising, literal.look_alike) == (octets, synchronising, look_alike)


@pytest.mark.parametrize(
    "line",
    [
        b"a NOOP\r\n",
        b"a SELECT {5}\n",
        b"a SELECT {5}",
        b"a SELECT {5} \r\n",
        b"a SELECT {}\r\n",
        b"a SELECT {-5}\r\n",
        b"a SELECT {5-}\r\n",
        b"a SELECT {5++}\r\n",
        b"a SELECT 5}\r\n",
        b"a SELECT { 5}\r\n",
        b"a SELECT {" + b"1" * 21 + b"}\r\n",
        b"a SELECT {" + b"1" * 40 + b"}\r\n",
    ],
)
def test_no_header(line: bytes) -> None:
    assert literal_at_end(line) is None


@pytest.mark.parametrize(
    ("line", "synchronised"),
    [
        (b"a SELECT {5+}\r\n", b"a SELECT {5}\r\n"),
        (b"a SELECT {5}\r\n", b"a SELECT {5}\r\n"),
        (b"a APPEND x ~{12+}\r\n", b"a APPEND x ~{12}\r\n"),
    ],
)
def test_a_line_is_made_synchronising(line: bytes, synchronised: bytes) -> None:
    literal = literal_at_end(line)
    assert literal is not None
    assert literal.synchronised(line) == synchronised


@pytest.mark.parametrize(
    ("number", "odd"),
    [
        *((b"0", False), (b"10", False), (b"010", True), (b"00", True)),
        *((b"%d" % ((1 << 63) - 1), False), (b"%d" % (1 << 63), True)),
    ],
)
def test_numbers_about_which_servers_differ(number: bytes, odd: bool) -> None:
    literal = literal_at_end(b"a SELECT {" + number + b"}\r\n")
    assert literal is not None
    assert literal.odd is odd


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        (b"a SELECT {5}\r\n", True),
        (b"a SELECT {x}\r\n", True),
        (b"a SELECT {}\r\n", True),
        (b"a SELECT ~{5+}\r\n", True),
        (b"a SELECT x}\r\n", False),
        (b"a SELECT {x\r\n", False),
        (b"a SELECT {x} \r\n", False),
    ],
)
def test_what_ends_like_a_literal(line: bytes, ends: bool) -> None:
    assert ends_like_a_literal(line) is ends


def never(literal: Literal) -> bool:
    return False


def always(literal: Literal) -> bool:
    return True


@pytest.mark.parametrize(
    ("command", "takes", "pieces"),
    [
        (b"a NOOP\r\n", never, [b"a NOOP\r\n"]),
        (b"a X {1}\r\nx\r\n", never, [b"a X {1}\r\n", b"x\r\n"]),
        (b"a X {1}\r\nx\r\n", always, [b"a X {1}\r\n", b"x\r\n"]),
        (b"a X {1+}\r\nx\r\n", never, [b"a X {1}\r\n", b"x\r\n"]),
        (b"a X {1+}\r\nx\r\n", always, [b"a X {1+}\r\nx\r\n"]),
        (b"a X {1+}\r\nx {1}\r\ny\r\n", always, [b"a X {1+}\r\nx {1}\r\n", b"y\r\n"]),
        (b"a X {5+}\r\n{9}\r\n\r\n", never, [b"a X {5}\r\n", b"{9}\r\n\r\n"]),
        (b"a X {0+}\r\n {0}\r\n\r\n", never, [b"a X {0}\r\n", b" {0}\r\n", b"\r\n"]),
        (b"a X {1+}\r\nx {7+}\r\n", never, [b"a X {1}\r\n", b"x {7+}\r\n"]),  # still to come
    ],
)
def test_splits(command: bytes, takes: object, pieces: list[bytes]) -> None:
    assert splits(command, takes) == pieces  # type: ignore[arg-type]


arguments = st.lists(
    st.one_of(
        st.sampled_from([b"word", b"(a b)", b'"quoted"']),
        st.tuples(st.binary(max_size=12), st.sampled_from([b"", b"+"]), st.sampled_from([b"", b"~"])).map(
            lambda each: b"%s{%d%s}\r\n%s" % (each[2], len(each[0]), each[1], each[0])
        ),
    ),
    max_size=6,
)


@given(arguments)
def test_the_pieces_are_the_command_but_for_plus(args: list[bytes]) -> None:
    command = b" ".join([b"a", b"X", *args]) + b"\r\n"
    pieces = splits(command, never)
    expected = b" ".join([b"a", b"X", *(re.sub(rb"\A(~?\{\d+)\+", rb"\1", arg, count=1) for arg in args)])
    assert b"".join(pieces) == expected + b"\r\n"
    assert len(pieces) == 1 + sum(re.match(rb"~?\{", arg) is not None for arg in args)
    assert all(literal_at_end(piece) for piece in pieces[:-1])
