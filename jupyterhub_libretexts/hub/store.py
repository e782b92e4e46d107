"""What this package keeps for itself: the waiting line, and who held what when.

A small SQLite file beside the hub's own, or the hub's PostgreSQL: both outlive a restart of the hub.
Where the hub's database is in memory, so is this. Rows are few and small, so requests are made in the
event loop, as JupyterHub makes its own.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import StaticPool

from jupyterhub_libretexts.hub.database import is_local, sqlite_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["DATABASES", "INTERVALS", "WAITING", "Row", "Store", "store_url"]

Row = tuple[sql.Executable, dict[str, Any]]
"""A statement that was made once, and the values of one row."""

FILE = "jupyterhub-libretexts.sqlite"
DATABASES = frozenset({"sqlite", "postgresql"})
"""Kinds of database that the tables can be in."""

_TABLES = sql.MetaData()

WAITING = sql.Table(
    "libretexts_waiting",
    _TABLES,
    sql.Column("number", sql.Integer, primary_key=True, autoincrement=True),
    sql.Column("username", sql.String(255), nullable=False),
    sql.Column("server", sql.String(255), nullable=False, default=""),
    sql.Column("organization", sql.String(63), nullable=False),
    sql.Column("gpu", sql.String(63), nullable=False),
    sql.Column("options", sql.JSON, nullable=False),
    sql.Column("groups", sql.JSON, nullable=False),
    sql.Column("email", sql.String(254)),
    sql.Column("joined", sql.Float, nullable=False),
    sql.Column("seen", sql.Float, nullable=False),
    sql.Column("called", sql.Float),
    sql.Column("lost", sql.Float),
    sql.Column("reason", sql.Text, nullable=False, default=""),
    sql.UniqueConstraint("username", "gpu"),
    # Numbers of those who left are not given again: they order who came first.
    sqlite_autoincrement=True,
)

INTERVALS = sql.Table(
    "libretexts_intervals",
    _TABLES,
    sql.Column("uid", sql.String(64), primary_key=True),
    sql.Column("username", sql.String(255), nullable=False),
    sql.Column("organization", sql.String(63), nullable=False),
    sql.Column("course", sql.String(127)),
    sql.Column("environment", sql.String(63), nullable=False),
    sql.Column("gpu", sql.String(63)),
    sql.Column("gpus", sql.Integer, nullable=False),
    sql.Column("cpu", sql.Float, nullable=False),
    sql.Column("memory", sql.BigInteger, nullable=False),
    sql.Column("started", sql.Float, nullable=False, index=True),
    sql.Column("ended", sql.Float, index=True),
    sql.Column("seen", sql.Float, nullable=False),
)


def store_url(hub_url: str) -> str:
    """Where this package keeps its own, by the address of the hub's database."""
    file = sqlite_file(hub_url)
    if file is not None:
        return f"sqlite:///{file.with_name(FILE)}"
    return "sqlite://" if hub_url.startswith("sqlite") else hub_url


class Store:
    """The tables, opened when they are first used; a file is made when something is first written.

    Args:
        url: SQLAlchemy's address of the database; ``sqlite://`` keeps everything in memory.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._file = sqlite_file(url)

    def open(self) -> None:
        """Open it now.

        Raises:
            SQLAlchemyError: It cannot be opened.
            ImportError: The program that speaks to this kind of database is not installed.
        """
        _ = self._engine

    @cached_property
    def _engine(self) -> sql.Engine:
        options: dict[str, Any] = {}
        if self._url.startswith("sqlite"):
            options = {"connect_args": {"check_same_thread": False}, "poolclass": StaticPool}
        engine = sql.create_engine(self._url, **options)
        if self._file is not None and is_local(self._file):
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                connection.exec_driver_sql("PRAGMA synchronous=NORMAL")
        _TABLES.create_all(engine)
        return engine

    def rows(self, statement: sql.Select[Any]) -> list[dict[str, Any]]:
        """What a question is answered with."""
        if self._file is not None and not self._file.exists():
            # A command that only looks at a hub's configuration leaves no file behind.
            return []
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def upsert(self, table: sql.Table, key: str, again: Sequence[str]) -> sql.Executable:
        """The statement that puts in a row, or changes the one that has its key.

        Args:
            table: Where.
            key: Name of the column that is the key.
            again: Names of the columns that are changed where it is there already.
        """
        dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        made = dialect.insert(table)
        statement: sql.Executable = made.on_conflict_do_update(
            index_elements=[key], set_={name: made.excluded[name] for name in again}
        )
        return statement

    def write(self, *changes: sql.Executable | Row) -> None:
        """Change all of it or nothing."""
        with self._engine.begin() as connection:
            for change in changes:
                statement, values = change if isinstance(change, tuple) else (change, None)
                connection.execute(statement, values)

    def add(self, table: sql.Table, values: Mapping[str, Any]) -> int:
        """Put in a row and return its number."""
        with self._engine.begin() as connection:
            made = connection.execute(table.insert().values(**values))
            key = made.inserted_primary_key
            return int(key[0]) if key is not None and str(key[0]).isdecimal() else 0

    def close(self) -> None:
        """Let go of the database."""
        if "_engine" in self.__dict__:
            self._engine.dispose()
