from __future__ import annotations

import gzip
import json
from collections import defaultdict
from hashlib import sha256
from itertools import pairwise
from struct import pack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailproxy.capture.connections import Connections
from mailproxy.capture.model import CaptureError, Closed, Hole, Octets, Opened, Tally
from mailproxy.capture.notes import Notes
from mailproxy.capture.packets import Interface
from mailproxy.capture.reading import read_streams, streams
from mailproxy.proto.tokens import Side
from tests.capture.any_octets import check
from tests.capture.packets import (
    ACK,
    CLIENT,
    CLIENT_6,
    FIN,
    SERVER,
    SERVER_6,
    SYN,
    cooked,
    cooked_2,
    enhanced,
    ethernet,
    events,
    interface,
    ip,
    loopback,
    packet,
    pcap,
    raw,
    section,
    told,
)
from tests.corpus.place import CAPTURES, WHY_NOT
from tests.corpus.reader import read

LO = Interface(101)


def dialogue(client=CLIENT, server=SERVER):
    return [
        packet(client, server, 9, flags=SYN),
        packet(server, client, 49, flags=SYN | ACK, ack=10),
        packet(client, server, 10, ack=50),
        packet(server, client, 50, b"+OK", ack=10),
        packet(client, server, 10, b"QUIT", flags=FIN | ACK, ack=53),
        packet(server, client, 53, flags=FIN | ACK, ack=15),
        packet(client, server, 15, ack=54),
    ]


TOLD = ["0 opened", "0 S +OK", "0 C QUIT", "0 closed fin"]

LAYERS = [
    pytest.param(1, ethernet, id="ethernet"),
    pytest.param(1, lambda inner: ethernet(inner, 0x8100), id="802.1Q"),
    pytest.param(1, lambda inner: ethernet(inner, 0x88A8, 0x8100), id="802.1ad"),
    pytest.param(113, cooked, id="cooked"),
    pytest.param(276, cooked_2, id="cooked 2"),
    pytest.param(0, loopback(2, "<"), id="null"),
    pytest.param(108, loopback(2, ">"), id="loop"),
    pytest.param(101, raw, id="raw"),
]


@pytest.mark.parametrize("ends", [(CLIENT, SERVER), (CLIENT_6, SERVER_6)], ids=["v4", "v6"])
@pytest.mark.parametrize(("link", "layer"), LAYERS)
@pytest.mark.parametrize("kind", ["pcap", "pcapng"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_every_layer(tmp_path, pack, kind, link, layer, ends):
    frames = [layer(inner) for inner in dialogue(*ends)]
    if kind == "pcap":
        file = pcap(frames, link=link)
    else:
        file = section() + interface(link) + b"".join(map(enhanced, frames))
    tally = Tally()
    assert told(events(tmp_path / "capture", pack(file), tally)) == TOLD
    assert tally == Tally(packets=7, octets=len(pack(file)))


def test_what_is_no_stream_is_counted(tmp_path):
    frames = dialogue()
    frames[1:1] = [ip(CLIENT[0], SERVER[0], b"x" * 40, protocol=17), b"\x45"]
    frames[3:3] = [ip(CLIENT[0], SERVER[0], b"x" * 40, fragment=0x2000)] * 2
    tally = Tally()
    assert told(events(tmp_path / "a.pcap", pcap(frames), tally)) == TOLD
    assert (tally.packets, tally.not_tcp, tally.damaged, tally.fragments) == (11, 1, 1, 2)


@pytest.mark.parametrize(
    ("at", "octets", "counted"),
    [
        pytest.param(0, b"\x55", (1, 0, 0), id="version 5"),
        pytest.param(0, b"\x44", (0, 0, 1), id="an IP header of 16 octets"),
        pytest.param(2, b"\x00\x27", (0, 0, 1), id="IP ends in front of its payload"),
        pytest.param(2, b"\x00\x00", (0, 0, 0), id="IP has no length"),
        pytest.param(6, b"\x20\x00", (0, 1, 0), id="the first fragment"),
        pytest.param(6, b"\x00\x01", (0, 1, 0), id="the last fragment"),
        pytest.param(6, b"\x40\x00", (0, 0, 0), id="not to be cut"),
        pytest.param(9, b"\x11", (1, 0, 0), id="UDP"),
        pytest.param(32, b"\x40", (0, 0, 1), id="a TCP header of 16 octets"),
        pytest.param(32, b"\xf0", (0, 0, 1), id="a TCP header longer than all"),
    ],
)
def test_headers_that_are_not_the_usual(tmp_path, at, octets, counted):
    frame = packet(CLIENT, SERVER, 1, b"hello")
    frame = frame[:at] + octets + frame[at + len(octets) :]
    tally = Tally()
    found = told(events(tmp_path / "a.pcap", pcap([frame, packet(CLIENT, SERVER, 6, b"!")]), tally))
    assert (tally.not_tcp, tally.fragments, tally.damaged) == counted
    assert found == ["0 opened", *([] if any(counted) else ["0 C hello"]), "0 C !", "0 closed cut"]


def test_a_link_type_that_is_not_known(tmp_path):
    tally = Tally()
    assert events(tmp_path / "a.pcap", pcap(dialogue(), link=147), tally) == []
    assert (tally.packets, tally.not_tcp) == (7, 7)
    assert tally.notes == ["link type 147 is not known: 7 times, first in frame 1"]


def test_numbers_and_times_are_those_of_the_frames(tmp_path):
    found = events(tmp_path / "a.pcap", pcap(dialogue()))
    assert [(type(event).__name__, event.time) for event in found] == [
        ("Opened", 1001.5),
        ("Octets", 1004.5),
        ("Octets", 1005.5),
        ("Closed", 1007.5),
    ]
    assert [event.frame for event in found if isinstance(event, Opened | Octets)] == [1, 4, 5]


@pytest.mark.parametrize(
    ("file", "why"),
    [
        pytest.param(b"", "the file is empty; if it is still being written, wait for packets", id="empty"),
        pytest.param(b"PK\3\4zip", "neither pcap nor pcapng, as it begins with 50 4b 03 04; ", id="zip"),
        pytest.param(b"\xd4", "neither pcap nor pcapng, as it begins with d4; ", id="one octet"),
        pytest.param(
            gzip.compress(b"text"), "neither pcap nor pcapng, as it begins with 74 65 78 74; ", id="gzip"
        ),
    ],
)
def test_what_is_no_capture(tmp_path, file, why):
    path = tmp_path / "a.pcap"
    with pytest.raises(CaptureError) as caught:
        events(path, file)
    assert str(caught.value).startswith(f"{path}: {why}")


def test_progress(tmp_path):
    """In few steps, and all of the file."""
    path = tmp_path / "a.pcap"
    file = pcap([packet(CLIENT, SERVER, 1 + 60_000 * number, b"x" * 60_000) for number in range(100)])
    path.write_bytes(file)
    steps: list[int] = []
    seen = []
    for event in read_streams(path, progress=steps.append):
        if isinstance(event, Octets):
            seen.append(sum(steps))
    assert sum(steps) == len(file)
    assert len(steps) < 10
    assert seen == sorted(seen)
    assert seen[0] < len(file) / 2


def test_who_spoke_last_is_silent_for_the_shortest_time():
    """Also when all that it said was what was wanted next."""
    first, second, third = ((f"192.0.2.{number}", 40000) for number in (1, 2, 3))
    frames = [
        packet(first, SERVER, 1, b"a"),
        packet(second, SERVER, 1, b"a"),
        packet(second, SERVER, 2, b"b"),
    ]
    for last in (packet(first, SERVER, 2, b"b"), packet(first, SERVER, 2)):
        packets = [
            (1.0, LO, frame, 0, len(frame), len(frame), ())
            for frame in [*frames, last, packet(third, SERVER, 1)]
        ]
        notes = Notes(Tally())
        found = told(streams(packets, Connections(notes, most_open=2), notes))
        assert found[-4:] == ["1 closed cut", "2 opened", "0 closed cut", "2 closed cut"]


def test_one_may_stop_in_the_middle(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(dialogue()))
    reading = read_streams(path)
    assert isinstance(next(reading), Opened)
    del reading  # an open file would be a warning, and that an error


# --- Captures of others

FILES = sorted(path.name.removesuffix(".json") for path in CAPTURES.glob("*.json"))

# Stream and side -> octets that are missing: tshark puts a text of its own in their place, and counts it.
TEXT_OF_TSHARK = {("pcapplusplus-Smtp.pcap", 0, Side.SERVER): (181, 137)}
# The other reader gives up no hole before the file ends; here the client has acknowledged the missing octets.
HOLES_COME_SOONER = {("pcapplusplus-Smtp.pcap", 0)}


class Read:
    """A file of the corpus: events by stream."""

    def __init__(self, name: str) -> None:
        self.streams = []
        self.spoken = defaultdict(list)
        self.holes = defaultdict(list)
        self.closed = set()
        for event in read_streams(CAPTURES / name):
            number = event.stream.number
            match event:
                case Opened():
                    self.streams.append(event.stream)
                case Octets():
                    self.spoken[number].append((event.side, event.data))
                case Hole():
                    self.holes[number].append((event.side, len(self.spoken[number]), event.octets))
                case Closed():
                    self.closed.add(number)

    def octets(self, number: int, side: Side) -> bytes:
        return b"".join(data for who, data in self.spoken[number] if who is side)


@pytest.mark.skipif(not FILES, reason=WHY_NOT)
@pytest.mark.parametrize("name", FILES)
def test_corpus_is_as_tshark_sees_it(name):
    found = Read(name)
    truth = json.loads((CAPTURES / f"{name}.json").read_text())["streams"]
    assert [(stream.number, stream.client, stream.server) for stream in found.streams] == [
        (stream["stream"], stream["client"], stream["server"]) for stream in truth
    ]
    for stream in truth:
        for side in Side:
            data = found.octets(stream["stream"], side)
            word = side.name.lower()
            expected = stream[f"{word}_bytes"], stream[f"{word}_sha256"]
            exception = TEXT_OF_TSHARK.get((name, stream["stream"], side))
            if exception is not None:
                assert (len(data), sha256(data).hexdigest()) != expected, "no longer an exception"
                at, missing = exception
                data = data[:at] + b"[%d bytes missing in capture file]\0" % missing + data[at:]
            assert (len(data), sha256(data).hexdigest()) == expected


@pytest.mark.skipif(not FILES, reason=WHY_NOT)
@pytest.mark.parametrize("name", FILES)
def test_corpus_is_as_another_reader_sees_it(name):
    found = Read(name)
    others = read(CAPTURES / name)
    assert found.closed == set(range(len(others)))
    for number, other in enumerate(others):
        ours = found.spoken[number], found.holes[number]
        theirs = other.events, [(hole.side, hole.event, hole.octets) for hole in other.holes]
        if (name, number) in HOLES_COME_SOONER:
            assert ours != theirs, "no longer an exception"
            for side in Side:
                assert found.octets(number, side) == other.octets(side)
            assert sorted(hole[2] for hole in ours[1]) == sorted(hole[2] for hole in theirs[1])
        else:
            assert ours == theirs


@pytest.mark.skipif(not FILES, reason=WHY_NOT)
def test_exceptions_are_about_files_that_are_there():
    assert {entry[0] for entry in [*TEXT_OF_TSHARK, *HOLES_COME_SOONER]} <= set(FILES)


# --- Any file

SHORTER = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("any") / "capture"


@SHORTER
@given(data=st.data())
def test_segments_in_any_order(path, data):
    """Cut anywhere, some sent again in other pieces, all out of order, and both sides mixed."""
    texts = {CLIENT: bytes(range(200)), SERVER: bytes(range(255, 5, -1))}
    isn = {end: data.draw(st.integers(0, 2**32 - 1)) for end in texts}
    frames = []
    for end, other in ((CLIENT, SERVER), (SERVER, CLIENT)):
        text = texts[end]
        places = st.integers(0, len(text))
        cuts = sorted({0, len(text), *data.draw(st.lists(places, max_size=15))})
        again = [sorted(pair) for pair in data.draw(st.lists(st.tuples(places, places), max_size=8))]
        for low, high in [*pairwise(cuts), *again]:
            frames.append(packet(end, other, (isn[end] + 1 + low) % 2**32, text[low:high], ack=0))
    # Nothing is acknowledged: those who receive have not all of it before the end.
    frames = [frame[:32] + b"\x50\x00" + frame[34:] for frame in frames]
    first = [packet(CLIENT, SERVER, isn[CLIENT], flags=SYN), packet(SERVER, CLIENT, isn[SERVER], flags=SYN)]
    found = events(path, pcap([*first, *data.draw(st.permutations(frames))]))
    for side, end in ((Side.CLIENT, CLIENT), (Side.SERVER, SERVER)):
        got = [event.data for event in found if isinstance(event, Octets) and event.side is side]
        assert b"".join(got) == texts[end]
    assert not any(isinstance(event, Hole) for event in found)


STARTS = [
    b"",
    pcap([]),
    pcap([], link=1, order=">"),
    section() + interface(),
    section(">") + interface(1, order=">"),
]


@SHORTER
@given(start=st.sampled_from(STARTS), octets=st.binary(max_size=400), packed=st.booleans())
def test_any_octets(path, start, octets, packed):
    path.write_bytes(gzip.compress(start + octets) if packed else start + octets)
    check(path)


@SHORTER
@given(frames=st.lists(st.binary(max_size=80), max_size=10), link=st.sampled_from([0, 1, 101, 113, 276]))
def test_any_frames(path, frames, link):
    path.write_bytes(pcap(frames, link=link))
    check(path)


ORIGINALS = [
    pcap(dialogue() * 2),
    pcap([ethernet(frame, 0x8100) for frame in dialogue(CLIENT_6, SERVER_6)], link=1, order=">"),
    section() + interface() + b"".join(enhanced(frame, "mailproxy tls {}") for frame in dialogue()),
    gzip.compress(pcap(dialogue())),
    *[(CAPTURES / name).read_bytes()[:20_000] for name in FILES],
]


@SHORTER
@given(original=st.sampled_from(ORIGINALS), data=st.data())
def test_mutated_captures(path, original, data):
    mutated = bytearray(original)
    for at in data.draw(st.lists(st.integers(0, len(original) - 1), min_size=1, max_size=12)):
        mutated[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    path.write_bytes(
        mutated[: data.draw(st.integers(0, len(mutated)))] if data.draw(st.booleans()) else mutated
    )
    check(path)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda n: packet(("192.0.2.1", n % 60_000), SERVER, n, flags=SYN), id="streams"),
        pytest.param(lambda n: packet(CLIENT, SERVER, 1 + 2 * n if n else 0, b"x"), id="early segments"),
        pytest.param(lambda n: packet(CLIENT, SERVER, n, flags=SYN), id="the same ports"),
        pytest.param(lambda n: pack(">BxHxxH", 0x60, n % 65536, 0) + bytes(40), id="other packets"),
    ],
)
def test_many_of_a_kind(path, make):
    path.write_bytes(pcap(make(number) for number in range(5000)))
    check(path)
