"""What is given of a session on the command line: ``user=reader@example.com``, ``tls=false``."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

import msgspec

from mailproxy.rules.errors import did_you_mean
from mailproxy.rules.rule import Given
from mailproxy.rules.schema import KEYS, GivenTable


class BadGiven(ValueError):
    """A word is not ``name=value`` of something that can be given. ``hint`` says what can."""

    def __init__(self, cause: str, hint: str) -> None:
        super().__init__(cause)
        self.hint = hint


def given_from_table(table: GivenTable, protocol: str) -> Given:
    """The same, flat and with its protocol.

    Raises:
        BadGiven: ``client.ip`` is no address, or a count is negative.
    """
    try:
        ip_address(table.client.ip)
    except ValueError as error:
        raise BadGiven("client.ip is no address", 'write it as client.ip = "192.0.2.7"') from error
    if table.recipients < 0:
        raise BadGiven("recipients is negative", "it counts from 0")
    values = {key: getattr(table, key) for key in KEYS["GivenTable"] if key not in ("protocol", "client")}
    return Given(protocol=protocol, client_ip=table.client.ip, client_name=table.client.name, **values)


def given_from_words(protocol: str, words: Iterable[str]) -> Given:
    """What words such as ``client.ip=192.0.2.7`` say.

    Raises:
        BadGiven: a name is unknown, or a value is not of its type.
    """
    known = {*KEYS["GivenTable"], "client.ip", "client.name"} - {"client", "protocol"}
    table: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in known:
            raise BadGiven(f"--given {word[:60]!r} is not name=value", did_you_mean(name, known))
        top, dot, part = name.partition(".")
        if dot:
            table.setdefault(top, {})[part] = value
        else:
            table[top] = value
    try:
        return given_from_table(msgspec.convert(table, GivenTable, strict=False), protocol)
    except msgspec.ValidationError as error:
        raise BadGiven(f"--given: {error}", "as in tls=false, recipients=3") from error
