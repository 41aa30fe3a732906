"""Who logs in when a capture is replayed, and how the password stays out of everything that is shown."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Account:
    """A user and the password; for XOAUTH2 and OAUTHBEARER the password is the token."""

    user: str
    password: str = field(repr=False)


class Secrets:
    """Finds a password in what a server said, also in the form that base64 gives it."""

    __slots__ = ("_forms",)

    def __init__(self, account: Account | None) -> None:
        password = account.password if account is not None else ""
        self._forms = sorted(_forms(password), key=len, reverse=True) if password else []

    def __repr__(self) -> str:
        return "<Secrets>"

    def veil(self, octets: bytes) -> bytes:
        """The octets with ``*`` where the password stood."""
        for form in self._forms:
            octets = octets.replace(form, b"*" * len(form))
        return octets

    def conceal(self, text: str) -> str:
        """The same of a text."""
        return self.veil(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def _forms(password: str) -> set[bytes]:
    octets = password.encode("utf-8", "surrogateescape")
    escaped = octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    found = {octets, escaped, octets.decode("utf-8", "backslashreplace").encode()}
    # Octets fall into base64's groups in three ways. What does not depend on the neighbours is looked for.
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + octets).rstrip(b"=")
        start, end = -(-before * 8 // 6), (before + len(octets)) * 8 // 6
        if end - start >= 3:
            found.add(coded[start:end])
    return found
