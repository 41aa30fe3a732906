"""What a proxy's store has, read beside the proxy."""

from __future__ import annotations

from mailproxy.store.store import Store
from tests.servers.endpoints import Account


def kept_for(url: str, account: Account) -> list[bytes]:
    """The UIDLs of the user's kept messages, as often as the store has them."""
    store = Store(url)
    try:
        return [row.uidl for row in store.kept.listing(user=account.user)]
    finally:
        store.close()
