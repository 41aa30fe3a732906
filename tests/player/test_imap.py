"""The IMAP server out of a recording."""

from __future__ import annotations

import pytest

from mailproxy.capture.bodies import BodyStore
from mailproxy.player.imap import ImapPlayer
from mailproxy.player.pieces import joined
from mailproxy.player.terms import Memory
from tests.player.recording import greeting, recorded, says

SESSION = r"""
S: * OK [CAPABILITY IMAP4rev1 LITERAL+ STARTTLS AUTH=PLAIN AUTH=GSSAPI LOGINDISABLED] ready
C: x1 LOGIN aiko {6}
S: + go
C: ******
S: x1 OK [CAPABILITY IMAP4rev1 LITERAL+ IDLE UIDPLUS COMPRESS=DEFLATE] Welcome
C: x2 ID ("name" "old")
S: * ID ("name" "Maker")
S: x2 OK
C: x3 LIST "" "*"
S: * LIST (\HasNoChildren) "/" INBOX
S: * LIST (\HasNoChildren \Trash) "/" "Old Trash"
S: x3 OK listed
C: x4 STATUS "Old Trash" (MESSAGES UIDNEXT)
S: * STATUS "Old Trash" (MESSAGES 0 UIDNEXT 9)
S: x4 OK
C: x5 SELECT "INBOX"
S: * FLAGS (\Answered \Deleted \Seen)
S: * 3 EXISTS
S: * 1 RECENT
S: * OK [UIDVALIDITY 77] valid
S: * OK [UIDNEXT 40] next
S: x5 OK [READ-WRITE] opened
C: x6 FETCH 1:* (UID FLAGS)
S: * 1 FETCH (UID 11 FLAGS (\Seen))
S: * 2 FETCH (UID 12 FLAGS ())
S: * 3 FETCH (UID 15 FLAGS (\Seen \Answered))
S: x6 OK fetched
C: x7 UID FETCH 12 (RFC822.SIZE BODY.PEEK[])
S: * 2 FETCH (UID 12 RFC822.SIZE 43 BODY[] {43}
S: Subject: two
S: From: a@b
S:
S: Hello
S: (twice)
S: )
S: x7 OK fetched
C: x8 UID STORE 11 +FLAGS (\Deleted)
S: * 1 FETCH (UID 11 FLAGS (\Seen \Deleted))
S: x8 OK stored
C: x9 EXPUNGE
S: * 1 EXPUNGE
S: x9 OK expunged
C: x10 IDLE
S: + idling
S: * 3 EXISTS
C: DONE
S: x10 OK idled
C: x11 UID SEARCH 1:*
S: * SEARCH 12 15 31
S: x11 OK searched
C: x12 LOGOUT
S: * BYE see you
S: x12 OK out
"""
LOGIN = "a LOGIN aiko any\n"
BODY = ["Subject: two", "From: a@b", "", "Hello", "(twice)"]


def player(store: BodyStore, session: str = SESSION, **terms: object) -> ImapPlayer:
    made = ImapPlayer(recorded("imap", session, store), **terms)  # type: ignore[arg-type]
    greeting(made)
    return made


@pytest.fixture
def inside(store: BodyStore) -> ImapPlayer:
    made = player(store)
    assert says(made, LOGIN) == ["a OK [CAPABILITY IMAP4rev1 LITERAL+ IDLE UIDPLUS] Welcome"]
    return made


@pytest.fixture
def opened(inside: ImapPlayer) -> ImapPlayer:
    assert says(inside, "b SELECT INBOX\n")[-1] == "b OK [READ-WRITE] opened"
    return inside


def test_the_same_client_hears_the_same_with_its_own_tags(store: BodyStore) -> None:
    made = player(store)
    renamed = SESSION.replace("x1", "new.1")
    sent = [line[3:] for line in renamed.splitlines() if line.startswith("C:")]
    heard = [line[3:] for line in renamed.splitlines() if line.startswith("S:")][1:]
    said = [line for command in sent for line in says(made, command + "\n")]
    changed = {"+ go": "+ go on"}
    expected = [changed.get(line, line.replace(" COMPRESS=DEFLATE", "")) for line in heard]
    assert said == expected
    assert made.closed
    assert made.notes == []


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        (
            'LIST "" %',
            [
                '* LIST (\\HasNoChildren) "/" INBOX',
                '* LIST (\\HasNoChildren \\Trash) "/" "Old Trash"',
                "c OK done",
            ],
        ),
        ('LSUB "" Old*', ['* LSUB (\\HasNoChildren \\Trash) "/" "Old Trash"', "c OK done"]),
        ('LIST "" ""', ['* LIST (\\Noselect) "/" ""', "c OK done"]),
        ('LIST (SUBSCRIBED) "" *', ["c NO [CANNOT] not in the capture"]),
        ("STATUS INBOX (MESSAGES UNSEEN)", ["* STATUS INBOX (MESSAGES 3 UNSEEN 1)", "c OK done"]),
        ('STATUS "Old Trash" (UIDNEXT)', ['* STATUS "Old Trash" (UIDNEXT 9)', "c OK done"]),
        ("STATUS Elsewhere (MESSAGES)", ["c NO [CANNOT] not in the capture"]),
        ("EXAMINE Elsewhere", ["c NO [CANNOT] not in the capture"]),
        ("NAMESPACE", ['* NAMESPACE (("" "/")) NIL NIL', "c OK done"]),
        ("ID NIL", ['* ID ("name" "Maker")', "c OK"]),
        ("CAPABILITY", ["* CAPABILITY IMAP4rev1 LITERAL+ IDLE UIDPLUS", "c OK done"]),
        ("ENABLE CONDSTORE", ["* ENABLED", "c OK done"]),
        ("FETCH 1 FLAGS", ["c BAD no mailbox is selected"]),
        ("GETQUOTAROOT INBOX", ["c NO [CANNOT] not in the capture"]),
        ("LOGIN a b", ["c BAD already logged in"]),
        ("STARTTLS", ["c BAD already logged in"]),
        ("XYZZY", ["c NO [CANNOT] not in the capture"]),
        ("APPEND INBOX {3+}\nabc", ["c OK done"]),
        ("APPEND Elsewhere {3+}\nabc", ["c NO [TRYCREATE] not in the capture"]),
        ("NOOP", ["c OK done"]),
    ],
)
def test_one_command(inside: ImapPlayer, sent: str, heard: list[str]) -> None:
    assert says(inside, f"c {sent}\n") == heard


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        ("FETCH 2:3 (FLAGS)", ["* 2 FETCH (FLAGS ())", r"* 3 FETCH (FLAGS (\Answered \Seen))", "c OK done"]),
        ("FETCH 2 UID", ["* 2 FETCH (UID 12)", "c OK done"]),
        ("UID FETCH 15:* FLAGS", [r"* 3 FETCH (UID 15 FLAGS (\Answered \Seen))", "c OK done"]),
        ("UID FETCH 13:14 FLAGS", ["c OK done"]),
        ("UID FETCH 12 (RFC822.SIZE)", ["* 2 FETCH (UID 12 RFC822.SIZE 43)", "c OK done"]),
        ("FETCH 2 BODY.PEEK[]", ["* 2 FETCH (BODY[] {43}", *BODY, ")", "c OK done"]),
        ("FETCH 2 BODY[]", ["* 2 FETCH (BODY[] {43}", *BODY, r" FLAGS (\Seen))", "c OK done"]),
        ("FETCH 2 RFC822.HEADER", ["* 2 FETCH (RFC822.HEADER {27}", *BODY[:3], ")", "c OK done"]),
        ("FETCH 2 (BODY.PEEK[TEXT])", ["* 2 FETCH (BODY[TEXT] {16}", *BODY[3:], ")", "c OK done"]),
        (
            "FETCH 2 BODY.PEEK[HEADER.FIELDS (FROM \"TO\")]",
            ["* 2 FETCH (BODY[HEADER.FIELDS (FROM TO)] {13}", "From: a@b", "", ")", "c OK done"],
        ),
        ("FETCH 2 BODY.PEEK[]<9.3>", ["* 2 FETCH (BODY[]<9> {3}", "two)", "c OK done"]),
        ("FETCH 1 BODY.PEEK[]", ["c NO [CANNOT] not all of it is in the capture"]),
        ("FETCH 4 FLAGS", ["c BAD no message has that number"]),
        ("FETCH 0 FLAGS", ["c BAD not a set of message numbers"]),
        ("FETCH 1", ["c BAD a set and items are expected"]),
        ("SEARCH ALL", ["* SEARCH 1 2 3", "c OK done"]),
        ("UID SEARCH UNSEEN", ["* SEARCH 12", "c OK done"]),
        ("UID SEARCH NOT (SEEN ANSWERED) UID 1:12", ["* SEARCH 11 12", "c OK done"]),
        ("SEARCH RETURN (COUNT MAX) SEEN", ['* ESEARCH (TAG "c") COUNT 2 MAX 3', "c OK done"]),
        ("UID SEARCH FROM aiko", ["c NO [CANNOT] not in the capture"]),
        ("SEARCH", ["c BAD a search key is missing"]),
        ("STORE 2 +FLAGS.SILENT (\\Seen)", ["c OK done"]),
        ("STORE 2 FLAGS (\\Seen $Spam)", [r"* 2 FETCH (FLAGS ($Spam \Seen))", "c OK done"]),
        ("COPY 1 \"Old Trash\"", ["c OK done"]),
        ("CLOSE", ["c OK done"]),
        ("THREAD REFERENCES UTF-8 ALL", ["c NO [CANNOT] not in the capture"]),
    ],
)  # fmt: skip
def test_one_command_of_an_open_mailbox(opened: ImapPlayer, sent: str, heard: list[str]) -> None:
    assert says(opened, f"c {sent}\n") == heard


def test_what_was_made_up_is_told(opened: ImapPlayer) -> None:
    says(opened, "c FETCH 1:* (uid flags)\nd FETCH 1 (BODY[])\ne SEARCH ALL\nf NOOP\n")
    assert opened.notes == [
        "FETCH 1 (BODY[]): not in the capture",
        "SEARCH ALL: made from what the capture says",
    ]


def test_a_mailbox_changed_beyond_the_capture(store: BodyStore) -> None:
    memory = Memory()
    first = player(store, memory=memory)
    says(first, LOGIN + "b SELECT INBOX\n")
    assert says(first, "c STORE 2 +FLAGS (\\Deleted)\nd EXPUNGE\ne FETCH 1:* (UID FLAGS)\n") == [
        r"* 2 FETCH (FLAGS (\Deleted))",
        "c OK done",
        "* 2 EXPUNGE",
        "d OK done",
        r"* 1 FETCH (UID 11 FLAGS (\Seen))",
        r"* 2 FETCH (UID 15 FLAGS (\Answered \Seen))",
        "e OK done",
    ]
    second = player(store, memory=memory)
    said = says(second, LOGIN + "b SELECT INBOX\nc UID FETCH 1:* (UID)\n")
    assert "* 2 EXISTS" in said
    assert "* OK [UIDVALIDITY 77] valid" in said
    assert said[-3:] == ["* 1 FETCH (UID 11)", "* 2 FETCH (UID 15)", "c OK done"]


def test_a_move_that_the_capture_does_not_have(opened: ImapPlayer) -> None:
    said = says(opened, 'c UID MOVE 11,15 "Old Trash"\nd UID SEARCH ALL\n')
    assert said == ["* 3 EXPUNGE", "* 1 EXPUNGE", "c OK done", "* SEARCH 12", "d OK done"]


def test_what_the_capture_did_is_followed(opened: ImapPlayer) -> None:
    says(opened, "c UID STORE 11 +FLAGS (\\Deleted)\n")
    assert says(opened, "d EXPUNGE\n") == ["* 1 EXPUNGE", "d OK expunged"]
    assert says(opened, "e FETCH 1:2 (UID)\n")[:2] == ["* 1 FETCH (UID 12)", "* 2 FETCH (UID 15)"]


def test_nothing_is_removed_that_is_not_marked(opened: ImapPlayer) -> None:
    assert says(opened, "c EXPUNGE\n") == ["c OK done"]


def test_a_silent_store_of_the_capture_marks(store: BodyStore) -> None:
    session = SESSION.replace("x8 UID STORE 11 +FLAGS (", "x8 UID STORE 11 +FLAGS.SILENT (")
    session = session.replace("S: * 1 FETCH (UID 11 FLAGS (\\Seen \\Deleted))\n", "")
    made = player(store, session)
    says(made, LOGIN + "b SELECT INBOX\nc UID STORE 11 +FLAGS.SILENT (\\Deleted)\n")
    assert says(made, "d EXPUNGE\n") == ["* 1 EXPUNGE", "d OK expunged"]
    assert made.notes == []


def test_an_exact_answer_is_not_played_when_the_numbers_are_others(opened: ImapPlayer) -> None:
    says(opened, "c STORE 3 +FLAGS.SILENT (\\Deleted)\nd EXPUNGE\n")
    assert says(opened, "e FETCH 1:* (UID FLAGS)\n")[1:] == ["* 2 FETCH (UID 12 FLAGS ())", "e OK done"]


def test_a_read_only_mailbox(inside: ImapPlayer) -> None:
    said = says(inside, "b EXAMINE INBOX\n")
    assert "* 2 EXISTS" not in said
    assert "* 3 EXISTS" in said
    assert said[-1] == "b OK [READ-ONLY] done"
    assert says(inside, "c STORE 1 FLAGS ()\n") == ["c NO [READ-ONLY] the mailbox was opened with EXAMINE"]
    assert says(inside, "d FETCH 2 BODY[]\n")[-2:] == [")", "d OK done"]


def test_idle_ends_with_done_only(opened: ImapPlayer) -> None:
    assert says(opened, "c IDLE\n") == ["+ idling"]
    assert says(opened, "done\n") == ["c OK done"]
    assert says(opened, "d IDLE\nNOOP\ne NOOP\n") == ["+ idling", "d BAD only DONE ends IDLE", "e OK done"]


def test_uids_that_nobody_told_are_made_up(store: BodyStore) -> None:
    session = SESSION[: SESSION.index("C: x6")]
    made = player(store, session)
    assert says(made, LOGIN + "b SELECT INBOX\nc UID SEARCH ALL\n")[-2:] == ["* SEARCH 1 2 3", "c OK done"]


# -- logging in -------------------------------------------------------------------------------


def only_sesame(user: str) -> bytes | None:
    return b"sesame" if user == "aiko" else None


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        ("a LOGIN aiko sesame\n", "a OK"),
        ('a LOGIN "aiko" "sesame"\n', "a OK"),
        ("a LOGIN {4+}\naiko {6+}\nsesame\n", "a OK"),
        ("a LOGIN aiko other\n", "a NO [AUTHENTICATIONFAILED]"),
        ("a LOGIN aiko\n", "a BAD"),
        ("a AUTHENTICATE PLAIN AGFpa28Ac2VzYW1l\n", "a OK"),
        ("a AUTHENTICATE PLAIN\nAGFpa28Ac2VzYW1l\n", "a OK"),
        ("a AUTHENTICATE PLAIN\n*\n", "a BAD given up"),
        ("a AUTHENTICATE GSSAPI\n", "a NO [CANNOT]"),
        ("a SELECT INBOX\n", "a BAD log in first"),
    ],
)
def test_a_fixed_password(store: BodyStore, sent: str, heard: str) -> None:
    made = player(store, password=only_sesame)
    assert says(made, sent)[-1].startswith(heard)
    assert made.user == ("aiko" if heard == "a OK" else "")
    assert not [note for note in made.notes if "sesame" in note]


def test_a_login_that_nobody_managed(store: BodyStore) -> None:
    session = "S: * OK\nC: a LOGIN b *\nS: a NO [ALERT] locked\nC: b LOGOUT\nS: * BYE\nS: b OK\n"
    assert says(player(store, session), "q LOGIN b x\n") == ["q NO [ALERT] locked"]


@pytest.mark.parametrize(
    ("tls", "offered"),
    [
        ("none", "IMAP4rev1 LITERAL+ AUTH=PLAIN"),
        ("implicit", "IMAP4rev1 LITERAL+ AUTH=PLAIN"),
        ("starttls", "IMAP4rev1 LITERAL+ AUTH=PLAIN STARTTLS LOGINDISABLED"),
    ],
)
def test_capabilities_before_the_login(store: BodyStore, tls: str, offered: str) -> None:
    made = ImapPlayer(recorded("imap", SESSION, store), tls=tls)  # type: ignore[arg-type]
    assert greeting(made) == f"* OK [CAPABILITY {offered}] ready\r\n"
    assert says(made, "a CAPABILITY\n") == [f"* CAPABILITY {offered}", "a OK done"]


def test_starttls(store: BodyStore) -> None:
    made = player(store, tls="starttls")
    assert says(made, "a STARTTLS\nb LOGIN x y\n") == ["a OK begin TLS"]
    assert made.wants_tls
    made.secured()
    assert says(made, "c STARTTLS\n") == ["c BAD no TLS here"]
    assert says(made, LOGIN)[-1].startswith("a OK")


def test_preauth(store: BodyStore) -> None:
    session = "S: * PREAUTH in already\nC: a NOOP\nS: a OK\nC: b LOGOUT\nS: * BYE\nS: b OK\n"
    assert says(player(store, session), "q NAMESPACE\n")[-1] == "q OK done"


# -- what is no IMAP --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        (b"\r\n", ["* BAD this is no command"]),
        (b"a\r\n", ["a BAD this is no command"]),
        (b"a NOOP\n", ["a OK done"]),
        (b"A" * 70_000 + b"\r\nb NOOP\r\n", ["* BAD the line is too long", "b OK done"]),
        (b"a SELECT {9999999}\r\nb NOOP\r\n", ["a BAD [TOOBIG] the literal is too long", "b OK done"]),
        (b"a SELECT {9999999+}\r\n", ["* BYE [TOOBIG] the literal is too long"]),
        (b"a FETCH " + b"1:*," * 9000 + b"1 UID\r\n", ["a BAD no mailbox is selected"]),
        (b"a SEARCH " + b"NOT " * 9000 + b"ALL\r\n", ["a BAD no mailbox is selected"]),
        (b'a LIST (( "" *\r\n', ["a NO [CANNOT] not in the capture"]),
    ],
)
def test_hostile_input(inside: ImapPlayer, sent: bytes, heard: list[str]) -> None:
    assert says(inside, sent.replace(b"\r\n", b"\n") if b"NOOP\n" not in sent else sent) == heard


@pytest.mark.parametrize(
    "command",
    [
        b"FETCH " + b"1:*," * 9000 + b"1 UID",
        b"SEARCH " + b"NOT " * 9000 + b"ALL",
        b"FETCH 1 (((",
        b"FETCH 1 BODY[",
    ],
)
def test_hostile_input_of_an_open_mailbox(opened: ImapPlayer, command: bytes) -> None:
    said = says(opened, b"c " + command + b"\n")
    assert said[-1].startswith(("c BAD ", "c OK "))
    assert len(said) <= 4


def test_a_literal_of_which_octets_are_missing_is_filled_up(store: BodyStore) -> None:
    recording = recorded("imap", SESSION, store)
    for exchange in recording.exchanges:
        for turn in exchange.turns:
            octets = turn.body.read()
            if b"(twice)" in octets:
                turn.body = store.new(octets.replace(b"(twice)\r\n", b""))
    made = ImapPlayer(recording)
    greeting(made)
    says(made, LOGIN + "b SELECT INBOX\n")
    said = says(made, "c UID FETCH 12 (BODY.PEEK[])\n")
    assert said == ["* 2 FETCH (UID 12 BODY[] {43}", *BODY[:4], "---------)", "c OK done"]
    assert made.notes[0].startswith("9 octets of messages are not in the capture")


@pytest.mark.parametrize("cut", [1, 2, 7])
def test_octets_in_pieces(store: BodyStore, cut: int) -> None:
    made = player(store)
    sent = (
        (LOGIN + "b SELECT {5+}\nINBOX\nc UID FETCH 12 (RFC822.SIZE BODY.PEEK[])\n")
        .replace("\n", "\r\n")
        .encode()
    )
    said = b"".join(joined(made.receive(sent[at : at + cut])) for at in range(0, len(sent), cut))
    assert said.endswith(b"Hello\r\n(twice)\r\n)\r\nc OK fetched\r\n")
