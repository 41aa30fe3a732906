"""Transcripts of sessions in which a whole mailbox was read, or a message sent."""

from __future__ import annotations

from collections.abc import Sequence

from tests.servers.messages import on_the_wire


def pop3_session(user: str, messages: Sequence[bytes]) -> str:
    """Log in, list, retrieve everything, quit."""
    wires = [on_the_wire(message).decode() for message in messages]
    lines = ["S: +OK ready", f"C: USER {user}", "S: +OK", "C: PASS *****", "S: +OK"]
    lines += ["C: STAT", f"S: +OK {len(wires)} {sum(len(wire.encode()) for wire in wires)}"]
    lines += [
        "C: LIST",
        "S: +OK",
        *(f"S: {n} {len(wire.encode())}" for n, wire in enumerate(wires, 1)),
        "S: .",
    ]
    lines += ["C: UIDL", "S: +OK", *(f"S: {n} uid-{n}" for n in range(1, len(wires) + 1)), "S: ."]
    for number, wire in enumerate(wires, 1):
        lines += [f"C: RETR {number}", "S: +OK"]
        lines += [f"S: {'.' if line.startswith('.') else ''}{line}" for line in wire.split("\r\n")[:-1]]
        lines += ["S: ."]
    return "\n".join([*lines, "C: QUIT", "S: +OK bye"]) + "\n"


def imap_session(user: str, messages: Sequence[bytes]) -> str:
    """Log in, open INBOX, fetch everything by UID, log out."""
    wires = [on_the_wire(message).decode() for message in messages]
    lines = ["S: * OK [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS] ready"]
    lines += [f"C: a1 LOGIN {user} open-sesame", "S: a1 OK [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS] in"]
    lines += ['C: a2 LIST "" "*"', r'S: * LIST (\HasNoChildren) "." INBOX', "S: a2 OK"]
    lines += ["C: a3 SELECT INBOX", r"S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)"]
    lines += [f"S: * {len(wires)} EXISTS", "S: * 0 RECENT", "S: * OK [UIDVALIDITY 7] valid"]
    lines += [f"S: * OK [UIDNEXT {101 + len(wires)}] next", "S: a3 OK [READ-WRITE] opened"]
    lines += ["C: a4 UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"]
    for number, wire in enumerate(wires, 1):
        size = len(wire.encode())
        date = f'INTERNALDATE "{number:02}-Jan-2026 10:00:00 +0000"'
        head = (
            rf"* {number} FETCH (UID {100 + number} FLAGS (\Seen) {date} RFC822.SIZE {size} BODY[] {{{size}}}"
        )
        lines += [f"S: {line}" for line in (head, *wire.split("\r\n")[:-1], ")")]
    return "\n".join([*lines, "S: a4 OK", "C: a5 LOGOUT", "S: * BYE", "S: a5 OK"]) + "\n"


def smtp_session(user: str, recipient: str) -> str:
    """Log in and send one message."""
    return f"""\
S: 220 mx.example.test ESMTP
C: EHLO client
S: 250-mx.example.test
S: 250-AUTH PLAIN LOGIN
S: 250-8BITMIME
S: 250 PIPELINING
C: AUTH PLAIN ***********
S: 235 2.7.0 in
C: MAIL FROM:<{user}@example.test>
S: 250 2.1.0 ok
C: RCPT TO:<{recipient}@example.test>
S: 250 2.1.5 ok
C: DATA
S: 354 go
C: Subject: x
C: .
S: 250 2.0.0 queued as 77
C: QUIT
S: 221 2.0.0 bye
"""
