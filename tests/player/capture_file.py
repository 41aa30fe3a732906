"""Capture files out of transcripts, one connection each."""

from __future__ import annotations

from pathlib import Path

from tests.capture.packets import FIN, SYN, packet, pcap

PORTS = {"pop3": 110, "imap": 143, "smtp": 25}


def capture_file(path: Path, *sessions: tuple[str, str]) -> Path:
    """Write connections, ``(protocol, transcript)`` each, one behind the other. Lines end in CRLF."""
    frames: list[bytes] = []
    for number, (protocol, transcript) in enumerate(sessions):
        ends = (("192.0.2.1", 40000 + number), ("198.51.100.9", PORTS[protocol]))
        at = [1, 1]
        frames += [packet(*ends, 0, flags=SYN), packet(*reversed(ends), 0, flags=SYN | 16, ack=1)]
        for line in transcript.encode().strip(b"\n").split(b"\n"):
            side = b"CS".index(line[:1])
            octets = line[3:] + b"\r\n"
            source, target = ends if side == 0 else reversed(ends)
            frames.append(packet(source, target, at[side], octets, ack=at[1 - side]))
            at[side] += len(octets)
        frames.append(packet(*ends, at[0], flags=FIN | 16, ack=at[1]))
        frames.append(packet(*reversed(ends), at[1], flags=FIN | 16, ack=at[0] + 1))
    path.write_bytes(pcap(frames))
    return path
