"""What a StoreError says."""

from __future__ import annotations

from mailproxy.store.errors import StoreError


def test_it_says_where_why_and_what_to_do() -> None:
    error = StoreError("/srv/mail.db", "this is no folder", "name another one")
    assert str(error) == "/srv/mail.db: this is no folder; name another one"
    assert (error.place, error.cause, error.next_step) == (
        "/srv/mail.db",
        "this is no folder",
        "name another one",
    )
