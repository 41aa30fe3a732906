"""The arguments of IMAP commands by name (RFC 9051 §6, §9 and the extensions).

``args`` are the octets behind the verb and the one blank that follows it, without the last
CRLF. Literals stand in them as ``{n}`` CRLF and n octets; those of a message being
appended may be missing, then the arguments end at its header.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mailproxy.proto.imap_append import read_flag, read_messages
from mailproxy.proto.imap_scanner import Scanner, closed_quotes
from mailproxy.proto.imap_secrets import login_arguments, mask
from mailproxy.proto.mutf7 import decode_mutf7
from mailproxy.proto.tokens import BadArguments, Command

__all__ = ["closed_quotes", "decode_mutf7", "imap_fields", "login_arguments", "mask"]

Fields = dict[str, Any]

_STORE_ITEM = re.compile(rb"([+-]?)(?:(FLAGS)|(X-GM-LABELS))(?:\.SILENT)?(?= )", re.I)
_NUMBER = re.compile(rb"\*|[1-9][0-9]{0,9}")


def imap_fields(command: Command) -> Fields:
    """What a rule may ask of the arguments, for the verbs that have such fields.

    - ``mailbox`` (str): of SELECT, EXAMINE, CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE,
      STATUS, APPEND, the ACL, QUOTAROOT and METADATA verbs. Commands on the selected mailbox do
      not name it. Modified UTF-7 is decoded; INBOX is upper case.
    - ``target`` (str): where RENAME, COPY, MOVE, REPLACE put it.
    - ``set`` (str): message numbers as sent; ``$`` may be any of them (RFC 5182).
    - ``flags`` (list[str]): of STORE, APPEND, REPLACE; system flags in the RFC's case.
    - ``labels`` (list[str]): of STORE X-GM-LABELS.
    - ``operation`` (str): ``"+"``, ``"-"``, or ``""`` when STORE replaces.
    - ``size`` (int, octets): of the messages of APPEND and REPLACE, summed over their literals.

    APPEND and REPLACE have no field at all while their mailbox is a literal still to come.

    Raises:
        BadArguments: the octets do not follow the verb's grammar, or a literal other than that
            of a message is not complete.
    """
    read = _READERS.get(command.verb, _checked)
    scanner = Scanner(command.args)
    fields = read(scanner)
    if not scanner.cut:
        scanner.end()
    return fields


# -- one reader per shape of arguments ------------------------------------------------------


def _nothing(scanner: Scanner) -> Fields:
    return {}


def _checked(scanner: Scanner) -> Fields:
    """No field, but still well-formed."""
    if not scanner.at_end:
        scanner.rest()
    return {}


def _searched(scanner: Scanner) -> Fields:
    scanner.rest()
    return {}


def _more(scanner: Scanner) -> None:
    scanner.space()
    scanner.rest()


def _mailbox(scanner: Scanner) -> Fields:
    return {"mailbox": scanner.mailbox()}


def _mailbox_and_options(scanner: Scanner) -> Fields:
    fields = _mailbox(scanner)
    if not scanner.at_end:
        scanner.space()
        if not scanner.next_is(b"("):
            raise BadArguments("parameters in parentheses expected")
        scanner.value()
    return fields


def _mailbox_and_more(scanner: Scanner) -> Fields:
    fields = _mailbox(scanner)
    _more(scanner)
    return fields


def _getmetadata(scanner: Scanner) -> Fields:
    if scanner.next_is(b"("):  # RFC 5464 §4.2: the options may come first
        scanner.value()
        scanner.space()
    return _mailbox_and_more(scanner)


def _rename(scanner: Scanner) -> Fields:
    source = scanner.mailbox()
    scanner.space()
    return {"mailbox": source, "target": _mailbox_and_options(scanner)["mailbox"]}


def _set(scanner: Scanner) -> Fields:
    return {"set": scanner.sequence()}


def _set_and_more(scanner: Scanner) -> Fields:
    fields = _set(scanner)
    _more(scanner)
    return fields


def _set_and_target(scanner: Scanner) -> Fields:
    fields = _set(scanner)
    scanner.space()
    fields["target"] = scanner.mailbox()
    return fields


def _store(scanner: Scanner) -> Fields:
    fields: Fields = {"set": scanner.sequence(), "flags": [], "labels": [], "operation": ""}
    scanner.space()
    if scanner.next_is(b"("):  # RFC 4466 §2.5: modifiers, (UNCHANGEDSINCE n)
        scanner.value()
        scanner.space()
    match = _STORE_ITEM.match(scanner.data, scanner.position)
    if match is None:
        if scanner.atom().upper() != b"ANNOTATION":  # RFC 5257 §4.3
            raise BadArguments("FLAGS or X-GM-LABELS expected")
        _more(scanner)
        return fields
    scanner.position = match.end()
    scanner.space()
    fields["operation"] = match[1].decode("ascii")
    if match[2]:
        fields["flags"] = scanner.items(lambda: read_flag(scanner))
    else:
        fields["labels"] = scanner.items(lambda: _label(scanner))
    return fields


def _label(scanner: Scanner) -> str:
    """Gmail: a name like a mailbox's, or a system label with a backslash."""
    if scanner.next_is(b"\\"):
        return read_flag(scanner)
    return decode_mutf7(scanner.astring())


def _append(scanner: Scanner) -> Fields:
    mailbox, flags = scanner.mailbox(cut=True), list[str]()
    if scanner.cut:
        return {}
    return {"mailbox": mailbox, "size": read_messages(scanner, flags), "flags": flags}


def _replace(scanner: Scanner) -> Fields:
    number = scanner.take(_NUMBER, "a message number")[0].decode("ascii")
    scanner.space()
    target, flags = scanner.mailbox(cut=True), list[str]()
    if scanner.cut:
        return {}
    return {"set": number, "target": target, "size": read_messages(scanner, flags), "flags": flags}


def _login(scanner: Scanner) -> Fields:
    login_arguments(scanner.data)
    scanner.position = len(scanner.data)
    return {}


_READERS: dict[str, Callable[[Scanner], Fields]] = {
    **dict.fromkeys(
        (
            "CAPABILITY",
            "NOOP",
            "LOGOUT",
            "STARTTLS",
            "NAMESPACE",
            "IDLE",
            "CHECK",
            "CLOSE",
            "UNSELECT",
            "EXPUNGE",
        ),
        _nothing,
    ),
    **dict.fromkeys(
        ("DELETE", "SUBSCRIBE", "UNSUBSCRIBE", "GETACL", "MYRIGHTS", "GETQUOTAROOT"),
        _mailbox,
    ),
    **dict.fromkeys(("SELECT", "EXAMINE", "CREATE"), _mailbox_and_options),
    **dict.fromkeys(("STATUS", "SETACL", "DELETEACL", "LISTRIGHTS", "SETMETADATA"), _mailbox_and_more),
    **dict.fromkeys(("FETCH", "UID FETCH"), _set_and_more),
    **dict.fromkeys(("SEARCH", "UID SEARCH", "SORT", "UID SORT", "THREAD", "UID THREAD"), _searched),
    **dict.fromkeys(("COPY", "UID COPY", "MOVE", "UID MOVE"), _set_and_target),
    **dict.fromkeys(("STORE", "UID STORE"), _store),
    **dict.fromkeys(("REPLACE", "UID REPLACE"), _replace),
    "LOGIN": _login,
    "RENAME": _rename,
    "UID EXPUNGE": _set,
    "APPEND": _append,
    "GETMETADATA": _getmetadata,
}
