"""Two answers to one command, compared: what differs, and whether it had to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mailproxy.proto.dialect import GREETING
from mailproxy.replay.compare_answer import Answer
from mailproxy.replay.compare_words import (
    flagless,
    masked,
    names_imap,
    names_pop3,
    names_smtp,
    of_the_leg,
    split_code,
    steady,
)

_LONGEST = 200  # octets of a line that are shown
_SHOWN = 5  # lines of one answer that are told; the others are counted
_PASSING = "times, ids and addresses"
_CHANGED = "the captured session had changed the mailbox"
_OPENED = "the mailbox was opened read-only"
# What IMAP says otherwise once mail or mailboxes have changed.
_CHANGING = re.compile(
    rb"\d+ (?:EXISTS|RECENT|EXPUNGE)|VANISHED|SEARCH|ESEARCH|SORT|THREAD|STATUS|LIST|LSUB"
    rb"|OK \[(?:UNSEEN|UIDNEXT|HIGHESTMODSEQ|NOMODSEQ)",
    re.I,
)
# And what it says otherwise in a mailbox that is open for reading only, and sets no \Seen.
_READ_ONLY = re.compile(rb"OK \[(?:PERMANENTFLAGS|UNSEEN|HIGHESTMODSEQ)|FLAGS \(", re.I)
_LISTING = frozenset({"STAT", "LIST", "UIDL", "LAST", "RETR", "TOP", "DELE"})


# The lines of a POP3 list are data, and no free text.
_NORMAL: dict[str, Callable[[bytes], bytes]] = {"imap": steady, "smtp": masked, "pop3": bytes}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs.

    ``what`` is ``status``, ``text``, ``response``, ``capability``, ``body`` or ``connection``.
    ``must`` says why it could not be the same; it is empty for a real difference.
    """

    what: str
    captured: str
    live: str
    must: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """Under which conditions one command was said again.

    ``login``: it was made anew. ``examined``: EXAMINE stood for SELECT, or UNSELECT for CLOSE.
    ``sequel``: commands before it were left out that change what its answer tells. ``changed``: the
    captured session had changed mail or mailboxes, so that they may not be as they were. ``edited``: our
    proxy had edited what the client was told. ``other_leg``: one of the two was encrypted, not both.
    """

    protocol: str
    verb: str
    login: bool = False
    examined: bool = False
    sequel: bool = False
    changed: bool = False
    edited: bool = False
    other_leg: bool = False
    idle: bool = False


def compare(setting: Setting, captured: Answer, live: Answer) -> list[Difference]:
    """All that differs, what had to differ included."""
    if not captured.status:
        why = "the capture has no reply to it"
        return [Difference("status", "", live.status, why)] if live.status else []
    found = [*_status(setting, captured, live), *_content(setting, captured, live)]
    if not captured.whole or not live.whole:
        # What is missing on one side can be no difference of the other.
        return [one for one in found if one.what in ("status", "capability")]
    return found


def _status(setting: Setting, captured: Answer, live: Answer) -> Iterator[Difference]:
    if captured.status != live.status:
        yield Difference("status", captured.status, live.status or "(none)", _sequel(setting))


def _sequel(setting: Setting) -> str:
    if setting.sequel:
        return "commands before it were left out"
    if setting.changed and setting.protocol == "pop3" and setting.verb in _LISTING:
        return _CHANGED
    return ""


def _content(setting: Setting, captured: Answer, live: Answer) -> Iterator[Difference]:
    if captured.status != live.status:
        yield from _text(setting, captured.text, live.text, "the status is another one")
        return
    texts, lists = [captured.text, live.text], [captured.responses, live.responses]
    match setting.protocol, setting.verb:
        case "imap", _:
            listed = []
            for number, answer in enumerate((captured, live)):
                texts[number], code = split_code(answer.text)
                lists[number], untagged = _without_lists(answer.responses)
                listed.append(names_imap(b" ".join([code, *untagged]), hidden=setting.edited))
            yield from _names(setting, listed[0], listed[1])
        case "pop3", "CAPA":
            yield from _listed(setting, captured, live, names_pop3)
            lists = [[], []]
        case "smtp", "EHLO":
            yield from _listed(setting, captured, live, names_smtp)
            lists = [captured.responses[:1], live.responses[:1]]
    yield from _text(setting, texts[0], texts[1], "")
    yield from _responses(setting, lists[0], lists[1])
    yield from _body(setting, captured, live)


def _text(setting: Setting, captured: bytes, live: bytes, must: str) -> Iterator[Difference]:
    if captured == live:
        return
    if not must and steady(b"OK " + captured) == steady(b"OK " + live):
        must = _PASSING
    elif setting.login:
        must = "the login was made anew"
    elif setting.examined:
        must = _OPENED
    elif setting.verb == GREETING and setting.other_leg:
        must = "a greeting before TLS is not believed as a whole"
    # Without what is passing, a hundred plays differ in one way and not in a hundred.
    yield Difference("text", shown(masked(captured)), shown(masked(live)), must or _sequel(setting))


def _without_lists(responses: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Untagged responses, and the capabilities that were among them."""
    others: list[bytes] = []
    names: list[bytes] = []
    for response in responses:
        if response[:11].upper() == b"CAPABILITY ":
            names.append(response[11:])
            continue
        text, code = split_code(response)
        names += [code] if code else []
        others.append(text)
    return others, names


def _listed(
    setting: Setting, captured: Answer, live: Answer, read: Callable[..., set[bytes]]
) -> Iterator[Difference]:
    yield from _names(
        setting,
        read(captured.responses, hidden=setting.edited),
        read(live.responses, hidden=setting.edited),
    )


def _names(setting: Setting, captured: set[bytes], live: set[bytes]) -> Iterator[Difference]:
    if (setting.login or setting.verb == GREETING) and not (captured and live):
        return  # a list there is an extra, which depends on the mechanism and on how TLS began
    for name in sorted(captured ^ live):
        must = "it depends on whether the connection is encrypted" if _by_leg(setting, name) else ""
        there = name in captured
        yield Difference("capability", shown(name) if there else "", "" if there else shown(name), must)


def _by_leg(setting: Setting, name: bytes) -> bool:
    return setting.other_leg and of_the_leg(name)


def _responses(setting: Setting, captured: list[bytes], live: list[bytes]) -> Iterator[Difference]:
    if captured == live:
        return
    normal = _NORMAL[setting.protocol]
    left, right = Counter(map(normal, captured)), Counter(map(normal, live))
    if left == right:
        if sorted(captured) != sorted(live):
            yield Difference("response", "", "", _PASSING)
        return
    mine, theirs = left - right, right - left
    but_for_flags = {*map(flagless, mine)} & {*map(flagless, theirs)} if setting.protocol == "imap" else set()
    yield from _only(setting, mine, but_for_flags, captured_side=True)
    yield from _only(setting, theirs, but_for_flags, captured_side=False)


def _only(
    setting: Setting, lines: Counter[bytes], but_for_flags: set[bytes], *, captured_side: bool
) -> Iterator[Difference]:
    """What stands on one side only: the first few as they are, and the number of the others."""
    by_reason: dict[str, list[bytes]] = {}
    for line in lines.elements():
        flags = flagless(line) in but_for_flags
        by_reason.setdefault(_reason(setting, line, flags=flags), []).append(line)
    for must, those in by_reason.items():
        told = [shown(line) for line in those[:_SHOWN]]
        if len(those) > _SHOWN:
            told.append(f"and {len(those) - _SHOWN} more")
        for text in told:
            yield Difference("response", *((text, "") if captured_side else ("", text)), must)


def _reason(setting: Setting, line: bytes, *, flags: bool) -> str:
    """Why a response could not come again, or not come before; ``flags``: nothing else differs in it."""
    if setting.protocol != "imap":
        return _sequel(setting)
    changing = flags or _CHANGING.match(line) is not None
    if setting.login:
        return "the login was made anew"
    if setting.idle and (changing or line[:2].upper() == b"OK"):
        return "what happens during IDLE is other people's doing"
    if setting.examined and (flags or _READ_ONLY.match(line) is not None):
        return _OPENED
    if changing and setting.changed:
        return _CHANGED
    return _sequel(setting) if changing else ""


def _body(setting: Setting, captured: Answer, live: Answer) -> Iterator[Difference]:
    if (captured.octets, captured.digest) != (live.octets, live.digest):
        must = _sequel(setting) if setting.sequel else ""
        yield Difference("body", _told(captured), _told(live), must)


def _told(answer: Answer) -> str:
    return f"{answer.octets} octets, SHA-256 {answer.digest[:16]}" if answer.digest else "none"


def shown(line: bytes) -> str:
    """A line for people: as text, and not longer than they would read."""
    text = line[:_LONGEST].decode("utf-8", "backslashreplace")
    return text if len(line) <= _LONGEST else f"{text}… ({len(line)} octets)"
