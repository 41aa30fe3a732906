from __future__ import annotations

import pytest

from mailproxy.capture.connections import Connections
from mailproxy.capture.internet import Left, segment
from mailproxy.capture.model import Opened, Tally
from mailproxy.capture.notes import Notes
from mailproxy.capture.packets import Interface
from tests.capture.packets import (
    ACK,
    CLIENT,
    RST,
    SERVER,
    SYN,
    enhanced,
    events,
    interface,
    option,
    packet,
    pcap,
    section,
    told,
)

HERE = ("192.0.2.1", 40000)


@pytest.mark.parametrize(
    ("source", "target", "flags", "client"),
    [
        pytest.param(("192.0.2.1", 5), ("192.0.2.2", 9), SYN, "192.0.2.1:5", id="sends SYN"),
        pytest.param(("192.0.2.1", 9), ("192.0.2.2", 5), SYN | ACK, "192.0.2.2:5", id="answers SYN"),
        pytest.param(("192.0.2.1", 5), ("192.0.2.2", 9), ACK, "192.0.2.2:9", id="the higher port"),
        pytest.param(("192.0.2.1", 9), ("192.0.2.2", 5), ACK, "192.0.2.1:9", id="the higher port speaks"),
        pytest.param(("192.0.2.1", 5), ("192.0.2.2", 5), ACK, "192.0.2.1:5", id="the first, of equal ports"),
        pytest.param(("192.0.2.1", 5), ("192.0.2.1", 5), SYN, "192.0.2.1:5", id="talks to itself"),
    ],
)
def test_who_is_the_client(tmp_path, source, target, flags, client):
    found = events(
        tmp_path / "a.pcap", pcap([packet(source, target, 1, flags=flags), packet(target, source, 7)])
    )
    assert [event.stream.client for event in found if isinstance(event, Opened)] == [client]


REUSE = {
    "another SYN": (
        [(CLIENT, 100, SYN), (CLIENT, 700, SYN)],
        ["0 opened", "0 closed cut", "1 opened", "1 closed cut"],
    ),
    "the same SYN": ([(CLIENT, 100, SYN), (CLIENT, 100, SYN)], ["0 opened", "0 closed cut"]),
    "behind RST": (
        [(CLIENT, 100, SYN), (SERVER, 0, RST), (CLIENT, 700, SYN)],
        ["0 opened", "0 closed rst", "1 opened", "1 closed cut"],
    ),
    "the same SYN behind RST": (
        [(CLIENT, 100, SYN), (SERVER, 0, RST), (CLIENT, 100, SYN)],
        ["0 opened", "0 closed rst"],
    ),
    "the same SYN behind a whole connection": (
        [(CLIENT, 100, SYN), (SERVER, 5, SYN | ACK), (SERVER, 6, RST), (CLIENT, 100, SYN)],
        ["0 opened", "0 closed rst", "1 opened", "1 closed cut"],
    ),
    "the same answer behind RST": (
        [(CLIENT, 100, SYN), (SERVER, 5, SYN | ACK), (CLIENT, 101, RST), (SERVER, 5, SYN | ACK)],
        ["0 opened", "0 closed rst"],
    ),
    "another answer": (
        [(CLIENT, 100, SYN), (SERVER, 5, SYN | ACK), (SERVER, 900, SYN | ACK)],
        ["0 opened", "0 closed cut", "1 opened", "1 closed cut"],
    ),
    "SYN in the middle": (
        [(CLIENT, 100, ACK), (CLIENT, 700, SYN)],
        ["0 opened", "0 closed cut", "1 opened", "1 closed cut"],
    ),
    "SYN of the other side": (
        [(SERVER, 100, ACK), (CLIENT, 700, SYN)],
        ["0 opened", "0 closed cut", "1 opened", "1 closed cut"],
    ),
    "ACK behind RST": ([(CLIENT, 100, RST), (SERVER, 5, ACK)], ["0 opened", "0 closed rst"]),
}


@pytest.mark.parametrize(("frames", "expected"), REUSE.values(), ids=REUSE)
def test_ports_that_are_used_again(tmp_path, frames, expected):
    packets = [
        packet(source, SERVER if source is CLIENT else CLIENT, sequence, flags=flags)
        for source, sequence, flags in frames
    ]
    assert told(events(tmp_path / "a.pcap", pcap(packets))) == expected


@pytest.mark.parametrize(
    ("names", "streams"),
    [
        pytest.param(("client side", "server side"), 2, id="both sides of a proxy"),
        pytest.param(("eth0", "eth1"), 1, id="others"),
    ],
)
def test_one_connection_on_two_interfaces(tmp_path, names, streams):
    frame = packet(CLIENT, SERVER, 1, b"x")
    file = section() + b"".join(interface(101, option(2, name.encode())) for name in names)
    found = events(tmp_path / "a.pcapng", file + enhanced(frame) + enhanced(frame, number=1))
    assert sum(isinstance(event, Opened) for event in found) == streams


class Wire:
    """Connections, of which few may be open."""

    def __init__(self, most_open: int = 3, most_closed: int = 2) -> None:
        self.tally = Tally()
        self.connections = Connections(Notes(self.tally), most_open, most_closed)
        self.interface = Interface(101)
        self.frame = 0

    def send(self, port: int, sequence: int = 1, data: bytes = b"", flags: int = ACK) -> list[str]:
        self.frame += 1
        octets = packet(("192.0.2.1", port), SERVER, sequence, data, flags=flags)
        found = segment(octets, 0, len(octets), len(octets))
        assert not isinstance(found, Left)
        end = self.connections.table(self.interface).get(found[0])
        return told(self.connections.take(self.interface, end, found, data, 1.0, self.frame, ()))


def test_the_one_silent_longest_is_closed():
    wire = Wire()
    for port in (1000, 1001, 1002, 1000):
        wire.send(port)
    assert wire.send(1003) == ["1 closed cut", "3 opened"]
    wire.send(1002)
    assert wire.send(1004) == ["0 closed cut", "4 opened"]
    assert wire.send(1005) == ["3 closed cut", "5 opened"]
    assert wire.send(1006) == ["2 closed cut", "6 opened"]
    assert wire.tally.notes == [
        "more than 3 streams were open, and the one silent longest was closed: 4 times, first in frame 5"
    ]


def test_what_waits_is_given_out_first():
    wire = Wire(1)
    wire.send(1000, 1, b"a")
    wire.send(1000, 5, b"b")
    assert wire.send(1001) == ["0 C hole 3", "0 C b", "0 closed cut", "1 opened"]


def test_few_of_the_closed_are_remembered():
    wire = Wire()
    for port in (1000, 1001, 1002):
        assert wire.send(port, flags=RST) == [f"{port - 1000} opened", f"{port - 1000} closed rst"]
    assert wire.send(1001) == []
    assert wire.send(1002) == []
    assert wire.send(1000) == ["3 opened"]


def test_a_table_holds_no_more_than_is_remembered():
    wire = Wire()
    for number in range(100):
        wire.send(1000, number * 1000, flags=SYN)
        wire.send(1001 + number, flags=SYN)
    assert len(wire.connections.table(wire.interface)) <= 2 * (3 + 2)


def test_end_of_the_file():
    wire = Wire()
    wire.send(1000, 1, b"a")
    wire.send(1001)
    wire.send(1000, 3, b"c")
    assert told(wire.connections.close_all(1.0, 4)) == ["0 C hole 1", "0 C c", "0 closed cut", "1 closed cut"]
    assert told(wire.connections.close_all(1.0, 4)) == []
