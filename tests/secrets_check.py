"""Looks for passwords in whatever a process has written, also as base64 hides them."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterable
from pathlib import Path

from tests.servers.endpoints import Account


def assert_no_secrets(folder: Path, accounts: Iterable[Account]) -> None:
    """No file in or below ``folder`` holds a password of one of the accounts."""
    leaks = leaked(folder, accounts)
    assert not leaks, f"passwords were written: {leaks}"


def leaked(folder: Path, accounts: Iterable[Account]) -> list[str]:
    """Which file holds whose password; the passwords themselves are not told."""
    known = list(accounts)
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = _octets(path)
            found += [
                f"{path.relative_to(folder)}: {account.user}'s"
                for account in known
                if any(form in data for form in forms(account.password.encode()))
            ]
    return found


def _octets(path: Path) -> bytes:
    """What is in a file, unpacked where it is compressed."""
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def forms(password: bytes) -> list[bytes]:
    """The password as it is, and as base64 has it wherever it stands in what was encoded.

    Of the three ways in which octets fall into base64's groups (AUTH PLAIN puts two names
    before the password), the characters that do not depend on the neighbours are taken.
    """
    found = [password]
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + password).rstrip(b"=")
        skip = -(-before * 8 // 6)
        end = (before + len(password)) * 8 // 6
        found.append(coded[skip:end])
    return found
