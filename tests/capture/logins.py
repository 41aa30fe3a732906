"""Dialogues with a password in them, or something that gives access like one."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

from mailproxy.proto.tokens import Side

PASSWORD = b"qX7-wolkenkuckucksheim!Zk"
DIGEST = b"9d3f7a1c5e8b2046f1a7c3d95b8e6042"

Said = tuple[tuple[Side, bytes], ...]


@dataclass(frozen=True)
class Login:
    """What was said, and what of it nobody may see."""

    name: str
    protocol: str
    said: Said
    secrets: tuple[bytes, ...] = (PASSWORD,)


def dialogue(text: str) -> Said:
    """Lines with ``C:`` and ``S:`` in front; ``%`` stands for the password, ``~`` for a line without end."""
    said = []
    for line in text.split("\n"):
        side, _, octets = line.partition(" ")
        end = b"" if octets.endswith("~") else b"\r\n"
        data = octets.removesuffix("~").encode() + end
        for name, value in NAMES.items():
            data = data.replace(name, value)
        said.append((Side.CLIENT if side == "C:" else Side.SERVER, data))
    return tuple(said)


PLAIN = b64encode(b"\0ann\0" + PASSWORD)
CRAM = b64encode(b"ann " + DIGEST)
TOKEN = b64encode(b"user=ann\x01auth=Bearer " + PASSWORD + b"\x01\x01")
NAMES = {
    b"%PLAIN": PLAIN,
    b"%CRAM": CRAM,
    b"%TOKEN": TOKEN,
    b"%DIGEST": DIGEST,
    b"%B64": b64encode(PASSWORD),
    b"%LEN": str(len(PASSWORD)).encode(),
    b"%": PASSWORD,
}
HIDDEN = {PLAIN: (PASSWORD, PLAIN), CRAM: (DIGEST, CRAM), TOKEN: (PASSWORD, TOKEN)}
ENCODED = (PASSWORD, b64encode(PASSWORD))

LOGINS = [
    Login("PASS", "pop3", dialogue("S: +OK\nC: USER ann\nS: +OK\nC: PASS %\nS: +OK\nC: QUIT\nS: +OK")),
    Login("PASS with blanks", "pop3", dialogue("S: +OK\nC: USER ann\nS: +OK\nC: pass  % %\nS: -ERR no")),
    Login(
        "PASS without a blank", "pop3", dialogue("S: +OK\nC: USER ann\nS: +OK\nC: PASS%\nS: -ERR\nC: QUIT")
    ),
    Login("PASS behind a TAB", "pop3", dialogue("S: +OK\nC: USER ann\nS: +OK\nC: PASS\t%\nS: -ERR\nC: QUIT")),
    Login("PASS before USER", "pop3", dialogue("S: +OK\nC: PASS %\nS: -ERR\nC: QUIT\nS: +OK")),
    Login(
        "pipelined", "pop3", dialogue("S: +OK\nC: USER ann\nC: PASS %\nC: STAT\nS: +OK\nS: +OK\nS: +OK 0 0")
    ),
    Login("a line that is a password", "pop3", dialogue("S: +OK\nC: %\nS: -ERR what\nC: QUIT\nS: +OK")),
    Login(
        "repeated",
        "pop3",
        dialogue("S: +OK\nC: USER ann\nS: +OK\nC: PASS %\nS: -ERR wrong: % is no password\nC: QUIT\nS: +OK"),
    ),
    Login(
        "repeated in part of a line that is a password",
        "pop3",
        dialogue("S: +OK\nC: %\nS: -ERR unknown command %\nC: QUIT\nS: +OK"),
    ),
    Login("before the greeting", "pop3", dialogue("C: USER ann\nC: PASS %\nS: +OK\nS: +OK\nS: +OK")),
    Login("cut off", "pop3", dialogue("S: +OK\nC: USER ann\nS: +OK\nC: PASS %~")),
    Login(
        "APOP", "pop3", dialogue("S: +OK <1.2@x>\nC: APOP ann %DIGEST\nS: +OK\nC: QUIT\nS: +OK"), (DIGEST,)
    ),
    Login("AUTH PLAIN", "pop3", dialogue("S: +OK\nC: AUTH PLAIN %PLAIN\nS: +OK\nC: QUIT"), HIDDEN[PLAIN]),
    Login(
        "AUTH PLAIN, asked",
        "pop3",
        dialogue("S: +OK\nC: AUTH PLAIN\nS: + \nC: %PLAIN\nS: +OK\nC: QUIT\nS: +OK"),
        HIDDEN[PLAIN],
    ),
    Login(
        "AUTH PLAIN, sent before it was asked",
        "pop3",
        dialogue("S: +OK\nC: AUTH PLAIN\nC: %PLAIN\nS: -ERR no\nS: -ERR what\nC: QUIT\nS: +OK"),
        HIDDEN[PLAIN],
    ),
    Login(
        "AUTH LOGIN",
        "pop3",
        dialogue(
            "S: +OK\nC: AUTH LOGIN\nS: + VXNlcm5hbWU6\nC: YW5u\nS: + UGFzc3dvcmQ6\nC: %B64\nS: +OK\nC: QUIT"
        ),
        ENCODED,
    ),
    Login(
        "CRAM-MD5",
        "pop3",
        dialogue("S: +OK\nC: AUTH CRAM-MD5\nS: + PDFAeD4=\nC: %CRAM\nS: +OK\nC: QUIT\nS: +OK"),
        HIDDEN[CRAM],
    ),
    Login("LOGIN", "imap", dialogue("S: * OK\nC: a LOGIN ann %\nS: a OK\nC: b LOGOUT\nS: * BYE\nS: b OK")),
    Login("LOGIN quoted", "imap", dialogue('S: * OK\nC: a LOGIN "ann" "%"\nS: a NO\nC: b NOOP\nS: b OK')),
    Login(
        "LOGIN in quotes with blanks", "imap", dialogue('S: * OK\nC: a LOGIN "ann" "% %"\nS: a NO\nC: b NOOP')
    ),
    Login(
        "LOGIN without its end", "imap", dialogue('S: * OK\nC: a LOGIN ann "%\nS: a BAD\nC: b NOOP\nS: b OK')
    ),
    Login(
        "LOGIN with three words",
        "imap",
        dialogue("S: * OK\nC: a LOGIN ann b %\nS: a BAD\nC: b NOOP\nS: b OK"),
    ),
    Login(
        "LOGIN with literals",
        "imap",
        dialogue(
            "S: * OK\nC: a LOGIN {3}\nS: + go\nC: ann {%LEN}\nS: + go\nC: %\nS: a OK\nC: b NOOP\nS: b OK"
        ),
    ),
    Login(
        "LOGIN with a literal",
        "imap",
        dialogue("S: * OK\nC: a LOGIN ann {%LEN}\nS: + go\nC: %\nS: a OK\nC: b NOOP\nS: b OK"),
    ),
    Login(
        "LOGIN with a literal that is refused",
        "imap",
        dialogue("S: * OK\nC: a LOGIN ann {%LEN}\nS: a NO not here\nC: %\nS: * BAD what\nC: b NOOP\nS: b OK"),
    ),
    Login(
        "LOGIN with literals that are not asked for",
        "imap",
        dialogue("S: * OK\nC: a LOGIN {3+}\nC: ann {%LEN+}\nC: %\nS: a OK\nC: b NOOP\nS: b OK"),
    ),
    Login("cut off in a literal", "imap", dialogue("S: * OK\nC: a LOGIN ann {99+}\nC: %")),
    Login("cut off in a quoted string", "imap", dialogue('S: * OK\nC: a LOGIN ann "%~')),
    Login(
        "repeated",
        "imap",
        dialogue("S: * OK\nC: a LOGIN ann %\nS: * NO not %\nS: a NO % is wrong\nC: b NOOP\nS: b OK"),
    ),
    Login(
        "AUTHENTICATE PLAIN",
        "imap",
        dialogue("S: * OK\nC: a AUTHENTICATE PLAIN\nS: + \nC: %PLAIN\nS: a OK\nC: b NOOP\nS: b OK"),
        HIDDEN[PLAIN],
    ),
    Login(
        "AUTHENTICATE PLAIN at once",
        "imap",
        dialogue("S: * OK\nC: a AUTHENTICATE PLAIN %PLAIN\nS: a OK\nC: b NOOP\nS: b OK"),
        HIDDEN[PLAIN],
    ),
    Login(
        "AUTHENTICATE XOAUTH2",
        "imap",
        dialogue("S: * OK\nC: a AUTHENTICATE XOAUTH2 %TOKEN\nS: + e30=\nC: \nS: a NO\nC: b NOOP\nS: b OK"),
        HIDDEN[TOKEN],
    ),
    Login("an unknown command", "imap", dialogue("S: * OK\nC: a %\nS: a BAD\nC: b LOGOUT\nS: b OK")),
    Login("no tag", "imap", dialogue("S: * OK\nC: %\nS: * BAD\nC: b LOGOUT\nS: b OK")),
    Login("LOGIN without a tag", "imap", dialogue("S: * OK\nC: LOGIN ann %\nS: * BAD\nC: b LOGOUT\nS: b OK")),
    Login(
        "AUTH PLAIN", "smtp", dialogue("S: 220 x\nC: AUTH PLAIN %PLAIN\nS: 235 ok\nC: QUIT"), HIDDEN[PLAIN]
    ),
    Login(
        "AUTH PLAIN, asked",
        "smtp",
        dialogue(
            "S: 220 x\nC: EHLO c\nS: 250 x\nC: AUTH PLAIN\nS: 334 \nC: %PLAIN\nS: 235 ok\nC: QUIT\nS: 221 x"
        ),
        HIDDEN[PLAIN],
    ),
    Login(
        "AUTH PLAIN, refused, and sent all the same",
        "smtp",
        dialogue("S: 220 x\nC: AUTH PLAIN\nS: 503 no\nC: %PLAIN\nS: 500 what is %PLAIN\nC: QUIT\nS: 221 x"),
        HIDDEN[PLAIN],
    ),
    Login(
        "AUTH LOGIN",
        "smtp",
        dialogue("S: 220 x\nC: AUTH LOGIN YW5u\nS: 334 UGFzc3dvcmQ6\nC: %B64\nS: 535 no\nC: QUIT\nS: 221 x"),
        ENCODED,
    ),
    Login(
        "CRAM-MD5",
        "smtp",
        dialogue("S: 220 x\nC: AUTH CRAM-MD5\nS: 334 PDFAeD4=\nC: %CRAM\nS: 235 ok\nC: QUIT\nS: 221 x"),
        HIDDEN[CRAM],
    ),
    Login(
        "XOAUTH2",
        "smtp",
        dialogue("S: 220 x\nC: AUTH XOAUTH2 %TOKEN\nS: 334 e30=\nC: \nS: 535 no\nC: QUIT\nS: 221 x"),
        HIDDEN[TOKEN],
    ),
    Login("a line that is a password", "smtp", dialogue("S: 220 x\nC: %\nS: 500 what\nC: QUIT\nS: 221 x")),
    Login("XCLIENT", "smtp", dialogue("S: 220 x\nC: XCLIENT LOGIN=%\nS: 220 x\nC: QUIT\nS: 221 x")),
    Login(
        "repeated in one of its lines",
        "smtp",
        dialogue("S: 220 x\nC: AUTH PLAIN %PLAIN\nS: 535-no\nS: 535 not %PLAIN\nC: QUIT"),
        HIDDEN[PLAIN],
    ),
]

ECHOES = [
    Login(
        "a literal repeated",
        "imap",
        dialogue("S: * OK\nC: a LOGIN ann {%LEN+}\nC: %\nS: a NO % is wrong\nC: b NOOP\nS: b OK"),
    ),
    Login(
        "an unknown command", "imap", dialogue("S: * OK\nC: a %\nS: a BAD what is %\nC: b LOGOUT\nS: b OK")
    ),
    Login("LOGIN without a tag", "imap", dialogue("S: * OK\nC: LOGIN ann %\nS: LOGIN BAD %\nC: b NOOP")),
    Login("PASS behind a TAB", "pop3", dialogue("S: +OK\nC: PASS\t%\nS: -ERR no password: %\nC: QUIT")),
    Login("a misspelt PASS", "pop3", dialogue("S: +OK\nC: PSAS %\nS: -ERR what is %\nC: QUIT")),
    Login(
        "LOGIN with escapes", "imap", dialogue('S: * OK\nC: a LOGIN ann "%\\"x"\nS: a NO not %"x\nC: b NOOP')
    ),
    Login(
        "LOGIN with three words", "imap", dialogue("S: * OK\nC: a LOGIN ann b %\nS: a BAD no %\nC: b NOOP")
    ),
    Login(
        "AUTH PLAIN", "pop3", dialogue("S: +OK\nC: AUTH PLAIN %PLAIN\nS: -ERR not %\nC: QUIT"), HIDDEN[PLAIN]
    ),
    Login(
        "AUTH LOGIN",
        "smtp",
        dialogue("S: 220 x\nC: AUTH LOGIN YW5u\nS: 334 \nC: %B64\nS: 535 not %\nC: QUIT"),
    ),
]
"""Servers that repeat what they should not."""
