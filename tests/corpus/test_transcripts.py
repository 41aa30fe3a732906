"""What real servers answered goes through unchanged, whole and in pieces; so do James's dialogues.

Capability lists are edited; how, is tested with the editing itself
(``tests/proto/test_capabilities.py``), so here it tells what is expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mailproxy.events import Anomaly, CommandDone
from mailproxy.proto.capabilities import edit_capa, edit_ehlo, edit_imap_line
from mailproxy.proto.tokens import Side
from mailproxy.session.options import Options
from tests.corpus.place import TRANSCRIPTS, WHY_NOT
from tests.corpus.yaml_strings import quoted_strings
from tests.play import Cut, Wires, byte_by_byte, check_what_the_server_read, random_cuts, whole

pytestmark = pytest.mark.skipif(not TRANSCRIPTS.is_dir(), reason=WHY_NOT)

CUTS = {"whole": whole, "byte by byte": byte_by_byte, "seed 1": random_cuts(1), "seed 2": random_cuts(2)}
MAILKIT = TRANSCRIPTS / "mailkit"
RUBY = TRANSCRIPTS / "ruby-net-imap"
JAMES = TRANSCRIPTS / "james"


def _names(paths: list[Path]) -> list[str]:
    return [f"{path.parent.name}/{path.name}" for path in paths]


def _files(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern))


class Peers:
    """A session of one protocol that is past its login, and the octets its client must get."""

    def __init__(self, protocol: str, cut: Cut, *, guard: bool) -> None:
        self.wires = Wires(protocol, Options(guard=guard))
        self.cut = cut
        self.start = 0

    def client(self, data: bytes) -> None:
        self.wires.send(Side.CLIENT, self.cut(data))

    def server(self, data: bytes) -> None:
        self.wires.send(Side.SERVER, self.cut(data))

    def answer_follows(self) -> None:
        self.start = len(self.wires.got[Side.CLIENT])

    @property
    def answer(self) -> bytes:
        return bytes(self.wires.got[Side.CLIENT][self.start :])

    @property
    def anomalies(self) -> set[str]:
        return {event.name for event in self.wires.events if isinstance(event, Anomaly)}

    @property
    def open_commands(self) -> int:
        return sum(slot.answer is None for slot in self.wires.session.dialect.slots)


# -- MailKit: answers ---------------------------------------------------------------------

POP3_COMMANDS = {
    "capa": b"CAPA\r\n",
    "dele123": b"DELE 1\r\nDELE 2\r\nDELE 3\r\n",
    "dele": b"DELE 1\r\n",
    "list1": b"LIST 1\r\n",
    "list2": b"LIST 2\r\n",
    "list3": b"LIST 3\r\n",
    "list": b"LIST\r\n",
    "noop": b"NOOP\r\n",
    "quit": b"QUIT\r\n",
    "retr": b"RETR 1\r\n",
    "rset": b"RSET\r\n",
    "stat": b"STAT\r\n",
    "top123": b"TOP 1 0\r\nTOP 2 0\r\nTOP 3 0\r\n",
    "top": b"TOP 1 0\r\n",
    "uidl-": b"UIDL\r\n",
    "uidl1": b"UIDL 1\r\n",
    "uidl2": b"UIDL 2\r\n",
    "uidl3": b"UIDL 3\r\n",
    "uidl": b"UIDL\r\n",
    "getlang": b"LANG\r\n",
    "setlang": b"LANG en\r\n",
    "auth": b"PASS secret\r\n",
    "plus": b"AUTH LOGIN\r\n",
    "utf8": b"UTF8\r\n",
}
SMTP_COMMANDS = {
    "auth-": b"AUTH PLAIN AGEAYg==\r\n",
    "comcast-auth-login": b"AUTH LOGIN\r\n",
    "comcast-auth-plain": b"AUTH PLAIN AGEAYg==\r\n",
    "comcast-data-done": b"DATA\r\n",
    "comcast-ehlo": b"EHLO me\r\n",
    "comcast-quit": b"QUIT\r\n",
    "comcast-rcpt": b"RCPT TO:<v@c.example>\r\n",
    "ehlo": b"EHLO me\r\n",
    "helo": b"HELO me\r\n",
    "pipelined": b"MAIL FROM:<a@b.example>\r\nRCPT TO:<v@c.example>\r\n",
    "rfc0821-expn": b"EXPN list\r\n",
    "rfc0821-vrfy": b"VRFY smith\r\n",
}
# No reader can say what these mean: an observer passes them on blindly, a guard ends there.
UNREADABLE_ANSWERS = {
    "exchange/issue115.txt": "a line that is no response",
    "gmail/headers.1+unsolicited-info.txt": "a literal that is longer than announced",
}


@pytest.mark.parametrize("guard", [True, False], ids=["guard", "observe"])
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize(
    "path", _files(MAILKIT, "*/**/*.txt"), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_answers_of_servers_go_through_unchanged(path: Path, cut: Cut, guard: bool) -> None:
    protocol = path.relative_to(MAILKIT).parts[0]
    peers = Peers(protocol, cut, guard=guard)
    answer = path.read_bytes().replace(b"\n", b"\r\n").replace(b"A########", b"A00000001")
    if not answer.endswith(b"\r\n"):
        answer += b"\r\n"
    {"pop3": _ask_pop3, "imap": _ask_imap, "smtp": _ask_smtp}[protocol](peers, path.stem, answer)
    peers.server(answer)
    unreadable = f"{path.parent.name}/{path.name}" in UNREADABLE_ANSWERS
    assert unreadable is ("unreadable" in peers.anomalies)
    if unreadable and guard:
        assert peers.wires.session.closed
        return
    assert peers.answer == _edited(protocol, path.stem, answer, peers)
    asks_for_more = answer.startswith(b"+ ") or "login-username" in path.stem
    if not unreadable:
        assert bool(peers.open_commands) is asks_for_more


def test_no_mailkit_file_is_missed() -> None:
    assert len(_files(MAILKIT, "*/**/*.txt")) == 254


def _ask_pop3(peers: Peers, name: str, answer: bytes) -> None:
    if "greeting" in name:
        return
    peers.server(b"+OK ready\r\n")
    command = _longest(POP3_COMMANDS, name)
    if command.split()[0] not in (b"AUTH", b"CAPA", b"UTF8", b"LANG", b"PASS"):
        peers.client(b"USER a\r\nPASS b\r\n")
        peers.server(b"+OK\r\n")
        peers.server(b"+OK\r\n")
    peers.client(command)
    peers.answer_follows()


def _ask_imap(peers: Peers, name: str, answer: bytes) -> None:
    if "greeting" in name:
        return
    peers.server(b"* OK ready\r\n")
    if "authenticate" not in name:
        peers.client(b"l LOGIN a b\r\n")
        peers.server(b"l OK\r\n")
    peers.client(b"A00000001 IDLE\r\n" if answer.startswith(b"+ ") else b"A00000001 NOOP\r\n")
    peers.answer_follows()


def _ask_smtp(peers: Peers, name: str, answer: bytes) -> None:
    if "greeting" in name:
        return
    peers.server(b"220 ready\r\n")
    command = _longest(SMTP_COMMANDS, name)
    if command[:4] not in (b"EHLO", b"HELO"):
        peers.client(b"EHLO me\r\n")
        peers.server(b"250-here\r\n250 PIPELINING\r\n")
    if command[:4] in (b"DATA", b"RCPT"):
        peers.client(b"MAIL FROM:<a@b.example>\r\n")
        peers.server(b"250 ok\r\n")
    if command[:4] == b"DATA":
        peers.client(b"RCPT TO:<v@c.example>\r\n")
        peers.server(b"250 ok\r\n")
    peers.client(command)
    if command[:4] == b"DATA":
        peers.server(b"354 go\r\n")
        peers.client(b"text\r\n.\r\n")
    peers.answer_follows()


def _longest(commands: dict[str, bytes], name: str) -> bytes:
    return commands[max((prefix for prefix in commands if name.startswith(prefix)), key=len)]


def _edited(protocol: str, name: str, answer: bytes, peers: Peers) -> bytes:
    policy = peers.wires.session.dialect.policy
    if protocol == "imap":
        return b"".join(edit_imap_line(line, policy) for line in answer.splitlines(keepends=True))
    lines = answer.splitlines(keepends=True)
    if protocol == "pop3" and name.startswith("capa"):
        return b"".join([lines[0], *edit_capa(lines[1:-1], policy), lines[-1]])
    if protocol == "smtp" and "ehlo" in name and answer.startswith(b"250"):
        return b"".join(edit_ehlo(lines, policy))
    return answer


# -- net-imap: responses ------------------------------------------------------------------

# Of these the end cannot be known, or no session can go on behind them.
UNREADABLE = (
    b"{99999999999999999999}",  # a literal larger than the message that follows
)


def responses() -> tuple[list[bytes], int]:
    """Every response that can be extracted, and how many there are."""
    found: list[bytes] = []
    total = 0
    for path in _files(RUBY, "*.yml"):
        strings, count = quoted_strings(path.read_text(encoding="utf-8"), ":response")
        found += [text.encode() for text in strings]
        total += count
    return found, total


def test_most_responses_are_extracted() -> None:
    found, total = responses()
    assert total >= 190
    assert len(found) >= 0.8 * total


@pytest.mark.parametrize("guard", [True, False], ids=["guard", "observe"])
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_responses_go_through_unchanged(cut: Cut, guard: bool) -> None:
    for response in responses()[0]:
        peers = Peers("imap", cut, guard=guard)
        peers.server(b"* OK ready\r\n")
        peers.client(b"l LOGIN a b\r\n")
        peers.server(b"l OK\r\n")
        tag = response.split(b" ")[0]
        peers.client(
            b"i IDLE\r\n" if response.startswith(b"+") else tag + b" NOOP\r\n" if tag != b"*" else b""
        )
        peers.answer_follows()
        peers.server(response)
        policy = peers.wires.session.dialect.policy
        expected = b"".join(edit_imap_line(line, policy) for line in response.splitlines(keepends=True))
        assert peers.answer == expected, response
        if response.endswith(b"\r\n") and not any(mark in response for mark in UNREADABLE):
            assert peers.wires.session.dialect.boundary, response


# -- James: dialogues ---------------------------------------------------------------------

NEVER = b"abcd AUTHENTICATE KERBEROS_V4\r\n"  # it may hide all that follows it
UNREADABLE_DIALOGUES = {"UidSearchAtoms-1": "a literal is announced one octet too short"}


def dialogues() -> list[tuple[str, list[bytes]]]:
    """Each session of each IMAP script: what its client sends, line by line."""
    found: list[tuple[str, list[bytes]]] = []
    for path in _files(JAMES / "imap", "*.test"):
        sessions: dict[str, list[bytes]] = {}
        number = "1"
        for line in path.read_bytes().splitlines():
            if line.startswith(b"SESSION:"):
                number = line.partition(b":")[2].strip().decode()
            elif line.startswith(b"C:"):
                sessions.setdefault(number, []).append(line[2:].removeprefix(b" ") + b"\r\n")
        found += [(f"{path.stem}-{number}", lines) for number, lines in sessions.items()]
    return found


class AgreeableImapServer:
    """Answers every command with OK, and asks for what it must be asked for."""

    def __init__(self, wires: Wires) -> None:
        self._wires = wires
        self._read = 0
        self._tag = b""
        self._literal = 0

    def answer(self) -> None:
        """Answer what has come since the last time."""
        got = self._wires.got[Side.SERVER]
        while (found := got.find(b"\r\n", self._read + self._literal)) >= 0:
            line = bytes(got[self._read + self._literal : found + 2])
            self._read, self._literal = found + 2, 0
            self._line(line)

    def _line(self, line: bytes) -> None:
        self._tag = self._tag or line.split(b" ")[0].rstrip()
        literal = re.search(rb"~?\{([0-9]+)(\+?)\}\r\n$", line)
        if literal:
            self._literal = int(literal[1])
            if not literal[2]:
                self._say(b"+ go\r\n")
            return
        refused = b" AUTHENTICATE" in line.upper()
        tag, self._tag = self._tag, b""
        self._say(tag + (b" NO refused\r\n" if refused else b" OK done\r\n"))

    def _say(self, line: bytes) -> None:
        self._wires.send(Side.SERVER, iter([line]))


def _play(lines: list[bytes], cut: Cut, *, guard: bool) -> Wires:
    wires = Wires("imap", Options(guard=guard))
    wires.send(Side.SERVER, iter([b"* OK [CAPABILITY IMAP4rev1 LITERAL+] ready\r\n"]))
    server = AgreeableImapServer(wires)
    for line in lines:
        for piece in cut(line):
            wires.send(Side.CLIENT, iter([piece]))
            server.answer()
    return wires


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize(("name", "lines"), dialogues(), ids=[name for name, _ in dialogues()])
def test_dialogues_go_through_unchanged(name: str, lines: list[bytes], cut: Cut) -> None:
    wires = _play(lines, cut, guard=False)
    assert bytes(wires.got[Side.SERVER]) == b"".join(line for line in lines if line != NEVER)


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize(("name", "lines"), dialogues(), ids=[name for name, _ in dialogues()])
def test_a_guard_passes_dialogues_on_or_refuses_whole_commands(
    name: str, lines: list[bytes], cut: Cut
) -> None:
    wires = _play(lines, cut, guard=True)
    # The declared edit: no server gets a literal that it did not ask for.
    lines = [re.sub(rb"\{(\d+)\+\}\r\n\Z", rb"{\1}\r\n", line) for line in lines]
    refused = [
        event for event in wires.events if isinstance(event, CommandDone) and event.verdict == "refuse"
    ]
    sent = bytes(wires.got[Side.SERVER])
    if name in UNREADABLE_DIALOGUES:
        assert wires.session.dropped
        assert b"".join(lines).startswith(sent)
    elif refused:
        rest = iter(lines)
        assert all(line in rest for line in sent.splitlines(keepends=True)), (
            "lines that the client did not send"
        )
    else:
        assert sent == b"".join(lines)
    check_what_the_server_read(wires)


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_smtp_login_dialogue(cut: Cut) -> None:
    peers = Peers("smtp", cut, guard=True)
    sides: dict[bytes, Callable[[bytes], None]] = {b"C": peers.client, b"S": peers.server}
    said = {b"C": b"", b"S": b""}
    for line in (JAMES / "smtp" / "authplain.test").read_bytes().splitlines():
        side, _, text = line.partition(b": ")
        sides[side](text + b"\r\n")
        said[side] += text + b"\r\n"
    assert bytes(peers.wires.got[Side.SERVER]) == said[b"C"]
    assert bytes(peers.wires.got[Side.CLIENT]) == said[b"S"]
    shown = repr(peers.wires.events)
    assert "c2VjcmV0" not in shown


def test_smtp_starttls_dialogue() -> None:
    wires = Wires("smtp", Options(starttls=True))
    for line in (JAMES / "smtp" / "starttls.test").read_bytes().splitlines():
        side, _, text = line.partition(b": ")
        if b".*" in text or text.startswith(b"220 2.0.0"):
            continue
        wires.send(Side.CLIENT if side == b"C" else Side.SERVER, iter([text + b"\r\n"] if text else []))
    assert wires.session.upgrade
    assert bytes(wires.got[Side.SERVER]) == b"ehlo yopmail.com\r\n"


def test_quoted_strings() -> None:
    text = ':a: "x\\r\\n \\"q\\"\n    more\\\n   joined\\\\"\n:a: plain\n:a:\n  "b\\x41\n\n  c"\n:b: "no"\n'
    assert quoted_strings(text, ":a") == (['x\r\n "q" morejoined\\', "bA\nc"], 3)
