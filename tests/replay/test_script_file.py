"""The scripts in a file, and what is said when there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.capture import comments
from mailproxy.capture.bodies import BodyStore
from mailproxy.replay.script_file import ScriptError, scripts, users_of
from tests.capture import packets
from tests.replay.client_scene import capture_file

POP3 = "S: +OK\nC: USER aiko\nS: +OK\nC: PASS x\nS: +OK in\nC: QUIT\nS: +OK bye"
OTHER = POP3.replace("aiko", "bo")
IMAP = "S: * OK x\nC: a LOGOUT\nS: * BYE x\nS: a OK x"


def test_all_sessions(tmp_path: Path) -> None:
    path = capture_file(tmp_path / "a.pcap", ("pop3", POP3), ("pop3", OTHER))
    with BodyStore() as store:
        found = scripts(path, store)
    assert [(one.session, one.user, len(one.steps)) for one in found] == [(1, "aiko", 3), (2, "bo", 3)]
    assert users_of(found) == ["aiko", "bo"]


def test_one_session(tmp_path: Path) -> None:
    path = capture_file(tmp_path / "a.pcap", ("pop3", POP3), ("imap", IMAP))
    with BodyStore() as store:
        (found,) = scripts(path, store, sessions=[2])
    assert found.protocol == "imap"
    assert users_of([found]) == []


def test_the_file_is_told_of(tmp_path: Path) -> None:
    path = capture_file(tmp_path / "a.pcap", ("pop3", POP3))
    octets = list[int]()
    with BodyStore() as store:
        scripts(path, store, progress=octets.append)
    assert sum(octets) == path.stat().st_size


@pytest.mark.parametrize(
    ("dialogues", "sessions", "why"),
    [
        ((("pop3", POP3),), [3], "there is no session 3"),
        ((("pop3", POP3), ("imap", IMAP)), [], "sessions of imap and pop3; choose with --session"),
        ((("pop3", "S: +OK ready"),), [], "no mail client says anything"),
        ((("imap", [("C", b"\x16\x03\x01\x00\x05hello")]),), [], "encrypted"),
        ((), [], "no mail client says anything"),
    ],
)
def test_nothing_to_replay(
    dialogues: tuple[tuple[str, str], ...], sessions: list[int], why: str, tmp_path: Path
) -> None:
    path = capture_file(tmp_path / "a.pcap", *dialogues)
    with BodyStore() as store, pytest.raises(ScriptError, match=why):
        scripts(path, store, sessions=sessions)


def test_a_gap_in_a_reply(tmp_path: Path) -> None:
    client, server = ("192.0.2.7", 40000), ("198.51.100.9", 110)
    frames = [
        packets.packet(client, server, 0, flags=packets.SYN),
        packets.packet(server, client, 0, flags=packets.SYN | packets.ACK),
        packets.packet(server, client, 1, b"+OK\r\n"),
        packets.packet(client, server, 1, b"RETR 1\r\n"),
        packets.packet(server, client, 6, b"+OK\r\n" + b"x" * 50),
        packets.packet(server, client, 161, b"end\r\n.\r\n"),
        packets.packet(client, server, 9, b"QUIT\r\n"),
        packets.packet(server, client, 169, b"+OK\r\n"),
        packets.packet(client, server, 15, flags=packets.FIN | packets.ACK),
        packets.packet(server, client, 174, flags=packets.FIN | packets.ACK),
    ]
    path = tmp_path / "a.pcap"
    path.write_bytes(packets.pcap(frames))
    with BodyStore() as store:
        (found,) = scripts(path, store)
    assert [(step.verb, step.captured.whole) for step in found.steps] == [("RETR", False), ("QUIT", True)]


def leg_of_ours(leg: str, port: int, *remarks: str) -> list[bytes]:
    """One side of a session, as our proxy writes it; the remarks stand on the second command."""
    client, server = ("192.0.2.7", port), ("198.51.100.9", 25)
    session = comments.write("session", id="abc", leg=leg, protocol="smtp")
    said = [b"220 x\r\n", b"EHLO x\r\n", b"250 x\r\n", b"AUTH PLAIN ********\r\n", b"235 in\r\n"]
    said += [b"QUIT\r\n", b"221 bye\r\n"]
    blocks = [packets.enhanced(packets.packet(client, server, 0, flags=packets.SYN), session, ticks=1)]
    sent = {client: 1, server: 1}
    for number, octets in enumerate(said):
        source, target = (client, server) if number % 2 else (server, client)
        frame = packets.packet(source, target, sent[source], octets)
        sent[source] += len(octets)
        blocks.append(packets.enhanced(frame, *(remarks if number == 3 else ()), ticks=number + 2))
    return blocks


def test_both_legs_of_a_session_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    told = (comments.write("starttls", command="STARTTLS"), comments.write("login", user="aiko"))
    blocks = [*leg_of_ours("client", 40001, *told), *leg_of_ours("server", 40002)]
    path.write_bytes(packets.section() + packets.interface() + b"".join(blocks))
    with BodyStore() as store:
        for leg, before_tls in (("client", [True, False, False]), ("server", [False, False, False])):
            (found,) = scripts(path, store, leg=leg)
            assert found.user == "aiko"
            assert found.proxied is (leg == "client")
            assert [step.before_tls for step in found.steps] == before_tls
