r"""What would be expunged is moved to the trash, and nothing is removed otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.events import MovedToTrash, TrashFailed
from mailproxy.session.guard import Forward
from mailproxy.session.verdict import Action, Decision, Settings
from tests.guards.driving import TRASH, Script, session
from tests.guards.imap_server import CAPABILITIES, DELETED, ImapServer

WAYS = {
    "move": CAPABILITIES,
    "copy": CAPABILITIES.replace("MOVE ", ""),
    "no unselect": CAPABILITIES.replace("UNSELECT ", ""),
    "copy, no unselect": "IMAP4rev1 UIDPLUS",
    "neither": "IMAP4rev1",
}
CAN = [way for way in WAYS if way != "neither"]


def messages() -> dict[int, set[str]]:
    return {1: set(), 2: {DELETED}, 3: {DELETED, r"\Seen"}, 9: {DELETED}}


def kept_safe(server: ImapServer) -> None:
    """The invariants, whatever happened."""
    assert server.lost == []
    assert server.wild == []
    assert set(messages()) == set(server.here) | server.trashed


@pytest.mark.parametrize("way", CAN)
@pytest.mark.parametrize(("text", "gone"), [("a EXPUNGE", {2, 3, 9}), ("a UID EXPUNGE 1:3", {2, 3})])
def test_what_is_expunged_is_in_the_trash(way: str, text: str, gone: set[int]) -> None:
    server, aiko = ImapServer(messages(), WAYS[way]), session()
    driven = aiko.must(text, server)
    kept_safe(server)
    assert set(server.here) == set(messages()) - gone
    assert [flags & {DELETED} for _, flags in server.boxes["Trash"]] == [set()] * len(gone)
    assert driven.answer.startswith(b"a OK ")
    assert driven.passed == [b"* 2 EXPUNGE\r\n"] * 2 + [b"* 2 EXPUNGE\r\n"] * (9 in gone)
    assert not driven.hush
    assert aiko.events == [MovedToTrash("INBOX", "Trash", len(gone))]


def test_the_dialogue_with_move() -> None:
    script = Script(
        ("UID SEARCH DELETED", "* 12 EXISTS|* SEARCH 4 2 3|OK"),
        ("CAPABILITY", "* CAPABILITY IMAP4rev1 MOVE|OK"),
        ('LIST "" "*"', '* LIST () "/" INBOX|* LIST (\\HasNoChildren) "/" "deleted items"|OK'),
        (r"UID STORE 2:4 -FLAGS.SILENT (\Deleted)", "* 2 FETCH (UID 2 MODSEQ (8))|OK"),
        (
            'UID MOVE 2:4 "deleted items"',
            "* OK [COPYUID 1 2:4 1:3]|* VANISHED 2:4|OK [HIGHESTMODSEQ 9] Moved",
        ),
    )
    driven = session().must("a EXPUNGE", script)
    assert script.over()
    assert driven.answer == b"a OK [HIGHESTMODSEQ 9] EXPUNGE completed\r\n"
    assert driven.passed == [b"* 12 EXISTS\r\n", b"* 2 FETCH (UID 2 MODSEQ (8))\r\n", b"* VANISHED 2:4\r\n"]


def test_the_dialogue_with_uidplus_alone() -> None:
    script = Script(
        ("UID SEARCH UID 2,5:* DELETED", '* ESEARCH (TAG "P1") UID ALL 5:6|OK'),
        ("CAPABILITY", "* CAPABILITY IMAP4rev1 UIDPLUS|OK"),
        ('LIST "" "*"', '* LIST () "/" Trash|OK'),
        (r"UID STORE 5:6 -FLAGS.SILENT (\Deleted)", "OK"),
        ('UID COPY 5:6 "Trash"', "OK [COPYUID 1 5:6 1:2] Done"),
        (r"UID STORE 5:6 +FLAGS.SILENT (\Deleted)", "OK"),
        ("UID EXPUNGE 5:6", "* 3 EXPUNGE|* 3 EXPUNGE|OK Done"),
    )
    driven = session().must("a uid expunge 2,5:*", script)
    assert script.over()
    assert driven.answer == b"a OK UID EXPUNGE completed\r\n"
    assert driven.passed == [b"* 3 EXPUNGE\r\n"] * 2


def test_what_is_not_marked_takes_one_question_only() -> None:
    driven = session().must("a EXPUNGE", Script(("UID SEARCH DELETED", "* SEARCH|OK")))
    assert driven.answer == b"a OK EXPUNGE completed\r\n"


@pytest.mark.parametrize("text", ["a EXPUNGE", "a UID EXPUNGE 1:*", "a CLOSE"])
@pytest.mark.parametrize("name", ["Trash", "trash", "&AFQ-rash"])
def test_in_the_trash_itself_the_command_goes_upstream(text: str, name: str) -> None:
    server = ImapServer(messages(), boxes=["INBOX", "trash" if name == "trash" else "Trash"])
    assert session(name).must(text, server).outcome == Forward()


STAYS = Decision(Action.TRASH, "stays", settings=Settings(empty=False))


@pytest.mark.parametrize("text", ["a EXPUNGE", "a UID EXPUNGE 1:*"])
def test_the_trash_itself_may_be_kept_from_being_emptied(text: str) -> None:
    server, aiko = ImapServer(messages(), boxes=["INBOX", "Trash"]), session("Trash")
    answer = aiko.must(text, server, STAYS).answer
    assert answer == b"a NO [NOPERM] Not removed: what is in the trash stays there\r\n"
    assert server.here == messages()
    assert aiko.must("b UID EXPUNGE 1", server, STAYS).answer == b"b OK UID EXPUNGE completed\r\n"


@pytest.mark.parametrize("way", WAYS)
def test_such_a_trash_is_left_without_expunging(way: str) -> None:
    server, aiko = ImapServer(messages(), WAYS[way], selected="Trash"), session("Trash")
    driven = aiko.must("a CLOSE", server, STAYS)
    server.forwarded(driven.forwarded or b"a CLOSE")
    if driven.forwarded:
        assert driven.forwarded == b"a UNSELECT\r\n"
    else:
        assert driven.asked[-1] == b'EXAMINE "Trash"'
    assert server.wild == []
    assert server.here == messages()
    assert aiko.events == [], "nothing has failed"


def test_elsewhere_it_is_moved_to_such_a_trash_too() -> None:
    server = ImapServer(messages())
    assert session().must("a EXPUNGE", server, STAYS).answer.startswith(b"a OK ")
    assert server.trashed == {2, 3, 9}
    kept_safe(server)


def test_a_mailbox_with_the_attribute_is_the_trash_and_not_one_with_the_name() -> None:
    script = Script(
        ("UID SEARCH DELETED", "* SEARCH 1|OK"),
        ("CAPABILITY", "* CAPABILITY IMAP4rev1 MOVE|OK"),
        ('LIST "" "*"', '* LIST () "/" Trash|* LIST (\\Trash) "/" "Papierkorb \\"alt\\""|OK'),
        (r"UID STORE 1 -FLAGS.SILENT (\Deleted)", "OK"),
        ('UID MOVE 1 "Papierkorb \\"alt\\""', "OK"),
    )
    assert session("Trash").must("a EXPUNGE", script).answer == b"a OK EXPUNGE completed\r\n"


@pytest.mark.parametrize("way", CAN)
def test_close_moves_and_leaves(way: str) -> None:
    server, aiko = ImapServer(messages(), WAYS[way]), session()
    driven = aiko.must("a CLOSE", server)
    assert driven.hush
    if "no unselect" in way:
        assert driven.forwarded == b""
        assert driven.asked[-1] == b'EXAMINE "INBOX"'
        server.forwarded(b"a CLOSE")
    else:
        assert driven.forwarded == b"a UNSELECT\r\n"
    kept_safe(server)
    assert server.trashed == {2, 3, 9}


def test_close_keeps_what_cannot_be_moved() -> None:
    server, aiko = ImapServer(messages(), WAYS["neither"]), session()
    driven = aiko.must("a CLOSE", server)
    assert driven.forwarded == b""
    assert driven.asked[-1] == b'EXAMINE "INBOX"'
    assert server.here == messages()
    assert aiko.events == [
        TrashFailed("INBOX", "This server has neither MOVE nor UIDPLUS, so nothing can be moved to the trash")
    ]


def test_without_move_and_uidplus_it_is_refused() -> None:
    server, aiko = ImapServer(messages(), WAYS["neither"]), session()
    assert aiko.must("a EXPUNGE", server).answer.startswith(b"a NO [CANNOT] Not removed: This server")
    assert server.here == messages()


STEPS = 9  # the longest dialogue


@pytest.mark.parametrize("reason", ["NO [OVERQUOTA] full", "BAD what?", "NO [TRYCREATE] no such mailbox"])
@pytest.mark.parametrize("step", range(STEPS))
@pytest.mark.parametrize("way", CAN)
@pytest.mark.parametrize("text", ["a EXPUNGE", "a UID EXPUNGE 1:9", "a CLOSE"])
def test_a_step_that_fails_loses_nothing(text: str, way: str, step: int, reason: str) -> None:
    server, aiko = ImapServer(messages(), WAYS[way], fails=frozenset({step}), reason=reason), session()
    driven = aiko.must(text, server)
    if isinstance(driven.outcome, Forward):
        server.forwarded(driven.forwarded or text.encode())
    kept_safe(server)
    if len(driven.asked) <= step:  # it did not come to that
        return
    if text == "a CLOSE":
        assert isinstance(driven.outcome, Forward) or driven.answer.startswith(b"a NO ")
    elif driven.answer.startswith(b"a NO "):
        assert driven.answer.startswith(b"a NO [OVERQUOTA] " if "OVER" in reason else b"a NO ")
        assert b"TRYCREATE" not in driven.answer
        assert server.here == messages(), "the flags are as they were"
    else:
        assert set(server.here) == {1}


@given(
    marked=st.sets(st.integers(1, 40)),
    others=st.sets(st.integers(1, 40)),
    way=st.sampled_from(list(WAYS.values())),
    fails=st.frozensets(st.integers(0, 12)),
    reason=st.sampled_from(["NO", "BAD", "OK", "NO [TRYCREATE] x", "OK [READ-WRITE] x"]),
    texts=st.lists(st.sampled_from(["a EXPUNGE", "a UID EXPUNGE 3:20,30", "a CLOSE"]), max_size=4),
    boxes=st.sampled_from([("INBOX", "Trash"), ("INBOX",), ("INBOX", "Deleted Items")]),
)
def test_nothing_leaves_without_a_copy(
    marked: set[int],
    others: set[int],
    way: str,
    fails: frozenset[int],
    reason: str,
    texts: list[str],
    boxes: tuple[str, ...],
) -> None:
    """Whatever the server answers. ``OK`` as a reason is a server that says it did what it did not do."""
    all_of_it = {uid: {DELETED} if uid in marked else set[str]() for uid in marked | others}
    server = ImapServer(all_of_it, way, boxes, fails, reason)
    aiko = session()
    for text in texts:
        driven = aiko.must(text, server)
        if isinstance(driven.outcome, Forward):
            line = driven.forwarded or text.encode()
            server.forwarded(line)
            assert line.endswith(b"UNSELECT\r\n") or server.read_only or "OK" in reason
    copied = {uid for box in server.boxes.values() for uid, _ in box}
    if not reason.startswith("OK"):
        assert server.wild == []
        assert set(all_of_it) == set(server.here) | copied
    for line in server.heard:
        assert not line.startswith(("EXPUNGE", "CLOSE"))
        if line.startswith("UID EXPUNGE"):
            copies = f"UID COPY {line.split()[2]} "
            assert any(before.startswith(copies) for before in server.heard)


def test_a_long_set_goes_in_pieces() -> None:
    server = ImapServer({uid: {DELETED} for uid in range(4_000_000_001, 4_000_002_001, 2)})
    driven = session().must("a EXPUNGE", server)
    assert server.here == {}
    assert server.lost == []
    assert sum(line.startswith(b"UID MOVE") for line in driven.asked) > 1


def test_a_piece_that_fails_leaves_what_went_before_in_the_trash() -> None:
    before = {uid: {DELETED} for uid in range(4_000_000_001, 4_000_002_001, 2)}
    server = ImapServer({uid: set(flags) for uid, flags in before.items()}, fails=frozenset({7}))
    aiko = session()
    driven = aiko.must("a EXPUNGE", server)
    assert driven.asked[7].startswith(b"UID MOVE")
    assert aiko.events == [MovedToTrash("INBOX", "Trash", len(server.trashed))]
    assert driven.answer.startswith(b"a NO ")
    assert server.lost == []
    assert 0 < len(server.here) < len(before)
    assert set(server.here) | server.trashed == set(before)
    assert all(DELETED in flags for flags in server.here.values())


def test_the_trash_is_found_once_and_looked_for_again_after_a_failure() -> None:
    server, aiko = ImapServer(messages()), session()
    aiko.must("a UID EXPUNGE 2", server)
    aiko.must("b UID EXPUNGE 3", server)
    assert sum(line.startswith("LIST") for line in server.heard) == 1
    del server.boxes["Trash"]
    assert aiko.must("c EXPUNGE", server).answer.startswith(b"c NO Not removed: no such mailbox")
    assert aiko.must("d EXPUNGE", server).answer.startswith(b"d OK ")
    assert server.trashed == {9}
    assert sum(line == "CAPABILITY" for line in server.heard) == 1


def test_a_trash_is_made_where_there_is_none() -> None:
    decision = Decision(Action.TRASH, "trash", settings=Settings(mailbox="Bin"))
    server = ImapServer(messages(), boxes=["INBOX"])
    assert session().must("a EXPUNGE", server, decision).answer.startswith(b"a OK ")
    assert {uid for uid, _ in server.boxes["Bin"]} == {2, 3, 9}
    assert 'SUBSCRIBE "Bin"' in server.heard


@pytest.mark.parametrize(
    "answer",
    ["* SEARCH one two|OK", "* SEARCH 0|OK", '* ESEARCH (TAG "P1") ALL 1:2|OK', "* ESEARCH UID ALL 1:*|OK"],
)
def test_an_answer_that_cannot_be_read_removes_nothing(answer: str) -> None:
    driven = session().must("a EXPUNGE", Script(("UID SEARCH DELETED", answer)))
    assert driven.answer.startswith(b"a NO [UNAVAILABLE] Not removed: the answer to a search")


def test_a_rule_says_trash_where_it_makes_no_sense() -> None:
    assert session().must("a UID MOVE 1 Other", Script(), TRASH).answer.startswith(b"a NO [CANNOT] ")
