from __future__ import annotations

from mailproxy.capture.frames import STRIP
from mailproxy.capture.internet import Left, segment
from mailproxy.capture.packets import NOWHERE, Interface
from tests.capture.packets import CLIENT, SERVER, packet


def test_two_interfaces_that_look_alike_are_two():
    assert Interface(1, "eth0") != Interface(1, "eth0")


def test_what_was_nowhere_is_damaged():
    octets = packet(CLIENT, SERVER, 1)
    assert segment(octets, STRIP[NOWHERE.link](octets, 0, 40), 40, 40) is Left.DAMAGED
