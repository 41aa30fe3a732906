"""The steps from version to version."""

from __future__ import annotations

from sqlalchemy import inspect

from mailproxy.store.database import Database
from mailproxy.store.versions import STEPS, run


def test_each_step_follows_the_one_before(database: Database) -> None:
    with database.writing() as connection:
        for step in STEPS:
            before = set(inspect(connection).get_table_names())
            step(connection)
            assert set(inspect(connection).get_table_names()) != before


def test_run_puts_in_the_types_of_the_database(database: Database) -> None:
    with database.writing() as connection:
        run(connection, "CREATE TABLE a (id {number}, b {octets}, c {real}); CREATE TABLE d (e {whole})")
        columns = {
            column["name"]: column["type"].python_type for column in inspect(connection).get_columns("a")
        }
        assert columns == {"id": int, "b": bytes, "c": float}
        assert inspect(connection).has_table("d")
