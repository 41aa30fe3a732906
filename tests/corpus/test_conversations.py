"""Captures of others are read as tshark reads them: commands and replies, in their order.

Every place where another thing is seen than tshark saw has its reason here, and a reason
that is no longer needed fails.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from mailproxy.capture.conversations import Ended, FileTally, Said, conversations
from mailproxy.capture.parts import Kind, Part
from mailproxy.proto.tokens import Side
from tests.corpus.place import CAPTURES, WHY_NOT

pytestmark = pytest.mark.skipif(not CAPTURES.is_dir(), reason=WHY_NOT)

_ONE_LINE = "tshark shows one line of a segment"
_PLUS = 'tshark takes "+ " for no reply'
OTHER_COMMANDS = {
    "arkime-ntlm_synthetic.pcap/10": "tshark takes lines of NTLM for no commands",
    "pcapplusplus-Smtp.pcap/0": "segments are missing, and behind a gap nothing is read",
    "suricata-verify-smtp-bdat-pipelined-next-mail.pcap/0": _ONE_LINE,
    "suricata-verify-smtp-ehlo-reset-after-rejected-data.pcap/0": _ONE_LINE,
    "suricata-verify-smtp-pipelining.pcap/0": _ONE_LINE,
    "zeek-pop3-unknown-commands.pcap/0": 'the server answers "+" and carriage returns',
    "zeek-smtp-bdat-cmd-invalid.pcapng/0": "tshark takes an invalid BDAT for the start of a chunk",
    "zeek-smtp-bdat-cmd-invalid.pcapng/1": "tshark takes an invalid BDAT for the start of a chunk",
    "zeek-smtp-mail-transactions-invalid.pcap/0": "tshark takes lines behind a refused DATA for a message",
}
_NOT_ASCII = "tshark shows octets that are not ASCII as other characters"
OTHER_REPLIES = {
    "arkime-imap.pcap/0": _ONE_LINE,
    "arkime-ntlm_synthetic.pcap/12": "tshark takes challenges of NTLM for no replies",
    "suricata-verify-pop3-auth-01.pcap/0": _PLUS,
    "pcapplusplus-Smtp.pcap/0": "segments are missing, and behind a gap nothing is read",
    "suricata-verify-pop3-02-bug-7709.pcap/0": _NOT_ASCII,
    "suricata-verify-pop3-02-bug-7709.pcap/1": _NOT_ASCII,
    "zeek-imap-starttls.pcap/0": _ONE_LINE,
    "zeek-pop3-unknown-commands.pcap/0": 'the server answers "+" and carriage returns',
    "zeek-pop3.pcap/3": _PLUS,
    "zeek-pop3.pcap/5": _PLUS,
    "zeek-pop3.pcap/6": _PLUS,
}


# tshark puts the words "[137 bytes missing in capture file]." among the octets, and a NUL.
WORDS_OF_TSHARK = {"pcapplusplus-Smtp.pcap/0": {Side.SERVER: 36}}
IGNORED = {"arkime-socks5-smtp-503.pcap/0": "SOCKS5 on its own port is no mail protocol"}


@dataclass(frozen=True, slots=True)
class Case:
    """One stream with octets, as tshark has it."""

    file: str
    number: int
    truth: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.file}/{self.number}"


def cases() -> list[Any]:
    found = []
    for path in sorted(CAPTURES.glob("*.json")):
        for truth in json.loads(path.read_text())["streams"]:
            if truth["protocol"] and truth["client_bytes"] + truth["server_bytes"]:
                case = Case(path.name.removesuffix(".json"), truth["stream"], truth)
                found.append(pytest.param(case, id=case.name))
    return found


def read_cases() -> list[Any]:
    return [case for case in cases() if case.values[0].name not in IGNORED]


def parts_of(case: Case) -> list[Part]:
    return [
        item.part
        for item in conversations(CAPTURES / case.file)
        if isinstance(item, Said) and item.conversation.stream.number == case.number
    ]


@pytest.mark.parametrize("case", read_cases())
def test_a_stream_is_read_as_tshark_reads_it(case: Case) -> None:
    parts = parts_of(case)
    commands = [_text(part) for part in parts if part.kind in (Kind.COMMAND, Kind.RESPONSE)]
    same = commands == [line for _, line in case.truth.get("commands", [])]
    assert same != (case.name in OTHER_COMMANDS), commands
    replies = [_text(part) for part in parts if part.kind is Kind.REPLY]
    same = _comparable(replies) == _expected(case.truth.get("replies", []))
    assert same != (case.name in OTHER_REPLIES), replies


@pytest.mark.parametrize("case", read_cases())
def test_every_octet_is_in_a_part(case: Case) -> None:
    parts = parts_of(case)
    for side, key in ((Side.CLIENT, "client_bytes"), (Side.SERVER, "server_bytes")):
        words = WORDS_OF_TSHARK.get(case.name, {}).get(side, 0)
        assert sum(len(part.data) for part in parts if part.side is side) + words == case.truth[key]


@pytest.mark.parametrize("path", sorted(CAPTURES.glob("*.json")), ids=lambda path: path.stem)
def test_other_streams_are_ignored_and_counted(path: Any) -> None:
    truth = json.loads(path.read_text())["streams"]
    tally = FileTally()
    seen = [each for each in conversations(path.with_suffix(""), tally) if isinstance(each, Ended)]
    spoke = [stream for stream in truth if stream["client_bytes"] + stream["server_bytes"]]
    ignored = sum(not stream["protocol"] for stream in spoke)
    ignored += sum(name.startswith(f"{path.stem}/") for name in IGNORED)
    assert tally.ignored == ignored
    assert len(seen) == len(spoke) - ignored
    assert tally.silent == len(truth) - len(spoke)


def _text(part: Part) -> str:
    """Without octets that are not ASCII: tshark guesses what they mean."""
    return part.data.rstrip(b"\r\n").decode("ascii", "ignore")


def _comparable(replies: list[str]) -> list[str]:
    """POP3: the first line, as the list behind it is no reply to tshark; SMTP: code and texts."""
    found = []
    for reply in replies:
        lines = reply.split("\r\n") if "\r\n" in reply else reply.split("\n")
        if lines[0][:3].isdigit():
            found.append(lines[0][:3] + "".join(line[4:] for line in lines))
        else:
            found.append(lines[0])
    return found


def _expected(replies: list[Any]) -> list[str]:
    found = []
    for _, reply in replies:
        text = reply if isinstance(reply, str) else str(reply["code"]) + "".join(reply["lines"])
        found.append(text.encode("ascii", "ignore").decode())
    return found
