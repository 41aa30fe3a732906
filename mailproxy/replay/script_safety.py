"""Which captured commands may be said to a server again without changing anything there.

What is not known to be harmless is taken for harmful: a replay without ``--allow-destructive``
must leave the mailbox as it was, and send no mail.
"""

from __future__ import annotations

from mailproxy.proto.tokens import Command

_STARTTLS = frozenset({"STARTTLS", "STLS"})
_HARMLESS = {
    "pop3": frozenset(
        "USER PASS APOP AUTH CAPA UTF8 LANG STAT LIST UIDL LAST RETR TOP RSET NOOP QUIT".split()
    ),
    "smtp": frozenset("EHLO HELO AUTH RSET NOOP HELP QUIT VRFY EXPN".split()),
    "imap": frozenset(
        "CAPABILITY NOOP LOGOUT ID LOGIN AUTHENTICATE ENABLE LANGUAGE COMPARATOR SELECT EXAMINE LIST LSUB "
        "XLIST NAMESPACE STATUS IDLE NOTIFY CHECK CLOSE UNSELECT SEARCH ESEARCH CANCELUPDATE FETCH SORT "
        "THREAD GETACL LISTRIGHTS MYRIGHTS GETQUOTA GETQUOTAROOT GETMETADATA".split()
    ),
}
# Under EXAMINE a server sets no \Seen and expunges nothing (RFC 9051 §6.3.3).
_INSTEAD = {"SELECT": "EXAMINE", "CLOSE": "UNSELECT"}
_SENDS = frozenset({"MAIL", "RCPT", "DATA", "BDAT", "BURL"})
_WITH_TOKENS = frozenset({"GENURLAUTH", "URLFETCH"})


def never_said(command: Command | None) -> str:
    """Why a command cannot be replayed at all; empty when it can."""
    if command is None or not command.verb:
        return "it is no command"
    if command.verb in _STARTTLS:
        return "TLS is made before anything is replayed"
    if command.spec is not None and command.spec.refused:
        return command.spec.refused
    if command.verb in _WITH_TOKENS:
        return "its token is in no capture"
    return ""


def destructive(protocol: str, command: Command) -> str:
    """Why this command is only for ``--allow-destructive``; empty when it changes nothing.

    SELECT and CLOSE change nothing in the form that :func:`instead` gives them.
    """
    if protocol == "smtp" and command.verb in _SENDS:
        return "it sends mail"
    if command.flaw:
        return f"the server may read another command in it: {command.flaw}"
    name = command.verb.removeprefix("UID ")
    if name in _HARMLESS[protocol] and (protocol == "imap" or name == command.verb):
        return ""
    if command.spec is None:
        return "nobody knows what it does"
    return "it removes mail" if command.spec.removes else "it changes something on the server"


def instead(protocol: str, verb: str) -> str:
    """The harmless verb that is said in place of this one; empty when it stays."""
    return _INSTEAD.get(verb, "") if protocol == "imap" else ""
