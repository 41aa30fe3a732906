"""The real servers as pytest fixtures: started when first asked for, ended with the run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.cyrus import Cyrus, cyrus_running
from tests.servers.dovecot import Dovecot, dovecot_running
from tests.servers.exim import Exim, exim_running
from tests.servers.postfix import Postfix, postfix_running
from tests.servers.postgres import Postgres, postgres_running


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """Dovecot: IMAP and POP3."""
    with dovecot_running() as server:
        yield server


@pytest.fixture(scope="session")
def postfix(dovecot: Dovecot) -> Iterator[Postfix]:
    """Postfix, delivering to ``dovecot``."""
    with postfix_running(dovecot) as server:
        yield server


@pytest.fixture(scope="session")
def exim() -> Iterator[Exim]:
    """Exim: the second SMTP server."""
    with exim_running() as server:
        yield server


@pytest.fixture(scope="session")
def cyrus() -> Iterator[Cyrus]:
    """Cyrus: the second IMAP and POP3 server."""
    with cyrus_running() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """PostgreSQL, for the store."""
    with postgres_running() as server:
        yield server
