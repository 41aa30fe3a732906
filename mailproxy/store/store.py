"""All tables of one store."""

from __future__ import annotations

from mailproxy.guards.memory import MemoryFailed
from mailproxy.store.address import open_database
from mailproxy.store.archive_index import ArchiveIndex
from mailproxy.store.audit import Audit
from mailproxy.store.brakes import BrakesTable
from mailproxy.store.database import Database
from mailproxy.store.errors import StoreError
from mailproxy.store.kept import KeptMailTable
from mailproxy.store.lifts import Lifts
from mailproxy.store.migrations import migrate
from mailproxy.store.usage import Usage

_NEXT_STEP = {
    "sqlite": "check that its disk has room, and that the user mailproxy runs as may write to it",
    "postgresql": "check that PostgreSQL runs there, and the user, password and database in the store's url",
}


class Store:
    """A store that is open and of this version. Blocking; for any number of threads.

    ``url`` is ``sqlite:////folder/file.db`` or ``postgresql://user:password@host/database``. Each process
    makes its own: an open store does not survive a fork.

    Raises:
        StoreError: it cannot be opened, or not be brought to this version.
    """

    def __init__(self, url: str) -> None:
        self._database = _current(url)
        self.kept = KeptMailTable(self._database)
        self.brakes = BrakesTable(self._database)
        self.lifts = Lifts(self._database)
        self.archive = ArchiveIndex(self._database)
        self.usage = Usage(self._database)
        self.audit = Audit(self._database)

    def close(self) -> None:
        """Closes all connections; whatever is called afterwards raises MemoryFailed."""
        self._database.close()


def _current(url: str) -> Database:
    database = open_database(url)
    try:
        migrate(database)
    except StoreError:
        database.close()
        raise
    except MemoryFailed as error:
        database.close()
        raise StoreError(database.place, str(error), _NEXT_STEP[database.kind]) from error
    return database
