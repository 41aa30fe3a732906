"""Fixtures that several folders share."""

from __future__ import annotations

from tests.servers.fixtures import cyrus, dovecot, exim, postfix, postgres

__all__ = ["cyrus", "dovecot", "exim", "postfix", "postgres"]
