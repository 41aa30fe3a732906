"""The words of a rule's ``on``: which commands of which protocol they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mailproxy.proto import imap_verbs, pop3_verbs, smtp_verbs
from mailproxy.proto.tokens import Verb
from mailproxy.rules.errors import did_you_mean

TABLES: Mapping[str, Mapping[str, Verb]] = MappingProxyType(
    {"pop3": pop3_verbs.VERBS, "imap": imap_verbs.VERBS, "smtp": smtp_verbs.VERBS}
)

LOGIN: tuple[tuple[str, str], ...] = (
    ("pop3", "PASS"),
    ("pop3", "APOP"),
    ("pop3", "AUTH"),
    ("imap", "LOGIN"),
    ("imap", "AUTHENTICATE"),
    ("smtp", "AUTH"),
)


class UnknownVerb(ValueError):
    """An entry of ``on`` stands for no command. ``hint`` says what might have been meant."""

    def __init__(self, cause: str, hint: str) -> None:
        super().__init__(cause)
        self.hint = hint


def expand(entry: str) -> list[tuple[str, Verb]]:
    """The commands that one entry of ``on`` names, in the order of the tables.

    ``"pop3 DELE"`` and ``"imap UID EXPUNGE"`` are one command, ``"imap *"`` all
    of a protocol, ``"imap removes"`` all that may remove mail, and ``"login"``
    every command that carries a password, in every protocol.

    Raises:
        UnknownVerb: it names nothing.
    """
    words = entry.split()
    if [word.casefold() for word in words] == ["login"]:
        return [(protocol, TABLES[protocol][name]) for protocol, name in LOGIN]
    if not words or words[0].casefold() not in TABLES:
        known = ", ".join(TABLES)
        raise UnknownVerb(
            f'"{entry[:80]}" does not begin with a protocol',
            f'write it as "pop3 DELE"; protocols: {known}; or "login" for the logins of all three',
        )
    protocol, rest = words[0].casefold(), " ".join(words[1:])
    table = TABLES[protocol]
    if rest == "*":
        return [(protocol, verb) for verb in table.values()]
    if rest.casefold() == "removes":
        found = [(protocol, verb) for verb in table.values() if verb.removes]
        if not found:
            raise UnknownVerb(f"no command of {protocol} removes mail", "name the commands that are meant")
        return found
    verb = table.get(rest.upper())
    if verb is None:
        raise UnknownVerb(f'{protocol} has no command "{rest[:80]}"', did_you_mean(rest.upper(), table))
    return [(protocol, verb)]
