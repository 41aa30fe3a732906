from __future__ import annotations

import pytest

from mailproxy.capture.frames import STRIP
from tests.capture.packets import (
    CLIENT,
    CLIENT_6,
    SERVER,
    SERVER_6,
    cooked,
    cooked_2,
    ethernet,
    loopback,
    packet,
    raw,
)

V4 = packet(CLIENT, SERVER, 1, b"a")
V6 = packet(CLIENT_6, SERVER_6, 1, b"a")
ARP = b"\x08\x06"

LAYERS = [
    pytest.param(1, ethernet, id="ethernet"),
    pytest.param(1, lambda inner: ethernet(inner, 0x8100), id="802.1Q"),
    pytest.param(1, lambda inner: ethernet(inner, 0x88A8, 0x8100), id="802.1ad"),
    pytest.param(1, lambda inner: ethernet(inner, 0x9100, 0x8100, 0x8100), id="three tags"),
    pytest.param(113, cooked, id="cooked"),
    pytest.param(276, cooked_2, id="cooked 2"),
    *[pytest.param(link, raw, id=f"raw {link}") for link in (12, 14, 101)],
]


@pytest.mark.parametrize("inner", [V4, V6], ids=["v4", "v6"])
@pytest.mark.parametrize(("link", "layer"), LAYERS)
def test_where_ip_begins(link, layer, inner):
    before = b"previous"
    frame = layer(inner)
    at = STRIP[link](before + frame + b"next", len(before), len(before + frame))
    assert (before + frame)[at:].startswith(inner)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("family", [2, 10, 24, 28, 30])
@pytest.mark.parametrize("link", [0, 108])
def test_loopback(link, family, order):
    frame = loopback(family, order)(V4)
    assert STRIP[link](frame, 0, len(frame)) == 4


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        pytest.param(1, ethernet(V4).replace(b"\x08\x00", ARP, 1), id="ethernet"),
        pytest.param(1, ethernet(V4, *[0x8100] * 9), id="too many tags"),
        pytest.param(113, cooked(V4).replace(b"\x08\x00", ARP, 1), id="cooked"),
        pytest.param(276, ARP + cooked_2(V4)[2:], id="cooked 2"),
        pytest.param(0, loopback(7, "<")(V4), id="loopback"),
    ],
)
def test_what_is_not_ip(link, frame):
    assert STRIP[link](frame, 0, len(frame)) == -1


@pytest.mark.parametrize(
    ("link", "layer", "header"),
    [
        (1, ethernet, 14),
        (1, lambda inner: ethernet(inner, 0x8100), 18),
        (113, cooked, 16),
        (276, cooked_2, 20),
        (0, loopback(2, "<"), 4),
    ],
)
def test_never_looks_behind_the_frame(link, layer, header):
    frame = layer(V4)
    for end in range(header):
        assert STRIP[link](frame, 0, end) == end


def test_a_packet_that_its_file_contradicts():
    assert STRIP[-1](V4, 3, 20) == 20
