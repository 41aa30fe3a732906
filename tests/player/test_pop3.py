"""The POP3 server out of a recording."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode

import pytest

from mailproxy.capture.bodies import BodyStore
from mailproxy.player.pop3 import Pop3Player
from mailproxy.player.terms import Memory
from tests.player.recording import greeting, recorded, says

SESSION = r"""
S: +OK ready <old.1@pop.example.test>
C: CAPA
S: +OK
S: TOP
S: UIDL
S: STLS
S: SASL PLAIN SCRAM-SHA-256
S: IMPLEMENTATION Maker-1
S: .
C: USER aiko
S: +OK who
C: PASS ******
S: +OK 3 messages
C: STAT
S: +OK 3 300 octets
C: UIDL
S: +OK here they are
S: 1 a-1
S: 2 a-2
S: 3 a-3
S: .
C: LIST
S: +OK sizes
S: 1 57
S: 2 133
S: 3 110
S: .
C: RETR 1
S: +OK 57 octets
S: Subject: one
S:
S: first
S: ..
S: second
S: third
S: .
C: DELE 1
S: +OK gone, as you wish
C: RETR 9
S: -ERR nine is too many
C: LANG de
S: +OK de Deutsch
C: QUIT
S: +OK bye, bye
"""
LOGIN = "USER aiko\nPASS anything at all\n"
MESSAGE = ["+OK 57 octets", "Subject: one", "", "first", "..", "second", "third", "."]


def player(store: BodyStore, session: str = SESSION, **terms: object) -> Pop3Player:
    made = Pop3Player(recorded("pop3", session, store), **terms)  # type: ignore[arg-type]
    greeting(made)
    return made


@pytest.fixture
def inside(store: BodyStore) -> Pop3Player:
    made = player(store)
    assert says(made, LOGIN) == ["+OK who", "+OK 3 messages"]
    return made


def test_the_same_client_hears_the_same(store: BodyStore) -> None:
    made = player(store)
    sent = [line[3:] for line in SESSION.splitlines() if line.startswith("C:")]
    heard = [line[3:] for line in SESSION.splitlines() if line.startswith("S:")][1:]
    said = [line for command in sent for line in says(made, command + "\n")]
    assert said == [line.replace(" SCRAM-SHA-256", "") for line in heard if line != "STLS"]
    assert made.closed
    assert made.notes == []


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        ("STAT", ["+OK 3 300 octets"]),
        ("LIST", ["+OK sizes", "1 57", "2 133", "3 110", "."]),
        ("LIST 2", ["+OK 2 133"]),
        ("LIST 4", ["-ERR no such message"]),
        ("UIDL 3", ["+OK 3 a-3"]),
        ("RETR 1", MESSAGE),
        ("retr 1", MESSAGE),
        ("RETR 2", ["-ERR [SYS/TEMP] this is not in the capture"]),
        ("RETR x", ["-ERR no such message"]),
        ("TOP 1 0", ["+OK", "Subject: one", "", "."]),
        ("TOP 1 2", ["+OK", "Subject: one", "", "first", "..", "."]),
        ("TOP 1 99", ["+OK", *MESSAGE[1:]]),
        ("TOP 2 0", ["-ERR [SYS/TEMP] this is not in the capture"]),
        ("TOP 1", ["-ERR TOP takes a message and a number of lines"]),
        ("NOOP", ["+OK"]),
        ("LANG de", ["+OK de Deutsch"]),
        ("LANG fr", ["-ERR this command is not in the capture"]),
        ("XYZZY", ["-ERR this command is not in the capture"]),
        ("USER b", ["-ERR already logged in"]),
        ("STLS", ["-ERR already logged in"]),
    ],
)
def test_one_command(inside: Pop3Player, sent: str, heard: list[str]) -> None:
    assert says(inside, sent + "\n") == heard


def test_what_was_made_up_is_told(inside: Pop3Player) -> None:
    says(inside, "STAT\nLIST\nRETR 1\nLIST 2\nRETR 2\nXYZZY\nXYZZY\n")
    assert inside.notes == [
        "LIST 2: made from what the capture says of the messages",
        "RETR 2: not in the capture",
        "(an unknown command): not in the capture",
    ]


def test_marks_and_their_end(inside: Pop3Player) -> None:
    assert says(inside, "DELE 1\nDELE 1\nRETR 1\nSTAT\n") == [
        "+OK gone, as you wish",
        "-ERR no such message",
        "-ERR no such message",
        "+OK 2 243",
    ]
    assert says(inside, "UIDL\n") == ["+OK", "2 a-2", "3 a-3", "."]
    assert says(inside, "RSET\nSTAT\n") == ["+OK", "+OK 3 300 octets"]


def test_quit_removes_and_an_end_does_not(store: BodyStore) -> None:
    memory = Memory()
    first = player(store, memory=memory)
    says(first, LOGIN + "DELE 1\n")
    second = player(store, memory=memory)
    assert says(second, LOGIN + "STAT\nDELE 2\nQUIT\n")[2:] == [
        "+OK 3 300 octets",
        "+OK marked",
        "+OK bye, bye",
    ]
    third = player(store, memory=memory)
    assert says(third, LOGIN + "UIDL\nRETR 1\n")[2:] == ["+OK", "1 a-1", "2 a-3", ".", *MESSAGE]


def test_a_refusal_is_played(store: BodyStore) -> None:
    session = SESSION.replace("+OK gone, as you wish", "-ERR [SYS/PERM] a rule says no")
    made = player(store, session)
    assert says(made, LOGIN + "DELE 1\nSTAT\n")[2:] == ["-ERR [SYS/PERM] a rule says no", "+OK 3 300 octets"]


def test_messages_that_nobody_asked_about(store: BodyStore) -> None:
    session = "S: +OK\nC: USER a\nS: +OK\nC: PASS *\nS: +OK\nC: STAT\nS: +OK 2 101\nC: QUIT\nS: +OK\n"
    made = player(store, session)
    assert says(made, LOGIN + "LIST\n")[2:] == ["+OK", "1 51", "2 50", "."]
    (_, first, second, _) = says(made, "UIDL\n")
    assert first.split()[1] != second.split()[1]
    assert "made up" in made.notes[-1]


# -- logging in -----------------------------------------------------------------------------


def only_sesame(user: str) -> bytes | None:
    return b"sesame" if user == "aiko" else None


def plain(user: str, password: str) -> str:
    return b64encode(f"\0{user}\0{password}".encode()).decode()


@pytest.mark.parametrize(
    ("sent", "admitted"),
    [
        ("USER aiko\nPASS sesame\n", True),
        ("USER aiko\nPASS open sesame\n", False),
        ("USER bob\nPASS sesame\n", False),
        ("PASS sesame\n", False),
        (f"AUTH PLAIN {plain('aiko', 'sesame')}\n", True),
        (f"AUTH PLAIN\n{plain('aiko', 'sesame')}\n", True),
        (f"AUTH PLAIN {plain('aiko', 'other')}\n", False),
        ("AUTH PLAIN !!!\n", False),
        ("AUTH PLAIN\n*\n", False),
        (f"AUTH LOGIN\n{b64encode(b'aiko').decode()}\n{b64encode(b'sesame').decode()}\n", True),
        ("AUTH GSSAPI\n", False),
        ("APOP aiko 00000000000000000000000000000000\n", False),
    ],
)
def test_a_fixed_password(store: BodyStore, sent: str, admitted: bool) -> None:
    made = player(store, password=only_sesame)
    assert says(made, sent)[-1].startswith("+OK") is admitted
    assert made.user == ("aiko" if admitted else "")
    assert (says(made, "STAT\n") == ["+OK 3 300 octets"]) is admitted
    assert not [note for note in made.notes if "sesame" in note]


def test_apop_with_a_fresh_timestamp(store: BodyStore) -> None:
    recording = recorded("pop3", SESSION, store)
    players = [Pop3Player(recording, password=only_sesame) for _ in range(2)]
    stamps = [greeting(made).split()[2] for made in players]
    assert len({*stamps, "<old.1@pop.example.test>"}) == 3
    digest = hashlib.md5(stamps[0].encode() + b"sesame").hexdigest()
    assert says(players[0], f"APOP aiko {digest}\n") == ["+OK logged in"]
    assert says(players[1], f"APOP aiko {digest}\n")[0].startswith("-ERR")


def test_cram_md5_with_a_fresh_challenge(store: BodyStore) -> None:
    made = player(store, password=only_sesame)
    (challenge,) = says(made, "AUTH CRAM-MD5\n")
    digest = hmac.new(b"sesame", b64decode(challenge[2:]), "md5").hexdigest()
    assert says(made, b64encode(f"aiko {digest}".encode()).decode() + "\n")[0].startswith("+OK")


def test_a_login_that_nobody_managed(store: BodyStore) -> None:
    session = "S: +OK\nC: USER a\nS: +OK\nC: PASS *\nS: -ERR [IN-USE] locked\nC: QUIT\nS: +OK\n"
    assert says(player(store, session), LOGIN) == ["+OK", "-ERR [IN-USE] locked"]


def test_another_users_recording(store: BodyStore) -> None:
    theirs = recorded("pop3", SESSION.replace("a-1", "b-1"), store, number=2)
    made = player(store, choose=lambda user: theirs if user == "bob" else None)
    assert says(made, "USER bob\nPASS x\nUIDL 1\n")[-1] == "+OK 1 b-1"


# -- TLS, and what is no POP3 ---------------------------------------------------------------


def test_capabilities_that_can_be_played(store: BodyStore) -> None:
    assert says(player(store), "CAPA\n") == [
        *("+OK", "TOP", "UIDL", "SASL PLAIN", "IMPLEMENTATION Maker-1", ".")
    ]
    assert says(player(store, tls="starttls"), "CAPA\n")[-2:] == ["STLS", "."]


def test_starttls(store: BodyStore) -> None:
    made = player(store, tls="starttls")
    assert says(made, "USER mallory\nSTLS\nPASS x\nSTAT\n")[1:] == ["+OK begin TLS"]
    assert made.wants_tls
    made.secured()
    assert says(made, "PASS x\n") == ["-ERR USER first"]
    assert says(made, "STLS\n") == ["-ERR no TLS here"]
    assert "STLS" not in says(made, "CAPA\n")


def test_lines_without_end(store: BodyStore) -> None:
    made = player(store)
    assert says(made, b"A" * 100_000) == []
    assert says(made, "\nNOOP\n") == ["-ERR the line is too long", "+OK"]


@pytest.mark.parametrize("cut", [1, 2, 7])
def test_octets_in_pieces(store: BodyStore, cut: int) -> None:
    made = player(store)
    sent = LOGIN + "UIDL 1\nRETR 1\n"
    said = [line for at in range(0, len(sent), cut) for line in says(made, sent[at : at + cut])]
    assert said[2:] == ["+OK 1 a-1", *MESSAGE]


def test_nothing_is_said_after_quit(inside: Pop3Player) -> None:
    assert says(inside, "QUIT\nSTAT\n") == ["+OK bye, bye"]
    assert inside.closed
    assert says(inside, "STAT\n") == []
