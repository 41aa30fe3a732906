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

    def conceal(self, text: str) -> str:
        """The text with ``*`` where the password stood."""
        for form in self._forms:
            text = text.replace(form, "*" * len(form))
        return text


def _forms(password: str) -> set[str]:
    octets = password.encode("utf-8", "surrogateescape")
    escaped = password.replace("\\", "\\\\").replace('"', '\\"')
    found = {password, escaped, octets.decode("utf-8", "backslashreplace")}
    # Octets fall into base64's groups in three ways. What does not depend on the neighbours is looked for.
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + octets).rstrip(b"=").decode()
        start, end = -(-before * 8 // 6), (before + len(octets)) * 8 // 6
        if end - start >= 3:
            found.add(coded[start:end])
    return found
