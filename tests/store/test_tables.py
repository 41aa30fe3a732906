"""The tables as the code sees them are those that the steps of ``versions.py`` make."""

from __future__ import annotations

from sqlalchemy import Inspector, Table, UniqueConstraint, inspect

from mailproxy.store.database import Database
from mailproxy.store.migrations import migrate
from mailproxy.store.tables import TABLES


def described(table: Table) -> object:
    unique = [
        sorted(column.name for column in constraint.columns)
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    ]
    columns = {column.name: (column.type.python_type, column.nullable) for column in table.columns}
    references = [(key.parent.name, key.target_fullname) for key in table.foreign_keys]
    return columns, [column.name for column in table.primary_key], unique, references


def found(inspector: Inspector, name: str) -> object:
    keys = inspector.get_pk_constraint(name)["constrained_columns"]
    columns = {
        # SQLite's INTEGER PRIMARY KEY is never NULL, though it is not declared so
        column["name"]: (column["type"].python_type, column["nullable"] and column["name"] not in keys)
        for column in inspector.get_columns(name)
    }
    unique = [sorted(constraint["column_names"]) for constraint in inspector.get_unique_constraints(name)]
    references = [
        (column, f"{key['referred_table']}.{other}")
        for key in inspector.get_foreign_keys(name)
        for column, other in zip(key["constrained_columns"], key["referred_columns"], strict=True)
    ]
    return columns, keys, unique, references


def test_every_table_is_as_the_steps_made_it(database: Database) -> None:
    migrate(database)
    with database.reading() as connection:
        inspector = inspect(connection)
        assert set(inspector.get_table_names()) == {*TABLES.tables, "mailproxy_schema"}
        for name, table in TABLES.tables.items():
            assert found(inspector, name) == described(table), name
