"""The arguments of SMTP commands (RFC 5321 §4.1.2).

``args`` are the octets behind the verb and the one blank that follows it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from mailproxy.proto.tokens import BadArguments, Command
from mailproxy.proto.veil import NOTHING, Span, abridged

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
# Wider than the grammar's atext where servers do not disagree on the reading: "a..b@x" is sent every day.
_LOCAL = r'(?P<quoted>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<local>[^\s<>()"\\,;:@\[\]]+)'
_DOMAIN = r'\[[^\[\]\\<>"\s]+\]|[^\s<>()"\\,;:@\[\]]+'
_ADDRESS = rf"(?:{_LOCAL})(?:@(?P<domain>{_DOMAIN}))?"
_ROUTE = r'(?:@[^\s<>()"\\,;:@]+(?:,@[^\s<>()"\\,;:@]+)*:)?'
_PATH = re.compile(rf"<{_ROUTE}{_ADDRESS}>|<>")
_BARE_ADDRESS = re.compile(_ADDRESS)
_PREFIX = re.compile(r"(FROM|TO):[ ]?", re.I)
_PARAMETER = re.compile(r" +([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\s]*))?(?=[ ]|\Z)")
_PLAIN_DOMAIN = re.compile(_DOMAIN)
_DOT_STRING = re.compile(r"[^\s<>()\"\\,;:@\[\].]+(?:\.[^\s<>()\"\\,;:@\[\].]+)*")
_SIZE = re.compile(r"[0-9]{1,20}", re.A)
_MECHANISM = re.compile(rb"[A-Za-z0-9_-]{1,20}")  # RFC 4422 §3.1; longer may be a secret in its place
# No more than 32 bits hold: Exim 4.96 reads a size beyond 63 bits as a small one, and the rest as commands.
_BDAT = re.compile(rb"([0-9]{1,10})( LAST)?", re.I)
_LARGEST_CHUNK = 2**32 - 1


def smtp_fields(command: Command) -> dict[str, Any]:
    """What a rule may ask of the arguments.

    MAIL: ``sender`` (str, ``""`` for the null path), ``domain`` (str), ``size`` (int, octets,
    0 when not declared). RCPT, VRFY, EXPN: ``recipient`` and ``domain``. BDAT: ``size``.

    An address is without <>, source route and needless quotes; its domain is in lower case
    without the last dot. The local part keeps its case (RFC 5321 §2.4), an A-label stays one.

    Raises:
        BadArguments: controls, invalid UTF-8, unbalanced <> or quotes, malformed parameters.
    """
    match command.verb:
        case "MAIL":
            address, domain, parameters = _path(command.args, "FROM")
            return {"sender": address, "domain": domain, "size": _declared_size(parameters)}
        case "RCPT":
            address, domain, _ = _path(command.args, "TO")
            if not address:
                raise BadArguments("a recipient cannot be empty")
            return {"recipient": address, "domain": domain}
        case "VRFY" | "EXPN":
            return _sought(command.args)
        case "BDAT":
            return {"size": bdat_size(command.args)[0]}
    return {}


def bdat_size(args: bytes) -> tuple[int, bool]:
    """Octets of the chunk that follows, and whether it is the last (RFC 3030 §2).

    Raises:
        BadArguments: it is not ``number [LAST]``.
    """
    match = _BDAT.fullmatch(args)
    if match is None or int(match[1]) > _LARGEST_CHUNK:
        raise BadArguments("BDAT takes a number of octets, below 2^32, and perhaps LAST")
    return int(match[1]), match[2] is not None


def secrets(verb: str, args: bytes) -> Sequence[Span]:
    """Where in the arguments an initial response stands, or what XCLIENT says. MAIL's AUTH= is none."""
    if not args or verb not in ("AUTH", "X-EXPS", "XCLIENT"):
        return NOTHING
    mechanism, blank, _ = args.partition(b" ")
    if verb == "XCLIENT" or not _MECHANISM.fullmatch(mechanism):
        return [(0, len(args))]
    return [(len(mechanism) + 1, len(args))] if blank else NOTHING


def mask(verb: str, args: bytes) -> bytes:
    """The arguments as they may be shown, each secret replaced by ``***``."""
    return abridged(args, secrets(verb, args))


def _path(args: bytes, keyword: str) -> tuple[str, str, dict[str, str]]:
    text = _decoded(args)
    prefix = _PREFIX.match(text)
    if prefix is None or prefix[1].upper() != keyword:
        raise BadArguments(f"{keyword}: expected")
    start = prefix.end()
    pattern = _PATH if text.startswith("<", start) else _BARE_ADDRESS
    match = pattern.match(text, start)
    if match is None:
        raise BadArguments("the address is malformed")
    address, domain = _normalised(match)
    return address, domain, _parameters(text, match.end())


def _decoded(args: bytes) -> str:
    try:
        text = args.decode("utf-8")
    except UnicodeDecodeError:
        pass  # the exception holds the octets: raised outside, it cannot be chained to ours
    else:
        if _CONTROL.search(text):
            raise BadArguments("control characters are not allowed")
        return text
    raise BadArguments("the address is not valid UTF-8")


def _normalised(match: re.Match[str]) -> tuple[str, str]:
    if match["quoted"] is not None:
        content = re.sub(r"\\(.)", r"\1", match["quoted"][1:-1])
        local = content if _DOT_STRING.fullmatch(content) else _quoted(content)
    else:
        local = match["local"] or ""
    if match["domain"] is None:
        return local, ""
    domain = _domain(match["domain"])
    return f"{local}@{domain}", domain


def _quoted(content: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", content) + '"'


def _domain(domain: str) -> str:
    if not domain.isascii():
        # U+3002 and its kin are dots to IDNA (RFC 3490 §3.1), and wide letters are letters.
        domain = unicodedata.normalize("NFKC", domain).replace("\u3002", ".")
        if not _PLAIN_DOMAIN.fullmatch(domain):
            raise BadArguments("the domain is malformed")
    domain = domain.lower().removesuffix(".")
    if not all(domain.split(".")) and not domain.startswith("["):
        raise BadArguments("the domain has an empty label")
    return domain


def _parameters(text: str, position: int) -> dict[str, str]:
    found: dict[str, str] = {}
    end = len(text.rstrip(" "))  # RFC 5321 §4.1.1: blanks at the end are to be tolerated
    while position < end:
        match = _PARAMETER.match(text, position)
        if match is None:
            raise BadArguments("the parameters are malformed")
        keyword = match[1].upper()
        if keyword in found:
            raise BadArguments("a parameter is given twice")
        found[keyword] = match[2] or ""
        position = match.end()
    return found


def _declared_size(parameters: dict[str, str]) -> int:
    """RFC 1870 §3."""
    size = parameters.get("SIZE")
    if size is None:
        return 0
    if not _SIZE.fullmatch(size):
        raise BadArguments("SIZE takes a number of octets")
    return int(size)


def _sought(args: bytes) -> dict[str, Any]:
    """VRFY and EXPN take any string (RFC 5321 §3.5.1); an address is only likely."""
    text = _decoded(args).strip(" ").removesuffix(" SMTPUTF8").rstrip(" ")
    match = (_PATH if text.startswith("<") else _BARE_ADDRESS).fullmatch(text)
    if match is None:
        return {"recipient": text, "domain": ""}
    address, domain = _normalised(match)
    return {"recipient": address, "domain": domain}
