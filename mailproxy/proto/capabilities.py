"""What a server says it can do, less what this proxy cannot pass on.

Only the lists themselves are edited: what stays keeps its octets and its order, and when
nothing has to change the very object that came in goes out. Octets that are not ASCII
never match a known name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailproxy.proto.known_capabilities import (
    IMAP_KNOWN,
    IMAP_NEVER,
    POP3_KNOWN,
    POP3_NEVER,
    SMTP_KNOWN,
    SMTP_NEVER,
    Names,
)
from mailproxy.proto.sasl import hidden_mechanisms


@dataclass(frozen=True, slots=True)
class Policy:
    """What the client may see at this moment.

    ``guard``: capabilities the proxy does not know are hidden too.
    ``starttls``: the client's leg can be upgraded now, by us.
    ``login``: logins are allowed now; otherwise no mechanism is shown.
    ``verbatim``: nothing is edited; somebody only reads.
    """

    guard: bool
    starttls: bool
    login: bool
    verbatim: bool = False


# RFC 9051 §7.2.2: the whole line is the list; §7.1: a response code ends at "]".
_IMAP_LIST = re.compile(
    rb"\* CAPABILITY((?: .*?)?)\r?\n?\Z"
    rb"|(?:\* (?:OK|PREAUTH)|[!#$&',-\[\]^-z|}~]{1,255} OK) \[CAPABILITY((?: [^\]]*?)?)(?:\]|\r?\n?\Z)",
    re.I | re.S,
)


def edit_imap_line(line: bytes, policy: Policy) -> bytes:
    """Edit the list of a ``* CAPABILITY`` response or a ``[CAPABILITY …]`` code.

    Any other line, and one that needs no change, comes back as the same object.
    """
    match = None if policy.verbatim else _IMAP_LIST.match(line)
    if match is None:
        return line
    start, end = match.span(match.lastindex or 0)
    items = line[start:end].split(b" ")
    names = [_name(item) for item in items]
    mechanisms = hidden_mechanisms(name[5:] for name in names if name.startswith("AUTH="))
    kept: list[bytes] = []
    seen: set[str] = set()
    for item, name in zip(items, names, strict=True):
        ours = {"STARTTLS": policy.starttls, "LOGINDISABLED": not policy.login}.get(name)
        if ours is None:
            stays = _allowed(name, IMAP_NEVER, IMAP_KNOWN, policy) if name else True
            if name.startswith("AUTH="):
                stays = policy.login and name[5:] not in mechanisms
        else:
            stays = ours and name not in seen
        if stays:
            kept.append(item)
            seen.add(name)
    for name, wanted in (("STARTTLS", policy.starttls), ("LOGINDISABLED", not policy.login)):
        if wanted and name not in seen:
            _append(kept, name.encode())
    if kept == items:
        return line
    return line[:start] + b" ".join(kept) + line[end:]


def imap_capabilities(line: bytes) -> frozenset[str] | None:
    """The names in the server's own list, in upper case; None when the line holds no list."""
    match = _IMAP_LIST.match(line)
    return frozenset(_name(item) for item in match[match.lastindex or 0].split()) if match else None


def edit_capa(lines: list[bytes], policy: Policy) -> list[bytes]:
    """Edit the lines of a POP3 CAPA body, each with its line end, without the final dot (RFC 2449 §5)."""
    if policy.verbatim:
        return lines
    hidden = hidden_mechanisms(_name(word) for line in lines for word in _mechanisms(line, b"SASL"))
    kept: list[bytes] = []
    offered = False
    for line in lines:
        name = _name(line.split(None, 1)[0]) if line.strip() else ""
        if name == "STLS":
            if policy.starttls and not offered:
                kept.append(line)
                offered = True
        elif name in ("USER", "SASL", "APOP") and not policy.login:
            continue
        elif name == "SASL":
            kept += _with_mechanisms(line, b"SASL", hidden)
        elif _allowed(name, POP3_NEVER, POP3_KNOWN, policy):
            kept.append(line)
    if policy.starttls and not offered:
        kept.append(b"STLS\r\n")
    return lines if kept == lines else kept


def edit_ehlo(lines: list[bytes], policy: Policy) -> list[bytes]:
    """Edit a whole 250 reply to EHLO, each line with its code and line end (RFC 5321 §4.1.1.1).

    The first line greets and is no capability. The last one gets the blank behind its code.
    """
    if not lines or policy.verbatim:
        return lines
    hidden = hidden_mechanisms(_name(word) for line in lines[1:] for word in _mechanisms(line[4:], b"AUTH"))
    kept = [lines[0]]
    offered = False
    for line in lines[1:]:
        keyword = line[4:].split(None, 1)
        name = _name(keyword[0]) if keyword else ""
        if name == "STARTTLS":
            if policy.starttls and not offered:
                kept.append(line)
                offered = True
        elif name == "AUTH" or name.startswith("AUTH="):
            if policy.login:
                kept += [line[:4] + rest for rest in _with_mechanisms(line[4:], b"AUTH", hidden)]
        elif _allowed(name, SMTP_NEVER, SMTP_KNOWN, policy):
            kept.append(line)
    if policy.starttls and not offered:
        kept.append(lines[0][:3] + b" STARTTLS\r\n")
    framed = [_continued(line, b"-") for line in kept[:-1]] + [_continued(kept[-1], b" ")]
    return lines if framed == lines else framed


def ehlo_capabilities(lines: list[bytes]) -> dict[str, str]:
    """Keyword (upper case) → parameters of a 250 reply to EHLO; ``AUTH=X Y`` counts as ``AUTH X Y``."""
    found: dict[str, str] = {}
    for line in lines[1:]:
        text = line[4:].decode("ascii", "backslashreplace").strip()
        keyword, _, parameters = text.replace("\t", " ").partition(" ")
        keyword = keyword.upper()
        if keyword.startswith("AUTH="):
            keyword, parameters = "AUTH", text[5:]
        if keyword == "AUTH" and found.get(keyword):
            found[keyword] += " " + parameters.strip()
        elif keyword:
            found.setdefault(keyword, parameters.strip())
    return found


def _name(item: bytes) -> str:
    return item.decode("ascii", "backslashreplace").upper()


def _allowed(name: str, never: Names, known: Names, policy: Policy) -> bool:
    return name not in never and (not policy.guard or name in known)


def _append(items: list[bytes], item: bytes) -> None:
    """Behind the last name, before blanks that end the list."""
    end = len(items)
    while end > 1 and not items[end - 1]:
        end -= 1
    items.insert(end, item)


def _mechanisms(text: bytes, keyword: bytes) -> list[bytes]:
    """The mechanisms of ``KEYWORD A B`` or, as old servers write it, ``KEYWORD=A B``."""
    size = len(keyword)
    if text[:size].upper() != keyword or text[size : size + 1] not in (b" ", b"\t", b"="):
        return []
    return text[size + 1 :].split()


def _with_mechanisms(text: bytes, keyword: bytes, hidden: frozenset[str]) -> list[bytes]:
    """The text without the hidden mechanisms; nothing when none of them is left."""
    words = _mechanisms(text, keyword)
    left = [word for word in words if _name(word) not in hidden]
    if left == words:
        return [text]
    if not left:
        return []
    end = text[len(text.rstrip(b"\r\n")) :]
    return [text[: len(keyword) + 1] + b" ".join(left) + end]


def _continued(line: bytes, mark: bytes) -> bytes:
    """The reply line with ``-`` or a blank behind its code; ``250`` alone may end a reply as it is."""
    if line[3:4] == mark or (mark == b" " and line[3:4] != b"-"):
        return line
    return line[:3] + mark + (line[4:] if line[3:4] in (b" ", b"-") else line[3:])
