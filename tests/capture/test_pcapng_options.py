from __future__ import annotations

from struct import pack

import pytest

from mailproxy.capture.pcapng_options import comments, resolution
from tests.capture.packets import option


@pytest.mark.parametrize("order", ["<", ">"])
def test_comments(order):
    options = [
        option(1, "é".encode(), order),
        option(5, b"hash", order),
        option(1, b"two", order),
        option(0, b"", order),
    ]
    octets = b"before" + b"".join(options) + option(1, b"behind the end", order)
    assert comments(order, octets, 6, len(octets)) == ("é", "two")


@pytest.mark.parametrize(
    ("octets", "found"),
    [
        pytest.param(b"", (), id="none"),
        pytest.param(option(1, b"a")[:3], (), id="cut in the pair"),
        pytest.param(option(1, b"ok") + pack("<HH", 1, 60000) + b"x", ("ok",), id="leads out of the block"),
        pytest.param(option(1, b"a\xffb"), ("a�b",), id="no UTF-8"),
        pytest.param(option(1, b"ab")[:-2], ("ab",), id="padding left out"),
    ],
)
def test_odd_comments(octets, found):
    assert comments("<", octets + b"next block", 0, len(octets)) == found


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("code", "value", "expected"),
    [
        pytest.param(2, b"eth0", ("eth0", 10**6, 0), id="name"),
        pytest.param(2, b"x" * 1000, ("x" * 256, 10**6, 0), id="long name"),
        pytest.param(9, b"\x09", ("", 10**9, 0), id="ns"),
        pytest.param(9, b"\x94", ("", 2**20, 0), id="power of two"),
        pytest.param(9, b"", ("", 10**6, 0), id="no resolution"),
        pytest.param(14, b"offset", ("", 10**6, 0), id="an offset of another length"),
        pytest.param(3, b"comment", ("", 10**6, 0), id="others"),
    ],
)
def test_interfaces(order, code, value, expected):
    octets = option(code, value, order)
    assert resolution(order, octets, 0, len(octets)) == expected


@pytest.mark.parametrize("order", ["<", ">"])
def test_offset(order):
    octets = option(14, pack(order + "q", -3600), order)
    assert resolution(order, octets, 0, len(octets)) == ("", 10**6, -3600)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("length", range(9))
def test_one_comment(order, length):
    octets = b"before" + option(1, b"c" * length, order) + option(0, b"", order)
    assert comments(order, octets + b"next", 6, len(octets)) == ("c" * length,)
    assert comments(order, octets + b"next", 6, len(octets) - 4) == ("c" * length,)
    assert comments(order, octets + b"next", 6, 6) == ()
