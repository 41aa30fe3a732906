"""What holds for the table of verbs of every protocol."""

from __future__ import annotations

import re
from collections.abc import Callable

from mailproxy.proto.tokens import Phase, Verb

_SOURCE = re.compile(r"RFC [1-9][0-9]{2,4} §[0-9.]+[0-9]|RFC [1-9][0-9]{2,4} §[0-9]|\([A-Za-z ]+\)")
_NAME = re.compile(r"[A-Z][A-Z0-9]*(?: [A-Z][A-Z0-9]*)?")


def check(verbs: dict[str, Verb]) -> None:
    """Raises AssertionError: a row contradicts itself, or the others."""
    for name, verb in verbs.items():
        assert verb.name == name
        assert _NAME.fullmatch(name), f"{name}: a name is upper case"
        assert _SOURCE.fullmatch(verb.rfc), f"{name}: {verb.rfc} is neither a section nor a product"
        assert verb.phases, f"{name} is allowed nowhere"
        assert not verb.phases & {Phase.GREETING, Phase.LOGOUT}, f"{name}: no command is read there"
        assert len(set(verb.fields)) == len(verb.fields), f"{name} names a field twice"
        if verb.refused:
            told = (verb.removes, verb.fields, verb.hold, verb.alone)
            assert not any(told), f"{name} never goes upstream"
            assert not verb.refused.endswith("."), f"{name}: the reason ends a sentence of ours"


def named(verbs: dict[str, Verb], which: Callable[[Verb], object]) -> set[str]:
    """The names of the verbs for which that is so."""
    return {name for name, verb in verbs.items() if which(verb)}
