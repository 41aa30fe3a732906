"""Captured sessions go through unchanged, and are read as tshark reads them.

Each stream is fed in the order of its capture. What a session is entitled to
change is written in :mod:`tests.corpus.feeding` and in the tables below; every
place where another thing is seen than tshark saw has its reason here, and a
reason that is no longer needed fails.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mailproxy.events import Anomaly, CommandDone
from mailproxy.proto.tokens import Side
from mailproxy.session.options import Options
from tests.corpus.feeding import Seen, edited, in_capture_order, reply_by_reply, seen, with_made_up_replies
from tests.corpus.place import CAPTURES, WHY_NOT
from tests.corpus.reader import Stream, read
from tests.play import Cut, Wires, byte_by_byte, check_what_the_server_read, random_cuts, whole

__all__ = ["seen"]

pytestmark = pytest.mark.skipif(not CAPTURES.is_dir(), reason=WHY_NOT)

CUTS = {"segments": whole, "byte by byte": byte_by_byte, "seed 1": random_cuts(1), "seed 2": random_cuts(2)}

# The capture begins behind the greeting.
NO_GREETING = {
    "suricata-verify-pop3-auth-01.pcap": b"+OK made up\r\n",
    "suricata-verify-smtp-rset-starttls.pcap": b"220 made up\r\n",
}
# The client did not wait where it must (before the greeting, behind HELO or BDAT), so the capture
# holds answers to commands that a proxy has not let through yet.
HASTY = {
    "arkime-smtp-nospaces.pcap",
    "suricata-verify-smtp-bdat-pipelined-next-mail.pcap",
    "zeek-smtp-mail-transactions-invalid.pcap",
}
ONE_SIDED = {"zeek-smtp-one-side-only.pcap", "zeek-smtp-attachment-msg.pcap"}

# Up to here the capture makes sense: what follows answers something that never goes upstream.
UNTIL = {
    "zeek-imap-starttls.pcap": b". STARTTLS\r\n",
    "zeek-pop3-starttls.pcap": b"STLS\r\n",
    "zeek-smtp-starttls.pcap": b"STARTTLS\r\n",
    "suricata-verify-smtp-rset-starttls.pcap": b"staRttLs\n",
    "arkime-ntlm_synthetic.pcap/10": b"AUTH NTLM\r\n",
    "arkime-ntlm_synthetic.pcap/11": b"a001 AUTHENTICATE NTLM\r\n",
    "arkime-ntlm_synthetic.pcap/12": b"AUTH NTLM\r\n",
}
# Segments are missing: what the server asked with the second 334 is not in the capture.
UNANSWERED = {"pcapplusplus-Smtp.pcap/0": b"cHVuamFiQDEyMw==\r\n"}

# An observing session stops reading and passes on what comes: no commands to compare.
UNREADABLE = {
    "arkime-socks5-smtp-503.pcap": "SOCKS5 in front of SMTP",
    "zeek-pop3-unknown-commands.pcap": 'the server answers "+" and carriage returns',
}
OTHER_COMMANDS = {
    "suricata-verify-smtp-bdat-pipelined-next-mail.pcap": "tshark shows one line of a segment",
    "suricata-verify-smtp-ehlo-reset-after-rejected-data.pcap": "tshark shows one line of a segment",
    "suricata-verify-smtp-pipelining.pcap": "tshark shows one line of a segment",
    "zeek-smtp-bdat-cmd-invalid.pcapng/0": "tshark takes an invalid BDAT for the start of a chunk",
    "zeek-smtp-bdat-cmd-invalid.pcapng/1": "tshark takes an invalid BDAT for the start of a chunk",
    "zeek-smtp-mail-transactions-invalid.pcap": "tshark takes the lines behind a refused DATA for a message",
    "pcapplusplus-Smtp.pcap/0": "segments are missing",
}
OTHER_REPLIES = {
    "arkime-imap.pcap": "tshark shows one line of a segment",
    "zeek-imap-starttls.pcap": "tshark shows one line of a segment",
    "suricata-verify-pop3-auth-01.pcap": 'tshark takes "+ " for no reply',
    "zeek-pop3.pcap/3": 'tshark takes "+ " for no reply',
    "zeek-pop3.pcap/5": 'tshark takes "+ " for no reply',
    "zeek-pop3.pcap/6": 'tshark takes "+ " for no reply',
}
# Why a guarding listener does not let all of it through: an anomaly, or a verb it answered itself. Behind
# that the capture makes no sense any more, since it holds the server's answers to what never went upstream.
REFUSED = {
    "arkime-socks5-smtp-503.pcap": "unreadable",
    "zeek-pop3-unknown-commands.pcap": "malformed_command",
    "suricata-verify-smtp-rset-starttls.pcap": "malformed_command",
    "zeek-smtp-mail-transactions-invalid.pcap": "unknown_command",  # a message behind a refused DATA
    "zeek-smtp-bdat-cmd-invalid.pcapng": "malformed_command",
    "suricata-verify-smtp-ehlo-reset-after-rejected-data.pcap": "DATA",  # without a mail transaction
    "zeek-smtp-multi-addr.pcap": "unreadable",  # a 451 that answers nothing, when all is done
}


@dataclass(frozen=True, slots=True)
class Case:
    """One stream with octets. ``name`` is the file, with ``/number`` where it has more streams of mail."""

    file: str
    number: int
    truth: dict[str, Any]

    def of(self, table: dict[str, Any]) -> Any:
        return table.get(self.file, table.get(f"{self.file}/{self.number}"))

    @property
    def stream(self) -> Stream:
        return _streams(CAPTURES / self.file)[self.number]

    @property
    def protocol(self) -> str:
        return str(self.truth["protocol"])


@cache
def _streams(path: Path) -> list[Stream]:
    return read(path)


def cases() -> list[Any]:
    found = []
    for path in sorted(CAPTURES.glob("*.json")):
        for truth in json.loads(path.read_text())["streams"]:
            if truth["protocol"] and truth["client_bytes"] + truth["server_bytes"]:
                case = Case(path.name.removesuffix(".json"), truth["stream"], truth)
                found.append(pytest.param(case, id=f"{case.file}-{case.number}"))
    return found


def play(case: Case, cut: Cut, *, guard: bool) -> Wires:
    wires = Wires(case.protocol, Options(guard=guard, starttls=case.truth["tls"] == "upgraded"))
    if case.file in NO_GREETING:
        wires.send(Side.SERVER, whole(NO_GREETING[case.file]))
    if case.file in ONE_SIDED:
        with_made_up_replies(wires, case.stream, cut)
    elif case.file in HASTY:
        reply_by_reply(wires, case.stream, cut)
    else:
        in_capture_order(wires, case.stream, cut, case.of(UNTIL) or b"")
    return wires


def expected(case: Case, *, guard: bool) -> tuple[bytes, bytes]:
    """What server and client get; the client's may go on with one answer of our own."""
    client, server = case.stream.octets(Side.CLIENT), case.stream.octets(Side.SERVER)
    until = case.of(UNTIL)
    if until:
        client = client[: client.index(until)]
        server = b""
        for side, data in case.stream.events:
            if side is Side.CLIENT and until in data:
                break
            server += data if side is Side.SERVER else b""
    client = client.removesuffix(case.of(UNANSWERED) or b"")
    starttls = case.truth["tls"] == "upgraded"
    if guard or case.file not in UNREADABLE:  # an observer that lost track edits nothing any more
        server = edited(
            case.protocol, NO_GREETING.get(case.file, b"") + server, guard=guard, starttls=starttls
        )
    return client, server


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("case", cases())
def test_an_observing_listener_passes_everything_on(case: Case, cut: Cut) -> None:
    wires = play(case, cut, guard=False)
    client, server = expected(case, guard=False)
    _compare(case, wires, client, server)
    assert wires.session.blind is (case.file in UNREADABLE)


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("case", cases())
def test_a_guarding_listener_passes_it_on_or_says_why_not(case: Case, cut: Cut) -> None:
    wires = play(case, cut, guard=True)
    named = {event.name for event in wires.events if isinstance(event, Anomaly)}
    named |= {
        event.verb for event in wires.events if isinstance(event, CommandDone) and event.verdict == "refuse"
    }
    reason = REFUSED.get(case.file)
    if reason:
        assert reason in named
    else:
        client, server = expected(case, guard=True)
        _compare(case, wires, client, server)
        assert not wires.session.closed
    check_what_the_server_read(wires)


def _compare(case: Case, wires: Wires, client: bytes, server: bytes) -> None:
    assert bytes(wires.got[Side.SERVER]) == client
    got = bytes(wires.got[Side.CLIENT])
    if case.file in ONE_SIDED:
        return
    assert got[: len(server)] == server
    ours = got[len(server) :]
    assert not ours or (case.of(UNTIL) and ours.count(b"\n") == 1), "octets that nobody sent"


@pytest.mark.parametrize("case", cases())
def test_commands_are_those_that_tshark_sees(case: Case, seen: Seen) -> None:
    if case.file in UNREADABLE:
        pytest.skip(UNREADABLE[case.file])
    play(case, whole, guard=False)
    theirs = [command[1].encode() for command in case.truth.get("commands", ())]
    if until := case.of(UNTIL):
        theirs = theirs[: theirs.index(until.rstrip(b"\r\n")) + 1]
    if case.of(OTHER_COMMANDS):
        assert seen.commands != theirs
        theirs = [line for line in theirs if line + b"\r\n" != case.of(UNANSWERED)]
        assert _is_part_of(theirs, seen.commands)
    else:
        assert seen.commands == theirs


@pytest.mark.parametrize("case", cases())
def test_replies_are_those_that_tshark_sees(case: Case, seen: Seen) -> None:
    if case.file in UNREADABLE or case.file in ONE_SIDED:
        pytest.skip(UNREADABLE.get(case.file, "no reply was captured"))
    play(case, whole, guard=False)
    ours = seen.replies[1 if case.file in NO_GREETING else 0 :]
    theirs = [_as_we_show(case, reply[1]) for reply in case.truth.get("replies", ())]
    if case.of(UNTIL):
        del theirs[-1 if case.of(OTHER_REPLIES) else len(ours) :]
        assert ours
    if case.protocol == "smtp":
        ours = [reply[:3] for reply in ours]
    else:
        ours = [reply.split(b"\r\n")[0] for reply in ours]
    if case.of(OTHER_REPLIES):
        assert ours != theirs
        assert _is_part_of(theirs, ours)
    else:
        assert [reply for reply in ours if reply.isascii()] == [reply for reply in theirs if reply.isascii()]
        assert len(ours) == len(theirs)


def _as_we_show(case: Case, reply: Any) -> bytes:
    """A reply of the ground truth; text that is no UTF-8 is written there with escapes, and not compared."""
    if case.protocol == "smtp":
        return bytes(reply["code"], "ascii")
    starttls = case.truth["tls"] == "upgraded"
    text = str(reply).replace("\\udc", "\xdc").encode()
    return edited(case.protocol, text + b"\r\n", starttls=starttls).removesuffix(b"\r\n")


def _is_part_of(few: list[bytes], many: list[bytes]) -> bool:
    """Are the few among the many, in their order?"""
    rest = iter(many)
    return all(line in rest for line in few)


def test_every_exception_is_about_a_capture() -> None:
    names = {case.values[0].file for case in cases()} | {
        f"{case.values[0].file}/{case.values[0].number}" for case in cases()
    }
    tables = (
        NO_GREETING,
        HASTY,
        ONE_SIDED,
        UNTIL,
        UNANSWERED,
        UNREADABLE,
        OTHER_COMMANDS,
        OTHER_REPLIES,
        REFUSED,
    )
    assert {name for table in tables for name in table} <= names
