"""What a session never lets through, whatever the rules say.

The table of verbs says which commands cannot be followed; this adds what
depends on the moment: TLS, the server's offers, and mechanisms behind which
the stream would be hidden from the proxy.
"""

from __future__ import annotations

from mailproxy.proto.dialect import Dialect, Refusal
from mailproxy.proto.imap_commands import is_login
from mailproxy.proto.pop3 import Pop3
from mailproxy.proto.sasl import SaslExchange, always_hidden, mechanism_name
from mailproxy.proto.smtp import Smtp
from mailproxy.proto.smtp_args import bdat_size
from mailproxy.proto.tokens import BadArguments, Command, Phase
from mailproxy.session.options import Options

STARTTLS = frozenset({"STARTTLS", "STLS"})
LOGINS = frozenset({"LOGIN", "AUTHENTICATE", "PASS", "APOP", "AUTH"})
_BEFORE_TLS = frozenset({"EHLO", "HELO", "NOOP", "QUIT", "RSET", "HELP", "STARTTLS"})  # RFC 3207 §4
_NEEDS_EHLO = frozenset({"MAIL", "RCPT", "DATA", "BDAT", "AUTH", "VRFY", "EXPN"})
# RFC 5161 §3.1; another one could change the grammar of what follows.
_ENABLES = frozenset(
    {b"CONDSTORE", b"QRESYNC", b"UTF8=ACCEPT", b"IMAP4REV2", b"UIDONLY", b"METADATA", b"OBJECTID"}
)
_UNFOLLOWABLE = frozenset({"COMPRESS", "TURN", "ATRN"})  # refused even where all is only observed

Objection = tuple[Refusal, str]


def objection(command: Command, dialect: Dialect, options: Options, tls: bool) -> Objection | None:
    """Why this command is answered here, None when it may go on to the rules."""
    spec = command.spec
    if options.guard:
        if command.flaw:
            big = command.flaw.endswith("too big")
            return (Refusal.TOO_BIG if big else Refusal.SYNTAX), f"Refused: {command.flaw}"
        if spec is None:
            return Refusal.UNKNOWN, "Unknown command"
    if spec is None:
        return None
    if spec.refused and (options.guard or command.verb in _UNFOLLOWABLE):
        return Refusal.UNAVAILABLE, f"{command.verb} is not available here: {spec.refused}"
    if command.verb in STARTTLS:
        return _starttls(command, dialect, options, tls)
    if options.tls_required and not tls:
        login = command.verb in LOGINS or command.verb == "USER"
        if login or (isinstance(dialect, Smtp) and command.verb not in _BEFORE_TLS):
            return Refusal.PRIVACY, "Encryption is required here: use STARTTLS first"
    if options.guard and command.verb == "LOGIN" and not (command.partial or is_login(command.args)):
        return Refusal.SYNTAX, "Refused: it is not clear who logs in"
    if (
        options.guard
        and command.verb == "ENABLE"
        and not _ENABLES.issuperset(command.args.upper().split(b" "))
    ):
        return Refusal.UNAVAILABLE, "An extension named here is not known to this proxy"
    if command.verb in ("AUTH", "AUTHENTICATE"):
        objected = _mechanism(command, options)
        if objected:
            return objected
    return _smtp(command, dialect, options) if isinstance(dialect, Smtp) else None


def _mechanism(command: Command, options: Options) -> Objection | None:
    name, _, initial = command.args.partition(b" ")
    mechanism = mechanism_name(name)
    if options.guard and mechanism == "?" and command.args:
        return Refusal.SYNTAX, "Refused: this is no name of a mechanism"
    if always_hidden(mechanism):
        return Refusal.POLICY, "This mechanism is not available through this proxy"
    if options.guard and initial:
        exchange = SaslExchange(mechanism)
        exchange.client(initial)
        if exchange.flaw:  # who logs in must be clear, or a rule about users could be passed by
            return Refusal.SYNTAX, f"Refused: {exchange.flaw}"
    return None


def _starttls(command: Command, dialect: Dialect, options: Options, tls: bool) -> Objection | None:
    if tls:
        return Refusal.SEQUENCE, "TLS is already active"
    if not options.starttls:
        return Refusal.UNAVAILABLE, "TLS is not available on this port"
    if command.args:
        return Refusal.SYNTAX, f"{command.verb} takes no argument"
    too_late = (Phase.MAIL,) if isinstance(dialect, Smtp) else (Phase.TRANSACTION, Phase.SELECTED)
    if dialect.phase in too_late or (isinstance(dialect, Pop3) and dialect.utf8):
        return Refusal.SEQUENCE, f"{command.verb} is not allowed now"
    return None


def _smtp(command: Command, dialect: Smtp, options: Options) -> Objection | None:
    if dialect.greet_again and command.verb in _NEEDS_EHLO:
        return Refusal.SEQUENCE, "Send EHLO first"  # RFC 3207 §4.2
    if options.guard and command.verb == "BDAT":
        try:
            bdat_size(command.args)
        except BadArguments:  # what follows could be a chunk to one reader and commands to another
            return Refusal.SYNTAX, "Refused: BDAT without a size"
    if options.guard and not dialect.in_sequence(command.verb):
        return Refusal.SEQUENCE, f"{command.verb} is out of sequence"
    if options.guard and command.verb == "BDAT" and not dialect.offers("CHUNKING"):
        # To a server without CHUNKING the octets of the chunk are commands (RFC 3030 §2).
        return Refusal.UNAVAILABLE, "BDAT was not offered"
    return None
