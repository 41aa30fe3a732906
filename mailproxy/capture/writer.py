"""PLACEHOLDER of the lead so that the proxy starts: WRITER replaces this whole file. Synchronous, no limits."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mailproxy import __version__
from mailproxy.capture import blocks
from mailproxy.capture.synthetic import Packet, SyntheticTCP
from mailproxy.proto.tokens import Side

PORTS = {"pop3": 110, "imap": 143, "smtp": 25}


@dataclass(frozen=True, slots=True)
class Options:
    folder: Path
    per_session: bool = False
    file_octets: int = 100_000_000
    file_seconds: float = 3600
    total_octets: int = 1_000_000_000
    keep_days: float = 7
    compress: bool = True
    queue_octets: int = 64 * 1024 * 1024


class CaptureWriter:
    def __init__(
        self,
        options: Options,
        failed: Callable[[str], None],
        recovered: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lost_octets = self.failures = 0
        self.why = ""
        options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"mailproxy-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}.pcapng"
        self._fd = os.open(options.folder / name, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        head = blocks.section_header(f"mailproxy {__version__}")
        os.write(self._fd, head + blocks.interface("client side") + blocks.interface("server side"))

    def connection(
        self,
        session: str,
        protocol: str,
        leg: Literal["client", "server"],
        client: tuple[str, int],
        server: tuple[str, int],
    ) -> Connection:
        return Connection(
            self._fd, 0 if leg == "client" else 1, SyntheticTCP(client, (server[0], PORTS[protocol]))
        )

    def close(self, seconds: float) -> None:
        os.close(self._fd)


class Connection:
    def __init__(self, fd: int, interface: int, tcp: SyntheticTCP) -> None:
        self._fd, self._interface, self._tcp = fd, interface, tcp

    def _put(self, packets: Sequence[Packet], time: float, comments: Sequence[str]) -> None:
        for number, packet in enumerate(packets):
            before, behind = blocks.packet(
                self._interface,
                int(time * 1e9),
                packet.headers,
                packet.octets,
                comments if not number else (),
            )
            os.writev(self._fd, [before, *packet.pieces, behind])

    def open(self, time: float, comments: Sequence[str]) -> None:
        self._put(self._tcp.open(), time, comments)

    def data(self, side: Side, pieces: Sequence[bytes], time: float, comments: Sequence[str] = ()) -> None:
        self._put(self._tcp.data(side, pieces), time, comments)

    def hole(self, side: Side, octets: int) -> None:
        self._tcp.hole(side, octets)

    def note(self, time: float, comments: Sequence[str]) -> None:
        self._put([self._tcp.acknowledgement(Side.CLIENT)], time, comments)

    def close(self, time: float, how: Literal["fin", "rst"], comments: Sequence[str] = ()) -> None:
        self._put(self._tcp.close() if how == "fin" else self._tcp.reset(), time, comments)
