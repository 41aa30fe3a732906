"""The POP3 commands: RFC 1939, 1734, 2449, 2595, 5034, 6856."""

from __future__ import annotations

from mailproxy.proto.tokens import Phase, Shape, Verb

_AUTH = frozenset({Phase.AUTHORIZATION})
_TRANS = frozenset({Phase.TRANSACTION})
_BOTH = _AUTH | _TRANS


def _verb(
    name: str,
    rfc: str,
    phases: frozenset[Phase] = _TRANS,
    shape: Shape = Shape.LINE,
    *,
    fields: tuple[str, ...] = (),
    removes: bool = False,
    secret: bool = False,
    hold: bool = False,
    refused: str = "",
    alone: bool = False,
) -> Verb:
    return Verb(name, rfc, phases, shape, fields, removes, secret, hold, refused, alone)


VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        # LIST and UIDL with an argument, and LANG with one, are answered with one line:
        # the dialect looks at the argument.
        _verb("USER", "RFC 1939 §7", _AUTH),
        # Whose password it is depends on the reply to USER.
        _verb("PASS", "RFC 1939 §7", _AUTH, secret=True, hold=True, alone=True),
        _verb("APOP", "RFC 1939 §7", _AUTH, secret=True, hold=True),
        _verb("AUTH", "RFC 5034 §4", _AUTH, Shape.SASL, secret=True, hold=True),
        _verb("STLS", "RFC 2595 §4", _AUTH, hold=True, alone=True),
        _verb("CAPA", "RFC 2449 §5", _BOTH, Shape.BODY),
        _verb("UTF8", "RFC 6856 §2", _AUTH, hold=True),
        _verb("LANG", "RFC 6856 §3", _BOTH, Shape.BODY),
        _verb("STAT", "RFC 1939 §5"),
        _verb("LIST", "RFC 1939 §5", _TRANS, Shape.BODY, fields=("set",)),
        _verb("UIDL", "RFC 1939 §7", _TRANS, Shape.BODY, fields=("set",)),
        _verb("LAST", "RFC 1460 §5"),
        _verb("RETR", "RFC 1939 §5", _TRANS, Shape.BODY, fields=("set",)),
        _verb("TOP", "RFC 1939 §7", _TRANS, Shape.BODY, fields=("set",)),
        _verb("DELE", "RFC 1939 §5", fields=("set",), removes=True),
        _verb("RSET", "RFC 1939 §5"),
        _verb("NOOP", "RFC 1939 §5"),
        # QUIT in the transaction state is what removes the marked messages (RFC 1939 §6).
        _verb("QUIT", "RFC 1939 §4", _BOTH, removes=True, hold=True),
        _verb("XTND", "(no RFC)", _TRANS, refused="XTND XMIT would send a message the proxy cannot follow"),
    )
}
