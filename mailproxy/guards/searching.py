"""Which messages a command would remove, as the server itself says."""

from __future__ import annotations

from mailproxy.guards.asking import LONGEST_SET, Asking, Unfulfilled, ask
from mailproxy.guards.imap_answers import Unreadable, counted, found, of_search
from mailproxy.guards.number_set import NumberSet, pieces
from mailproxy.proto.tokens import BadArguments, Command


def marked(command: Command) -> Asking[NumberSet]:
    r"""The UIDs of what EXPUNGE, CLOSE or UID EXPUNGE would remove: what is \Deleted, and in its set.

    Raises:
        BadArguments: the command has no set where it needs one.
        Unfulfilled: the server does not tell.
    """
    if command.verb != "UID EXPUNGE":
        return (yield from search(b"UID SEARCH DELETED"))
    doomed = NumberSet()
    for piece in pieces(sent_set(command), LONGEST_SET):
        doomed |= yield from search(b"UID SEARCH UID " + piece + b" DELETED")
    return doomed


def moved(command: Command) -> Asking[int]:
    """How many messages MOVE or UID MOVE is about.

    Of MOVE, message numbers are asked for: during UID commands a server may tell EXPUNGE, and the
    client's own numbers would mean other messages (RFC 9051 §7.5.1).

    Raises:
        BadArguments: the command has no set.
        Unfulfilled: the server does not tell.
    """
    uids = command.verb == "UID MOVE"
    numbers = NumberSet()
    for piece in pieces(sent_set(command), LONGEST_SET):
        numbers |= yield from search((b"UID SEARCH UID " if uids else b"SEARCH ") + piece, uids)
    return len(numbers)


def size(offers: frozenset[str], uids: bool) -> Asking[int]:
    """How many messages the selected mailbox holds. ``uids``: asked by a UID command.

    Raises:
        Unfulfilled: the server does not tell.
    """
    only_count = b"RETURN (COUNT) " if offers & {"ESEARCH", "IMAP4REV2"} else b""
    answer = yield from ask((b"UID SEARCH " if uids else b"SEARCH ") + only_count + b"ALL", of_search)
    try:
        return counted(answer.data, uids)
    except Unreadable as error:
        raise Unfulfilled(str(error).encode()) from error


def search(line: bytes, uids: bool = True) -> Asking[NumberSet]:
    """What this search finds.

    Raises:
        Unfulfilled: the server refuses, or its answer cannot be read.
    """
    answer = yield from ask(line, of_search)
    try:
        return found(answer.data, uids)
    except Unreadable as error:
        raise Unfulfilled(str(error).encode()) from error


def sent_set(command: Command) -> str:
    """The set of messages as the client sent it.

    Raises:
        BadArguments: there is none.
    """
    numbers = command.fields.get("set")
    if not isinstance(numbers, str):
        raise BadArguments("a set of message numbers expected")
    return numbers
