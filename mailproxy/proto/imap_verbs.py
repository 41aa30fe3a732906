"""The IMAP commands: RFC 3501, 9051 and the extensions that add one."""

from __future__ import annotations

from mailproxy.proto.tokens import Phase, Shape, Verb

_ANY = frozenset({Phase.AUTHORIZATION, Phase.TRANSACTION, Phase.SELECTED})
_BEFORE = frozenset({Phase.AUTHORIZATION})
_IN = frozenset({Phase.TRANSACTION, Phase.SELECTED})
_SELECTED = frozenset({Phase.SELECTED})

_BOX = ("mailbox",)
_SET = ("mailbox", "set")
_NAMED = ("mailbox", "target")  # the selected or first mailbox, and the one it goes to


def _verb(
    name: str,
    rfc: str,
    phases: frozenset[Phase] = _IN,
    *,
    fields: tuple[str, ...] = (),
    removes: bool = False,
    secret: bool = False,
    hold: bool = False,
    refused: str = "",
    alone: bool = False,
) -> Verb:
    return Verb(name, rfc, phases, Shape.TAGGED, fields, removes, secret, hold, refused, alone)


VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        _verb("CAPABILITY", "RFC 9051 §6.1.1", _ANY),
        _verb("NOOP", "RFC 9051 §6.1.2", _ANY),
        _verb("LOGOUT", "RFC 9051 §6.1.3", _ANY, hold=True),
        _verb("ID", "RFC 2971 §3.1", _ANY),
        _verb("STARTTLS", "RFC 9051 §6.2.1", _BEFORE, hold=True, alone=True),
        _verb("AUTHENTICATE", "RFC 9051 §6.2.2", _BEFORE, secret=True, hold=True),
        _verb("LOGIN", "RFC 9051 §6.2.3", _BEFORE, secret=True, hold=True),
        _verb("ENABLE", "RFC 9051 §6.3.1", hold=True),
        _verb("LANGUAGE", "RFC 5255 §3.2", _ANY),
        _verb("COMPARATOR", "RFC 5255 §4.7"),
        _verb("SELECT", "RFC 9051 §6.3.2", fields=_BOX, hold=True),
        _verb("EXAMINE", "RFC 9051 §6.3.3", fields=_BOX, hold=True),
        _verb("CREATE", "RFC 9051 §6.3.4", fields=_BOX),
        _verb("DELETE", "RFC 9051 §6.3.5", fields=_BOX, removes=True),
        _verb("RENAME", "RFC 9051 §6.3.6", fields=_NAMED, removes=True),
        _verb("SUBSCRIBE", "RFC 9051 §6.3.7", fields=_BOX),
        _verb("UNSUBSCRIBE", "RFC 9051 §6.3.8", fields=_BOX),
        _verb("LIST", "RFC 9051 §6.3.9"),
        _verb("LSUB", "RFC 3501 §6.3.9"),
        _verb("XLIST", "(Gmail)"),
        _verb("NAMESPACE", "RFC 9051 §6.3.10"),
        _verb("STATUS", "RFC 9051 §6.3.11", fields=_BOX),
        _verb("APPEND", "RFC 9051 §6.3.12", fields=("mailbox", "flags", "size")),
        _verb("IDLE", "RFC 9051 §6.3.13", hold=True),
        _verb("NOTIFY", "RFC 5465 §3"),
        _verb("CHECK", "RFC 3501 §6.4.1", _SELECTED, fields=_BOX),
        # CLOSE expunges silently what is marked \Deleted (RFC 9051 §6.4.1).
        _verb("CLOSE", "RFC 9051 §6.4.1", _SELECTED, fields=_BOX, removes=True, hold=True),
        _verb("UNSELECT", "RFC 9051 §6.4.2", _SELECTED, fields=_BOX, hold=True),
        _verb("EXPUNGE", "RFC 9051 §6.4.3", _SELECTED, fields=_BOX, removes=True),
        _verb("UID EXPUNGE", "RFC 9051 §6.4.9", _SELECTED, fields=_SET, removes=True),
        _verb("SEARCH", "RFC 9051 §6.4.4", _SELECTED, fields=_BOX),
        _verb("UID SEARCH", "RFC 9051 §6.4.9", _SELECTED, fields=_BOX),
        _verb("ESEARCH", "RFC 7377 §2"),
        _verb("CANCELUPDATE", "RFC 5267 §4.3.5", _SELECTED),
        _verb("FETCH", "RFC 9051 §6.4.5", _SELECTED, fields=_SET),
        _verb("UID FETCH", "RFC 9051 §6.4.9", _SELECTED, fields=_SET),
        _verb(
            "STORE", "RFC 9051 §6.4.6", _SELECTED, fields=("mailbox", "set", "flags", "labels"), removes=True
        ),
        _verb(
            "UID STORE",
            "RFC 9051 §6.4.9",
            _SELECTED,
            fields=("mailbox", "set", "flags", "labels"),
            removes=True,
        ),
        _verb("COPY", "RFC 9051 §6.4.7", _SELECTED, fields=("mailbox", "set", "target")),
        _verb("UID COPY", "RFC 9051 §6.4.9", _SELECTED, fields=("mailbox", "set", "target")),
        _verb("MOVE", "RFC 9051 §6.4.8", _SELECTED, fields=("mailbox", "set", "target"), removes=True),
        _verb("UID MOVE", "RFC 9051 §6.4.9", _SELECTED, fields=("mailbox", "set", "target"), removes=True),
        _verb("REPLACE", "RFC 8508 §3.3", _SELECTED, fields=("mailbox", "set", "target"), removes=True),
        _verb("UID REPLACE", "RFC 8508 §3.4", _SELECTED, fields=("mailbox", "set", "target"), removes=True),
        _verb("SORT", "RFC 5256 §3", _SELECTED, fields=_BOX),
        _verb("UID SORT", "RFC 5256 §3", _SELECTED, fields=_BOX),
        _verb("THREAD", "RFC 5256 §3", _SELECTED, fields=_BOX),
        _verb("UID THREAD", "RFC 5256 §3", _SELECTED, fields=_BOX),
        _verb("SETACL", "RFC 4314 §3.1", fields=_BOX, removes=True),
        _verb("DELETEACL", "RFC 4314 §3.2", fields=_BOX, removes=True),
        _verb("GETACL", "RFC 4314 §3.3", fields=_BOX),
        _verb("LISTRIGHTS", "RFC 4314 §3.4", fields=_BOX),
        _verb("MYRIGHTS", "RFC 4314 §3.5", fields=_BOX),
        _verb("SETQUOTA", "RFC 9208 §4.1.3"),
        _verb("GETQUOTA", "RFC 9208 §4.1.1"),
        _verb("GETQUOTAROOT", "RFC 9208 §4.1.2", fields=_BOX),
        # METADATA may install a script that deletes (RFC 6785 §3).
        _verb("SETMETADATA", "RFC 5464 §4.3", fields=_BOX),
        _verb("GETMETADATA", "RFC 5464 §4.2", fields=_BOX),
        _verb("GENURLAUTH", "RFC 4467 §7", secret=True),
        _verb("RESETKEY", "RFC 4467 §7"),
        _verb("URLFETCH", "RFC 4467 §7", secret=True),
        _verb("COMPRESS", "RFC 4978 §3", refused="the proxy could not read what follows"),
        _verb("UNAUTHENTICATE", "RFC 8437 §2", refused="a session belongs to one user here"),
        _verb("GETJMAPACCESS", "RFC 9698 §3", refused="it would show a way round this proxy"),
        _verb("CONVERT", "RFC 5259 §6", _SELECTED, refused="the proxy does not know this extension"),
        _verb("UID CONVERT", "RFC 5259 §6", _SELECTED, refused="the proxy does not know this extension"),
    )
}
