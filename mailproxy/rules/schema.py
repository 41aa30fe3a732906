"""The keys of a rule file, and their types."""

from __future__ import annotations

from datetime import datetime

import msgspec


class ClientTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    ip: str = "192.0.2.1"
    name: str = ""


class GivenTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    protocol: str | None = None
    user: str = ""
    client: ClientTable = ClientTable()
    listener: str = ""
    upstream: str = ""
    tls: bool = True
    tls_version: str = ""
    mechanism: str = ""
    mailbox: str = ""
    sender: str = ""
    recipients: int = 0
    now: datetime | None = None


class ExampleTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    send: list[str]
    expect: str
    given: GivenTable = GivenTable()


class RuleTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    name: str
    on: list[str]
    do: str
    when: str | None = None
    why: str = ""
    mode: str = "enforce"
    reply: str = ""
    keep_for: str | None = None
    view: str | None = None
    trash: str | None = None
    empty: bool | None = None
    limit: int | None = None
    percent: float | None = None
    within: str | None = None
    example: list[ExampleTable] = []


class FileTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    rule: list[RuleTable]


KEYS: dict[str, tuple[str, ...]] = {
    table.__name__: table.__struct_fields__
    for table in (FileTable, RuleTable, ExampleTable, GivenTable, ClientTable)
}
