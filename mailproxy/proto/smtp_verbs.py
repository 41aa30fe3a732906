"""The SMTP commands: RFC 5321, 6409, 3030, 3207, 4954; those of LMTP (RFC 2033) have room."""

from __future__ import annotations

from mailproxy.proto.tokens import Phase, Shape, Verb

_ANY = frozenset({Phase.AUTHORIZATION, Phase.TRANSACTION, Phase.MAIL})
_HELLO = frozenset({Phase.TRANSACTION, Phase.MAIL})
_READY = frozenset({Phase.TRANSACTION})
_MAIL = frozenset({Phase.MAIL})

_TURNS = "it would turn the roles of client and server round"
_FORGES = "it would let a client claim to be somebody else"


def _verb(
    name: str,
    rfc: str,
    phases: frozenset[Phase],
    shape: Shape = Shape.CODES,
    *,
    fields: tuple[str, ...] = (),
    secret: bool = False,
    hold: bool = False,
    refused: str = "",
    alone: bool = False,
) -> Verb:
    return Verb(name, rfc, phases, shape, fields, False, secret, hold, refused, alone)


VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        _verb("EHLO", "RFC 5321 §4.1.1.1", _ANY, hold=True),
        _verb("HELO", "RFC 5321 §4.1.1.1", _ANY, hold=True),
        _verb("STARTTLS", "RFC 3207 §4", _READY, hold=True, alone=True),
        _verb("AUTH", "RFC 4954 §4", _READY, Shape.SASL, secret=True, hold=True),
        # Who sends is a fact for the commands behind it, so it waits for the end of what came before.
        _verb("MAIL", "RFC 5321 §4.1.1.2", _READY, fields=("sender", "domain", "size"), alone=True),
        _verb("RCPT", "RFC 5321 §4.1.1.3", _MAIL, fields=("sender", "recipient", "domain", "recipients")),
        _verb("DATA", "RFC 5321 §4.1.1.4", _MAIL, fields=("sender", "recipients"), hold=True),
        _verb("BDAT", "RFC 3030 §2", _MAIL, fields=("sender", "recipients", "size")),
        _verb("RSET", "RFC 5321 §4.1.1.5", _ANY),
        _verb("VRFY", "RFC 5321 §4.1.1.6", _HELLO, fields=("recipient", "domain")),
        _verb("EXPN", "RFC 5321 §4.1.1.7", _HELLO),
        _verb("HELP", "RFC 5321 §4.1.1.8", _ANY),
        _verb("NOOP", "RFC 5321 §4.1.1.9", _ANY),
        _verb("QUIT", "RFC 5321 §4.1.1.10", _ANY, hold=True),
        _verb("TURN", "RFC 821 §4.1.1", _HELLO, refused=_TURNS),
        _verb("ATRN", "RFC 2645 §5", _HELLO, refused=_TURNS),
        _verb("ETRN", "RFC 1985 §5", _HELLO, refused="it would start a delivery that nobody here asked for"),
        _verb("XCLIENT", "(Postfix)", _ANY, refused=_FORGES),
        _verb("XFORWARD", "(Postfix)", _ANY, refused=_FORGES),
        _verb(
            "BURL",
            "RFC 4468 §3",
            _MAIL,
            refused="it would make the server fetch a message the proxy cannot see",
        ),
    )
}
