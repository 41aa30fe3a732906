"""The capture reader against what tshark reassembled, and against segments made here."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import dpkt  # type: ignore[import-untyped]
import pytest

from mailproxy.proto.tokens import Side
from tests.corpus.place import CAPTURES, WHY_NOT
from tests.corpus.reader import Hole, Stream, read

C, S = Side.CLIENT, Side.SERVER
CLIENT, SERVER = (b"\x0a\0\0\x01", 40000), (b"\x0a\0\0\x02", 110)
SYN, ACK, FIN, RST = dpkt.tcp.TH_SYN, dpkt.tcp.TH_ACK, dpkt.tcp.TH_FIN, dpkt.tcp.TH_RST


def truths() -> Iterator[Any]:
    """Every stream of every capture, with what is known of it."""
    for path in sorted(CAPTURES.glob("*.json")):
        for stream in json.loads(path.read_text())["streams"]:
            yield pytest.param(path.with_suffix(""), stream, id=f"{path.name[:-5]}-{stream['stream']}")


@pytest.mark.skipif(not CAPTURES.is_dir(), reason=WHY_NOT)
@pytest.mark.parametrize(("path", "truth"), list(truths()))
def test_streams_are_those_that_tshark_sees(path: Path, truth: dict[str, Any]) -> None:
    streams = read(path)
    stream = streams[truth["stream"]]
    assert (stream.client, stream.server) == (truth["client"], truth["server"])
    for side, name in ((C, "client"), (S, "server")):
        seen = _as_tshark_prints(stream, side)
        assert len(seen) == truth[f"{name}_bytes"]
        assert sha256(seen).hexdigest() == truth[f"{name}_sha256"]
    assert bool(stream.holes) == bool(truth["lost_segments"])


@pytest.mark.skipif(not CAPTURES.is_dir(), reason=WHY_NOT)
@pytest.mark.parametrize("path", sorted(CAPTURES.glob("*.json")), ids=lambda path: path.name[:-5])
def test_no_stream_is_missed(path: Path) -> None:
    assert len(read(path.with_suffix(""))) == json.loads(path.read_text())["tcp_streams"]


def _as_tshark_prints(stream: Stream, side: Side) -> bytes:
    """tshark's "follow" writes a remark where octets are missing."""
    events = list(stream.events)
    for hole in reversed(stream.holes):
        events.insert(hole.event, (hole.side, b"[%d bytes missing in capture file]\0" % hole.octets))
    return b"".join(data for who, data in events if who is side)


@pytest.mark.parametrize("link", ["ethernet", "loopback", "raw"])
@pytest.mark.parametrize("form", [dpkt.pcap.Writer, dpkt.pcapng.Writer])
def test_link_layers_and_file_formats(tmp_path: Path, link: str, form: Any) -> None:
    path = _write(tmp_path, _dialogue(), link, form)
    [stream] = read(path)
    assert (stream.client, stream.server) == ("10.0.0.1:40000", "10.0.0.2:110")
    assert stream.events == [(S, b"+OK\r\n"), (C, b"NOOP\r\n"), (S, b"+OK 2\r\n")]
    assert stream.holes == []


def test_repeated_overlapping_and_early_segments(tmp_path: Path) -> None:
    segments = [
        (CLIENT, 4294967290, b"", SYN),
        (CLIENT, 1, b"ghi", ACK),  # early, behind the wrap of the sequence number
        (CLIENT, 4294967291, b"abc", ACK),
        (CLIENT, 4294967291, b"abc", ACK),  # again
        (CLIENT, 4294967292, b"bcdef", ACK),  # overlaps
        (CLIENT, 0, b"fghij", ACK),  # overlaps more
        (CLIENT, 4, b"j", ACK),  # a keep-alive
    ]
    [stream] = read(_write(tmp_path, segments))
    assert stream.octets(C) == b"abcdefghij"
    assert [data for _, data in stream.events] == [b"abc", b"defghi", b"j"]


def test_a_hole_is_named(tmp_path: Path) -> None:
    segments = [(SERVER, 100, b"abc", ACK), (CLIENT, 1, b"x", ACK), (SERVER, 110, b"def", ACK)]
    [stream] = read(_write(tmp_path, segments))
    assert stream.events == [(S, b"abc"), (C, b"x"), (S, b"def")]
    assert stream.holes == [Hole(S, 2, 7)]


def test_ports_used_again_are_another_stream(tmp_path: Path) -> None:
    segments = [
        (CLIENT, 1, b"", SYN),
        (CLIENT, 2, b"one", ACK),
        (CLIENT, 5, b"", RST),
        (CLIENT, 900, b"", SYN),
        (CLIENT, 900, b"", SYN),  # the same SYN again
        (CLIENT, 901, b"two", ACK),
    ]
    assert [stream.octets(C) for stream in read(_write(tmp_path, segments))] == [b"one", b"two"]


def test_neither_pcap_nor_pcapng(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"+OK this is no capture at all, though it is long enough\r\n")
    with pytest.raises(ValueError, match="header"):
        read(path)


Segments = list[tuple[tuple[bytes, int], int, bytes, int]]


def _dialogue() -> Segments:
    return [
        (CLIENT, 10, b"", SYN),
        (SERVER, 70, b"", SYN | ACK),
        (SERVER, 71, b"+OK\r\n", ACK),
        (CLIENT, 11, b"NOOP\r\n", ACK),
        (SERVER, 76, b"+OK 2\r\n", ACK | FIN),
    ]


def _write(folder: Path, segments: Segments, link: str = "ethernet", form: Any = dpkt.pcap.Writer) -> Path:
    types = {"ethernet": dpkt.pcap.DLT_EN10MB, "loopback": dpkt.pcap.DLT_NULL, "raw": dpkt.pcap.DLT_RAW}
    out = io.BytesIO()
    writer = form(out, linktype=types[link])
    for source, sequence, data, flags in segments:
        target = SERVER if source is CLIENT else CLIENT
        tcp = dpkt.tcp.TCP(sport=source[1], dport=target[1], seq=sequence, flags=flags, data=data)
        packet = dpkt.ip.IP(src=source[0], dst=target[0], p=dpkt.ip.IP_PROTO_TCP, data=tcp)
        packet.len = len(packet)
        frame = bytes(packet)
        if link == "ethernet":
            frame = bytes(dpkt.ethernet.Ethernet(data=packet))
        elif link == "loopback":
            frame = b"\x02\0\0\0" + frame
        writer.writepkt(frame, 0.0)
    path = folder / "made.pcap"
    path.write_bytes(out.getvalue())
    return path
