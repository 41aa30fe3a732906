"""What clients ask of mailboxes beyond the capture: to open, to list and to count them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailproxy.player.imap_search import NotKnown
from mailproxy.player.imap_selected import Selected
from mailproxy.player.imap_words import mailbox_of, words
from mailproxy.player.imap_world import Played, World
from mailproxy.player.pieces import Piece, joined
from mailproxy.player.terms import Memory

_FLAGS = rb"* FLAGS (\Answered \Flagged \Deleted \Seen \Draft)" + b"\r\n"
_CODES = re.compile(rb"\[(UIDVALIDITY|UIDNEXT|HIGHESTMODSEQ) ([0-9]+)\]", re.I)
# Responses to SELECT that stay true whatever a client has done since.
_LASTING = re.compile(
    rb"\* (FLAGS |OK \[(PERMANENTFLAGS|UIDVALIDITY|UIDNEXT|NOMODSEQ|HIGHESTMODSEQ|MAILBOXID))", re.I
)


def derived_open(last: Played | None, selected: Selected) -> list[Piece]:
    """The untagged responses to SELECT: those of the capture, with the messages that are there now."""
    said: list[Piece] = [b"* %d EXISTS\r\n* 0 RECENT\r\n" % len(selected.view)]
    lasting = [joined(each.pieces) for each in last.untagged if _LASTING.match(each.text)] if last else []
    if not any(each[:8].upper() == b"* FLAGS " for each in lasting):
        lasting.insert(0, _FLAGS)
    if not any(b"UIDVALIDITY" in each.upper() for each in lasting):
        lasting.append(b"* OK [UIDVALIDITY 1] made up\r\n")
    return [*lasting, *said]


def derived_list(world: World, verb: str, args: bytes) -> Iterator[Piece]:
    """Those of the mailboxes in the capture that a pattern fits."""
    said = words(args)
    if len(said) < 2 or b"(" in said:
        raise NotKnown  # RFC 5258: selection options, several patterns, RETURN
    pattern = said[0] + said[1]
    if not pattern:
        yield b'* LIST (\\Noselect) "/" ""\r\n'
        return
    known = dict(world.lists)
    for name in ("INBOX", *(name for name, box in world.boxes.items() if box.opened)):
        if name.isascii() and name:
            quoted = name.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"')
            known.setdefault(name.encode(), b'* LIST () "/" "' + quoted + b'"\r\n')
    for octets_name, line in known.items():
        if fits(pattern, octets_name, b"/" if b' "/" ' in line else b"."):
            yield re.sub(rb"^\* [A-Z]+", b"* " + verb.encode(), line, count=1)


def fits(pattern: bytes, name: bytes, delimiter: bytes) -> bool:
    """``*`` fits anything, ``%`` anything without a delimiter (RFC 9051 §6.3.9). Never slow."""
    if pattern.count(b"*") + pattern.count(b"%") > 8:
        return True
    parts = re.split(rb"([*%])", pattern)
    wild = {b"*": b".*", b"%": b"[^" + re.escape(delimiter) + b"]*"}
    return (
        re.fullmatch(b"".join(wild.get(each, re.escape(each)) for each in parts), name, re.S | re.I)
        is not None
    )


def derived_status(world: World, args: bytes, memory: Memory) -> list[Piece]:
    """STATUS out of what the capture says of a mailbox. Raises NotKnown."""
    said = words(args)
    name = mailbox_of(args)
    box = world.boxes.get(name)
    asked = [word.upper() for word in said[1:] if word not in (b"(", b")")]
    if box is None or not asked:
        raise NotKnown
    known = dict(box.status)
    if box.opened:
        opened = box.opened[-1]
        known.setdefault(b"RECENT", b"0")
        known.update(
            {code[0].upper(): code[1] for each in opened.untagged for code in _CODES.findall(each.text)}
        )
        selected = Selected(name, list(opened.view), 0, memory, read_only=True)
        known[b"MESSAGES"] = b"%d" % len(selected.view)
        flags = [selected.flags(message) for message in selected.view]
        if None not in flags:
            known[b"UNSEEN"] = b"%d" % sum(b"\\Seen" not in (each or ()) for each in flags)
    if not all(each in known for each in asked):
        raise NotKnown
    values = b" ".join(each + b" " + known[each] for each in asked)
    written = args[: args.rfind(b" (")] if b" (" in args else said[0]
    return [b"* STATUS " + written + b" (" + values + b")\r\n"]
