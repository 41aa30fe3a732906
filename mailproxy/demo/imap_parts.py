"""Sections, envelope and body structure of one message (RFC 9051 §6.4.5, §7.5.2)."""

from __future__ import annotations

import re
from email.message import Message as Header
from email.parser import BytesHeaderParser
from email.utils import getaddresses

from mailproxy.demo.imap_words import nil_or_quoted, quoted

_SECTION = re.compile(
    r"(?P<path>\d+(?:\.\d+)*)?\.?(?P<what>[A-Z.]*)(?: \((?P<names>[^)]*)\))?", re.IGNORECASE
)
_DEPTH = 20


def split(octets: bytes) -> tuple[bytes, bytes]:
    """Header, with the empty line that ends it, and the rest."""
    if octets.startswith(b"\r\n"):
        return octets[:2], octets[2:]
    header, blank, rest = octets.partition(b"\r\n\r\n")
    return header + blank, rest


def header_of(octets: bytes) -> Header:
    """The header's fields, parsed."""
    return BytesHeaderParser().parsebytes(split(octets)[0])


def children(octets: bytes) -> list[bytes]:
    """The parts of a multipart entity, each with its own header; none for other types."""
    header = header_of(octets)
    boundary = header.get_boundary()
    if header.get_content_maintype() != "multipart" or not boundary:
        return []
    # The CRLF after a separator may also begin the next one, hence the look-ahead.
    line = rb"(?:^|\r\n)--" + re.escape(boundary.encode()) + rb"(?:--)?[ \t]*(?=\r\n|$)"
    return [part.removeprefix(b"\r\n") for part in re.split(line, split(octets)[1])[1:-1]]


def section(octets: bytes, name: str) -> bytes | None:
    """What ``BODY[name]`` means, or None if the message has no such part."""
    found = _SECTION.fullmatch(name)
    if found is None:
        return None
    part, path, what = octets, found["path"], found["what"].upper()
    for number in path.split(".") if path else ():
        below = children(part) or ([part] if number == "1" else [])
        if not 0 < int(number) <= len(below):
            return None
        part = below[int(number) - 1]
    if path and what not in ("", "MIME"):
        part = split(part)[1]  # HEADER and TEXT are those of the message that the part holds
    header, body = split(part)
    match what:
        case "":
            return body if path else part
        case "HEADER" | "MIME":
            return header
        case "TEXT":
            return body
        case "HEADER.FIELDS" | "HEADER.FIELDS.NOT":
            names = {each.strip('"').lower() for each in (found["names"] or "").split()}
            return _fields(header, names, wanted=what == "HEADER.FIELDS")
        case _:
            return None


def _fields(header: bytes, names: set[str], wanted: bool) -> bytes:
    fields = re.findall(rb"[^\r\n:]+:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", header)
    kept = [each for each in fields if (each.split(b":")[0].decode("latin-1").lower() in names) is wanted]
    return b"".join(kept) + b"\r\n"


def envelope(octets: bytes) -> bytes:
    """The ENVELOPE of a message."""
    header = header_of(octets)
    senders = _addresses(header, "from")
    return b"(%s)" % b" ".join(
        (
            _value(header, "date"),
            _value(header, "subject"),
            senders,
            _addresses(header, "sender", senders),
            _addresses(header, "reply-to", senders),
            _addresses(header, "to"),
            _addresses(header, "cc"),
            _addresses(header, "bcc"),
            _value(header, "in-reply-to"),
            _value(header, "message-id"),
        )
    )


def _value(header: Header, name: str) -> bytes:
    value = header.get(name)
    return nil_or_quoted(None if value is None else re.sub(r"\r\n(?=[ \t])", "", str(value)))


def _addresses(header: Header, name: str, default: bytes = b"NIL") -> bytes:
    pairs = getaddresses([str(each) for each in header.get_all(name, [])])
    found = [
        b"(%s NIL %s %s)" % (nil_or_quoted(shown or None), quoted(local), quoted(domain))
        for shown, address in pairs
        for local, _, domain in [address.rpartition("@")]
    ]
    return b"(%s)" % b"".join(found) if found else default


def structure(octets: bytes, depth: int = 0) -> bytes:
    """The BODYSTRUCTURE of an entity, without its extension data."""
    header, body = header_of(octets), split(octets)[1]
    parts = children(octets)
    if parts and depth < _DEPTH:
        inner = b"".join(structure(part, depth + 1) for part in parts)
        return b"(%s %s)" % (inner, quoted(header.get_content_subtype().upper()))
    kind = header.get_content_maintype()
    subtype = header.get_content_subtype()
    values: list[bytes] = [
        quoted(kind.upper()),
        quoted(subtype.upper()),
        _parameters(header),
        _value(header, "content-id"),
        _value(header, "content-description"),
        quoted(str(header.get("content-transfer-encoding", "7BIT")).upper()),
        b"%d" % len(body),
    ]
    if (kind, subtype) == ("message", "rfc822") and depth < _DEPTH:
        values += [envelope(body), structure(body, depth + 1)]
    if kind == "text" or (kind, subtype) == ("message", "rfc822"):
        values.append(b"%d" % body.count(b"\r\n"))
    return b"(%s)" % b" ".join(values)


def _parameters(header: Header) -> bytes:
    pairs = [(name, value) for name, value in header.get_params([])[1:] if isinstance(value, str)]
    inner = b" ".join(quoted(name.upper()) + b" " + quoted(value) for name, value in pairs)
    return b"(%s)" % inner if inner else b"NIL"
