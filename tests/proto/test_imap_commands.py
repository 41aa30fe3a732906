"""IMAP's client half: commands, literals asked for by us or by the server, dialogues."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproxy.proto.capabilities import Policy
from mailproxy.proto.dialect import Cut, Limits
from mailproxy.proto.imap import Imap
from mailproxy.proto.imap_commands import is_login, is_tag, split
from mailproxy.proto.imap_literals import literal_at_end
from mailproxy.proto.tokens import Chunk, Command, Side, WireError
from tests.proto.cuts import pieces, places
from tests.proto.driving import GUARD, OBSERVE, Driver, told

SMALL = Limits(line=300, literal=100)
ASKED = b"+ Ready for literal data\r\n"


def drive(judged: str = "", refused: str = "", policy: Policy = GUARD, limits: Limits = SMALL) -> Driver:
    """A logged-in client; ``judged`` verbs are collected, ``refused`` ones answered here."""
    verbs = frozenset(judged.split(",")) - {""}
    driver = Driver(Imap(policy, limits, verbs), refused)
    driver.server(b"* PREAUTH hi\r\n")
    driver.to_client = b""
    return driver


# -- lines --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "told_as"),
    [
        (b"a NOOP\r\n", "NOOP"),
        (b"a noop\r\n", "NOOP"),
        (b"a uid fetch 1 x\r\n", "UID FETCH"),
        (b"a UID\r\n", "UID"),
        (b"a XTHING 1\r\n", "XTHING"),
        (b"a\r\n", ""),
        (b"a NOOP\n", "a bare CR or LF; a line must end in CRLF (openssl s_client needs -crlf)"),
        (b"a NO\0OP\r\n", "a NUL octet"),
        (b"+ NOOP\r\n", "a tag that is none (RFC 9051 §2.2.1)"),
        (b" NOOP\r\n", "a tag that is none (RFC 9051 §2.2.1)"),
        (b"\xff NOOP\r\n", "a tag that is none (RFC 9051 §2.2.1)"),
        (b"a IDLE now\r\n", "IDLE takes no argument"),
        (b"a IDLE (\r\n", "IDLE takes no argument"),
        (b"a IDLE }\r\n", "IDLE takes no argument"),
        (b'a SELECT "x {5}\r\n', "a quoted string without its end"),
        (b"+ SELECT {5}\r\n", "a tag that is none (RFC 9051 §2.2.1)"),
        (b'a SELECT "x}\r\n', "SELECT does not name its mailbox clearly: a quoted string expected"),
    ],
)
def test_lines(line: bytes, told_as: str) -> None:
    (command,) = drive().client(line)
    assert isinstance(command, Command)
    assert (command.flaw or command.verb, command.line) == (told_as, line)
    assert not command.partial


@pytest.mark.parametrize(
    "line", [b'a SELECT "x {5+}\r\n', b"+ SELECT {5+}\r\n", b"a IDLE {5+}\r\n", b"a NO\0OP {5+}\r\n"]
)
def test_octets_that_come_unasked_behind_a_flaw_end_the_session(line: bytes) -> None:
    driver = drive()
    (cut,) = driver.client(line)
    assert isinstance(cut, Cut)
    assert cut.answer.endswith(b"\r\n* BYE Closing\r\n")
    assert driver.to_server == b""


def test_an_observer_forwards_a_flawed_line() -> None:
    driver = drive(policy=OBSERVE)
    driver.client(b'a SELECT "x {5+}\r\n+ NOOP\r\n')
    assert driver.to_server == b'a SELECT "x {5+}\r\n+ NOOP\r\n'


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        (b"a NOOP\r\n", (b"a", "NOOP", b"")),
        (b"a uid store 1 x \r\n", (b"a", "UID STORE", b"1 x ")),
        (b"a select {1}\r\nx\n", (b"a", "SELECT", b"{1}\r\nx")),
        (b"\r\n", (b"", "", b"")),
        (b"a \xff\r\n", (b"a", "\ufffd", b"")),
    ],
)
def test_split(line: bytes, parts: tuple[bytes, str, bytes]) -> None:
    assert split(line) == parts


def test_tags_and_logins() -> None:
    assert [is_tag(tag) for tag in (b"a1", b"A.-]", b"x" * 64)] == [True] * 3
    assert [is_tag(tag) for tag in (b"", b"+a", b"a b", b"a{", b'a"', b"x" * 65)] == [False] * 6
    assert is_login(b"ann pw")
    assert [is_login(args) for args in (b"", b"ann", b'"" pw', b"ann pw more")] == [False] * 4


def test_the_rest_of_an_endless_line_is_skipped() -> None:
    driver = drive()
    assert driver.client(b"a" * 400) == []
    assert told(driver.client(b"b\r\nc NOOP\r\n")) == ["a line that is too long", "NOOP"]


def test_an_endless_line_with_a_literal_ends_the_session() -> None:
    driver = drive()
    driver.client(b"a SELECT " + b"x" * 400)
    (cut,) = driver.client(b" {5+}\r\na NOOP\r\n")
    assert isinstance(cut, Cut)
    assert cut.answer.startswith(b"* BAD ")


def test_an_observer_cannot_read_an_endless_line() -> None:
    with pytest.raises(WireError) as caught:
        drive(policy=OBSERVE).client(b"a" * 400)
    assert caught.value.side is Side.CLIENT


# -- any commands with literals, at any cut -------------------------------------------------

VERBS = ["SELECT", "SEARCH TEXT", "UID SEARCH", "XTHING"]
words = st.sampled_from([b"word", b'"quoted"', b"(a b)"])
octets = st.text('ab{}+ \r\n"', max_size=9).map(str.encode)
literals = st.tuples(octets, st.sampled_from([b"", b"+"])).map(
    lambda x: b"{%d%s}\r\n%s" % (len(x[0]), x[1], x[0])
)
commands = st.lists(
    st.tuples(st.sampled_from(VERBS), st.lists(st.one_of(words, literals), max_size=4)),
    min_size=1,
    max_size=4,
)


def converse(driver: Driver, command: bytes, at: list[int]) -> None:
    """A client that sends without waiting, and a server that reads lines and asks for literals."""
    server = Server(len(driver.to_server))
    for piece in pieces(command, at):
        driver.client(piece)
        while server.reads(driver.to_server):
            driver.server(b"+ go\r\n")
            driver.client(b"")


class Server:
    """Reads what came; no octet of a literal may come before it was asked for."""

    def __init__(self, seen: int) -> None:
        self._seen = seen
        self._left = 0
        self._line = b""

    def reads(self, sent: bytes) -> bool:
        """Is a literal announced, and is it to be asked for now?"""
        new, self._seen = sent[self._seen :], len(sent)
        inside = min(self._left, len(new))
        self._left -= inside
        self._line += new[inside:]
        *lines, self._line = self._line.split(b"\n")
        found = [literal for line in lines if (literal := literal_at_end(line + b"\n"))]
        if not found:
            return False
        assert found[0].synchronising
        assert (len(found), literal_at_end(lines[-1] + b"\n"), self._line) == (1, found[0], b"")
        self._left = found[0].octets
        return True


@pytest.mark.parametrize("judged", ["", "SELECT,SEARCH,UID SEARCH"])
@given(commands, places)
@settings(max_examples=60)
def test_upstream_goes_the_command_with_every_literal_synchronising(
    judged: str, given_commands: list[tuple[str, list[bytes]]], at: list[int]
) -> None:
    driver = drive(judged, limits=Limits())
    expected = b""
    for number, (verb, args) in enumerate(given_commands):
        head = b"t%d %s" % (number, verb.encode())
        converse(driver, b" ".join([head, *args]) + b"\r\n", at)
        sent = [arg.replace(b"+}\r\n", b"}\r\n", 1) if arg.startswith(b"{") else arg for arg in args]
        expected += b" ".join([head, *sent]) + b"\r\n"
        assert driver.to_server == expected
        driver.server(b"t%d OK\r\n" % number)
    assert not driver.dialect.slots
    assert not driver.deaf


@pytest.mark.parametrize("header", [b"{0}", b"{0+}"])
def test_a_judged_command_that_ends_in_an_empty_literal(header: bytes) -> None:
    driver = drive("SEARCH")
    driver.client(b"a SEARCH TEXT " + header + b"\r\n\r\n")
    assert driver.to_server == b"a SEARCH TEXT {0}\r\n"
    driver.server(b"+ go\r\n")
    assert driver.to_server == b"a SEARCH TEXT {0}\r\n\r\n"


# -- literals, one case each -----------------------------------------------------------------


def test_a_judged_command_is_whole_before_anything_goes_upstream() -> None:
    driver = drive("SELECT")
    assert told(driver.client(b"a SELECT {3}\r\n")) == [(Side.CLIENT, ASKED)]
    assert told(driver.client(b"Bo")) == [b""]
    assert driver.to_server == b""
    *_, command = driver.client(b"x\r\n")
    assert isinstance(command, Command)
    assert command.fields == {"mailbox": "Box"}
    assert driver.to_server == b"a SELECT {3}\r\n"
    driver.server(b"+ go\r\n")
    assert driver.to_server == b"a SELECT {3}\r\nBox\r\n"


def test_a_command_that_nobody_judges_is_known_when_it_is_over() -> None:
    driver = drive()
    (command,) = driver.client(b"a DELETE {3}\r\n")
    assert isinstance(command, Command)
    assert command.partial
    driver.server(b"+ go\r\n")
    driver.client(b"Box\r\n")
    assert not command.partial
    assert command.fields == {"mailbox": "Box"}


@pytest.mark.parametrize("verb", ["SELECT", "EXAMINE", "select"])
@pytest.mark.parametrize(
    ("args", "clear"),
    [
        (b"INBOX", True),
        (b"[Gmail]/Trash", True),
        (b"Entw&APw-rfe (CONDSTORE)", True),
        (b'"INBOX" (QRESYNC (67890007 20050715194045000 41,43:211,214:541))', True),
        (b'"INBOX" (QRESYNC (67890007 90060115194045000 1:29997 (5000,7500,9000 15000,22500,27000)))', True),
        ('"Entwürfe"'.encode(), True),
        (rb'"a \"b\""', True),
        (b'""', True),
        (b"Legal}", True),
        (b"{5}\r\nTrash", True),
        (b"{5+}\r\nTrash (CONDSTORE)", True),
        (b"{0+}\r\n", True),
        (b"", False),
        (b" Legal", False),
        (b"Legal ", False),
        (b"Legal x", False),
        (b"Legal  (CONDSTORE)", False),
        (rb'"Le\gal"', False),
        (b'"Legal', False),
        (b"Le%gal", False),
        ("Entwürfe".encode(), False),
        (b"(CONDSTORE) Legal", False),
        (b" {5}\r\nTrash", False),
        (b"Legal {5+}\r\nTrash", False),
        (b"{5+}\r\nTrash ", False),
        (b"{5}\r\nTrash {5}\r\nTrash", False),
        (b"~{5}\r\nTrash", False),
    ],
)
def test_a_mailbox_is_selected_only_if_it_is_clear_which(verb: str, args: bytes, clear: bool) -> None:
    driver = drive()
    line = b"a " + verb.encode() + b" " + args + b"\r\n"
    *_, command = driver.client(line)
    assert isinstance(command, Command)
    assert not command.partial
    flaw = f"{verb.upper()} does not name its mailbox clearly: "
    assert command.flaw == "" if clear else command.flaw.startswith(flaw)


def test_a_judged_command_that_is_over_changes_nothing_for_the_next() -> None:
    driver = drive("SELECT")
    driver.client(b"a SELECT {1}\r\nx\r\n")
    driver.server(b"+ go\r\na OK\r\n")
    driver.client(b"b SEARCH TEXT {1}\r\n")
    driver.server(b"+ go\r\n")
    driver.client(b"y TEXT {1}\r\n")
    assert not driver.deaf
    assert driver.to_server.endswith(b"b SEARCH TEXT {1}\r\ny TEXT {1}\r\n")


@pytest.mark.parametrize("header", [b"{x}", b"{}", b"{01}", b"{01+}", b"{x+}"])
def test_what_looks_like_a_literal_and_is_none(header: bytes) -> None:
    driver = drive()
    (token,) = driver.client(b"a SELECT " + header + b"\r\n")
    if header.endswith(b"+}"):  # octets may come unasked
        assert isinstance(token, Cut)
    else:
        assert isinstance(token, Command)
        assert token.flaw == "the header of a literal that is none"
    driver = drive()
    driver.client(b"a SEARCH TEXT {1}\r\n")
    driver.server(b"+ go\r\n")
    driver.client(b"x TEXT " + header + b"\r\n")
    assert driver.deaf
    assert header not in driver.to_server


def test_a_refused_literal_that_waits_is_never_sent() -> None:
    driver = drive(refused="DELETE")
    driver.client(b"a DELETE {3}\r\n")
    assert told(driver.client(b"b NOOP\r\n")) == ["NOOP"]


def test_refused_literals_that_come_unasked_are_dropped() -> None:
    driver = drive(refused="DELETE")
    driver.client(b"a DELETE {3+}\r\nBox {3+}\r\nbox {2}\r\nb NOOP\r\n")
    assert driver.to_server == b"b NOOP\r\n"


def test_a_server_that_refuses_drops_what_comes_unasked() -> None:
    driver = drive()
    driver.client(b"a DELETE {3+}\r\nBox")
    driver.server(b"a NO\r\n")
    driver.client(b" {1+}\r\nx\r\nb NOOP\r\n")
    assert driver.to_server == b"a DELETE {3}\r\nb NOOP\r\n"


def test_a_server_that_refuses_a_waiting_client_is_believed() -> None:
    driver = drive()
    driver.client(b"a DELETE {3}\r\n")
    driver.server(b"a NO\r\n")
    driver.client(b"b NOOP\r\n")
    assert driver.to_server == b"a DELETE {3}\r\nb NOOP\r\n"


def test_a_server_that_refuses_pieces_gets_no_more_of_them() -> None:
    driver = drive("COPY")
    driver.client(b"a COPY {1}\r\n1 {1}\r\nx\r\n")
    driver.server(b"a NO\r\n")
    driver.client(b"b NOOP\r\n")
    assert driver.to_server == b"a COPY {1}\r\nb NOOP\r\n"


def test_a_server_that_refuses_the_name_of_a_mailbox_gets_no_message() -> None:
    driver = drive("APPEND")
    driver.client(b"a APPEND {3+}\r\nBox {4+}\r\n")
    driver.server(b"a NO\r\n")
    driver.client(b"mail\r\nb NOOP\r\n")
    assert driver.to_server == b"a APPEND {3}\r\nb NOOP\r\n"


def test_the_final_word_on_another_command_changes_nothing() -> None:
    driver = drive()
    driver.client(b"a NOOP\r\nb DELETE {3}\r\n")
    driver.server(b"a OK\r\n+ go\r\n")
    driver.client(b"Box\r\n")
    assert driver.to_server.endswith(b"b DELETE {3}\r\nBox\r\n")


@pytest.mark.parametrize("judged", ["", "APPEND"])
def test_a_message_is_never_held(judged: str) -> None:
    driver = drive(judged)
    (command,) = driver.client(b"a APPEND Box (\\Seen) {200000}\r\n")
    assert isinstance(command, Command)
    assert command.fields == {"mailbox": "Box", "flags": ["\\Seen"], "size": 200_000}
    driver.server(b"+ go\r\n")
    (chunk,) = driver.client(b"m" * 1000)
    assert isinstance(chunk, Chunk)
    assert chunk.data == b"m" * 1000, "it goes on at once"


@pytest.mark.parametrize("judged", ["", "APPEND"])
@given(places)
@settings(max_examples=40)
def test_a_message_behind_a_literal_mailbox(judged: str, at: list[int]) -> None:
    driver = drive(judged)
    converse(driver, b"a APPEND {3+}\r\nBox () {900+}\r\n" + b"m" * 900 + b"\r\n", at)
    assert driver.to_server == b"a APPEND {3}\r\nBox () {900}\r\n" + b"m" * 900 + b"\r\n"
    driver.server(b"a OK\r\n")
    assert not driver.dialect.slots


def test_a_refused_message_goes_nowhere() -> None:
    driver = drive("APPEND", refused="APPEND")
    driver.client(b"a APPEND {3+}\r\nBox {900+}\r\n" + b"m" * 900 + b"\r\nb NOOP\r\n")
    assert driver.to_server == b"b NOOP\r\n"


@pytest.mark.parametrize(("judged", "closed"), [("", False), ("APPEND", True)])
def test_a_second_message_cannot_be_judged(judged: str, closed: bool) -> None:
    driver = drive(judged)
    driver.client(b"a APPEND Box {1+}\r\nm {1+}\r\nn\r\n")
    for _ in range(2):
        if not driver.deaf and driver.dialect.slots:
            driver.server(b"+ go\r\n")
            driver.client(b"")
    assert driver.deaf is closed
    assert (b"second message" in driver.to_client) is closed


def test_an_append_without_a_mailbox_streams() -> None:
    (command,) = drive().client(b"a APPEND {\r\n")
    assert isinstance(command, Command)
    (command, *_) = drive().client(b"a APPEND ( {200}\r\n")
    assert isinstance(command, Command)
    assert command.partial


@pytest.mark.parametrize("judged", ["", "SELECT"])
def test_a_literal_that_is_too_big(judged: str) -> None:
    driver = drive(judged)
    (command,) = driver.client(b"a SELECT {101}\r\n")
    assert isinstance(command, Command)
    assert (command.flaw, command.partial) == ("a literal that is too big", False)
    driver = drive(judged)
    (cut,) = driver.client(b"a SELECT {101+}\r\n")
    assert isinstance(cut, Cut)
    assert cut.answer == b"a BAD [TOOBIG] The literal is too big\r\n* BYE Closing\r\n"
    with pytest.raises(WireError) as caught:
        drive(judged, policy=OBSERVE).client(b"a SELECT {101}\r\n")
    assert caught.value.taken == b"a SELECT {101}\r\n"


@pytest.mark.parametrize("judged", ["", "SEARCH"])
def test_many_small_literals_are_limited_in_sum(judged: str) -> None:
    driver = drive(judged)
    driver.client(b"a SEARCH {60}\r\n")
    if not judged:
        driver.server(b"+ go\r\n")
    *_, cut = driver.client(b"x" * 60 + b" {60}\r\n")
    assert isinstance(cut, Cut)
    assert "too big" in cut.why


@pytest.mark.parametrize("behind", [b"x\r\n", b" x\n", b" \0\r\n", b'"\r\n'])
def test_what_cannot_stand_behind_a_literal_ends_the_session(behind: bytes) -> None:
    driver = drive("SELECT")
    *_, cut = driver.client(b"a SELECT {3+}\r\nBox" + behind)
    assert isinstance(cut, Cut)
    assert cut.answer.startswith(b"a BAD octets behind a literal")


def test_an_observer_passes_whatever_stands_behind_a_literal() -> None:
    driver = drive(policy=OBSERVE)
    driver.client(b"a SELECT {3+}\r\nBoxes\r\nb NOOP\r\n")
    assert driver.to_server == b"a SELECT {3+}\r\nBoxes\r\nb NOOP\r\n"


def test_a_look_alike_behind_a_literal_ends_the_session() -> None:
    *_, cut = drive("SELECT").client(b'a SELECT {3+}\r\nBox "x {3+}\r\n')
    assert isinstance(cut, Cut)
    assert "quoted string" in cut.why


def test_an_endless_rest_ends_the_session() -> None:
    *_, cut = drive("SELECT").client(b"a SELECT {3+}\r\nBox " + b"x" * 400)
    assert isinstance(cut, Cut)
    assert cut.why == "a command that is too long"


@pytest.mark.parametrize(("user", "closed"), [(b"ann", False), (b"", True)])
def test_a_login_with_a_literal_says_who_logs_in(user: bytes, closed: bool) -> None:
    driver = drive()
    driver.client(b"a LOGIN {%d}\r\n" % len(user))
    driver.server(b"+ go\r\n")
    tokens = driver.client(user + b" opensesame\r\n")
    assert driver.deaf is closed
    assert (b"opensesame" in driver.to_server) is not closed
    if not closed:
        assert all(token.secret for token in tokens[:1] if isinstance(token, Chunk))


def test_nobody_waits_for_a_plus() -> None:
    driver = drive()
    with pytest.raises(WireError, match="nobody waits for"):
        driver.server(b"+ go\r\n")


# -- dialogues ------------------------------------------------------------------------------


def test_idle_begins_and_ends_as_the_peers_say() -> None:
    driver = drive()
    driver.client(b"a IDLE\r\n")
    assert driver.client(b"done\r\n") == [], "nothing is read before the server asks"
    driver.server(b"+ idling\r\n")
    assert told(driver.client(b"")) == [b"done\r\n"]
    driver.server(b"a OK\r\n")
    assert told(driver.client(b"b NOOP\r\n")) == ["NOOP"]


def test_a_server_may_end_idle_itself() -> None:
    driver = drive()
    driver.client(b"a IDLE\r\n")
    driver.server(b"+ idling\r\na BAD tired\r\n")
    assert told(driver.client(b"b NOOP\r\n")) == ["NOOP"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"b NOOP\r\n", "only DONE ends IDLE"),
        (b"DONE\n", "a line that is none"),
        (b"x" * 301, "a line that is too long"),
    ],
)
def test_nothing_else_ends_idle(said: bytes, why: str) -> None:
    driver = drive()
    driver.client(b"a IDLE\r\n")
    driver.server(b"+ idling\r\n")
    (cut,) = driver.client(said)
    assert isinstance(cut, Cut)
    assert cut.why == why
    assert driver.to_server == b"a IDLE\r\n"


def test_an_observer_takes_anything_for_the_end_of_idle() -> None:
    driver = drive(policy=OBSERVE)
    driver.client(b"a IDLE\r\n")
    driver.server(b"+ idling\r\n")
    assert told(driver.client(b"b NOOP\n")) == [b"b NOOP\n"]


def test_a_response_is_secret_and_waited_for() -> None:
    driver = drive()
    driver.client(b"a AUTHENTICATE PLAIN\r\n")
    assert driver.client(b"AGFubgBwdw==\r\n") == []
    driver.server(b"+ \r\n")
    (chunk,) = driver.client(b"")
    assert isinstance(chunk, Chunk)
    assert (chunk.data, chunk.secret) == (b"AGFubgBwdw==\r\n", True)
    assert driver.client(b"part of a line") == []


@pytest.mark.parametrize("initial", [b"", b" %%%"])
def test_a_response_in_no_base64_ends_the_session(initial: bytes) -> None:
    driver = drive()
    driver.client(b"a AUTHENTICATE PLAIN" + initial + b"\r\n")
    driver.server(b"+ \r\n")
    (cut,) = driver.client(b"%%%\r\n")
    assert isinstance(cut, Cut)
    assert "base64" in cut.why
    driver = drive(policy=OBSERVE)
    driver.client(b"a AUTHENTICATE PLAIN\r\n")
    driver.server(b"+ \r\n")
    assert told(driver.client(b"%%%\r\n")) == [b"%%%\r\n"]
