"""Commands and responses of IMAP without names."""

from __future__ import annotations

import pytest

from mailproxy.capture.anonymous_imap import ImapLines
from mailproxy.capture.anonymous_names import Names

NAMES = Names(b"s" * 32)


def expected(text: str) -> bytes:
    """The words in ``<>`` are replaced."""
    pieces = text.replace(">", "<").split("<")
    return (
        b"".join(
            NAMES.text(piece.encode()) if count % 2 else piece.encode() for count, piece in enumerate(pieces)
        )
        + b"\r\n"
    )


@pytest.mark.parametrize(
    ("verb", "text"),
    [
        ("LOGIN", 'a1 LOGIN <list> "****"'),
        ("LOGIN", "a1 LOGIN {4}"),
        ("SELECT", 'a1 SELECT "<Projects>/<2024>"'),
        ("SELECT", "a1 SELECT inbox (QRESYNC (12 34 1:5))"),
        ("SELECT", "a1 SELECT <5551234>"),
        ("LIST", 'a1 LIST "" "*" RETURN (STATUS (MESSAGES))'),
        (
            "UID FETCH",
            "a1 UID FETCH 1:*,7 (FLAGS BODY.PEEK[HEADER.FIELDS (DATE FROM <X-AIKO>)] BODY[1.2.MIME])",
        ),
        ("STORE", r"3.17 STORE 2 +FLAGS.SILENT (\Deleted $Forwarded <aiko>)"),
        ("SEARCH", "a1 SEARCH UNSEEN SINCE 1-Jan-2024 FROM <subject> TEXT <555> UID 1:5"),
        ("APPEND", r"a1 APPEND Sent (\Seen) {310}"),
        ("ID", 'a1 ID ("name" "Thunderbird" "vendor" "<aiko>")'),
        ("NOOP", "<aiko>77 NOOP"),
        ("AUTHENTICATE", "a1 AUTHENTICATE PLAIN *****"),
    ],
)
def test_commands(verb: str, text: str) -> None:
    line = text.replace("<", "").replace(">", "").encode() + b"\r\n"
    made = ImapLines(NAMES, verb, server=False).line(line)
    wanted = expected(text)
    if "77 NOOP" in text:
        wanted = NAMES.text(b"aiko77") + b" NOOP\r\n"
    assert made == wanted


@pytest.mark.parametrize(
    "text",
    [
        "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN <XAIKO> APPENDLIMIT=100] Dovecot ready on <mx.jp>",
        "* CAPABILITY IMAP4rev1 IDLE <X-AIKO> AUTH=<XAIKO>",
        "* 12 EXISTS",
        "* OK [UIDVALIDITY 3857529045] <hmmm>",
        r"* OK [PERMANENTFLAGS (\Answered \*)] <hmmm>",
        r'* LIST (\HasNoChildren \Sent) "/" "Sent <Aiko>"',
        '* LIST () "." <Kunden>.<2024>',
        "* STATUS <Kunden> (MESSAGES 3 UIDNEXT 4)",
        "* SEARCH 1 2 3",
        "a1 OK [APPENDUID 38505 3955] APPEND completed",
        "a1 NO [AUTHENTICATIONFAILED] <Aiko> must <not-here>".replace("<not-here>", "<there>"),
        "* BYE <Aiko> is logging <outt>",
        '* 5 FETCH (UID 7 FLAGS (\\Seen) INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 4286)',
        '* 5 FETCH (ENVELOPE ("7 Feb 1994 21:52:25 -0800" "<Plain>" (("<Bo>" NIL "<bo>" "<x>")) NIL))',
        '* 5 FETCH (BODYSTRUCTURE ("text" "plain" ("charset" "utf-8" "name" "<a.pdf>") NIL "base64" 10))',
        "* 5 FETCH (BODY[HEADER.FIELDS (DATE <X-AIKO>)] {12}",
        "* VANISHED (EARLIER) 1:5".replace("EARLIER", "<EARLIER>"),
    ],
)
def test_responses(text: str) -> None:
    line = text.replace("<", "").replace(">", "").encode() + b"\r\n"
    assert ImapLines(NAMES, "", server=True).line(line) == expected(text)


def test_of_subjects_only_the_shape_stays() -> None:
    line = b'* 5 FETCH (ENVELOPE (NIL "Re: the invoice, Aiko" NIL))\r\n'
    assert (
        ImapLines(NAMES, "", server=True).line(line)
        == b'* 5 FETCH (ENVELOPE (NIL "xxx xxx xxxxxxxx xxxx" NIL))\r\n'
    )


def test_a_challenge() -> None:
    assert ImapLines(NAMES, "AUTHENTICATE", server=True).line(b"+ PDFAeD4=\r\n") == b"+ xxxxxxx=\r\n"
    assert ImapLines(NAMES, "IDLE", server=True).line(b"+ idling\r\n") == b"+ idling\r\n"


def test_what_follows_a_literal() -> None:
    lines = ImapLines(NAMES, "APPEND", server=False)
    assert lines.line(b"a APPEND {4}\r\n") == b"a APPEND {4}\r\n"
    assert lines.line(b" (\\Seen aiko) {9+}\r\n") == expected(" (\\Seen <aiko>) {9+}")


def test_a_fetch_is_known_as_one() -> None:
    lines = ImapLines(NAMES, "", server=True)
    lines.line(b"* 5 FETCH (BODY[] {3}\r\n")
    assert lines.fetches
