"""Tell a lost race in the database from a database that fails."""

from __future__ import annotations

from typing import Any

from django.db import OperationalError

#: PostgreSQL: serialization failure, deadlock, lock not available.
_SQLSTATES = frozenset({"40001", "40P01", "55P03"})
#: MySQL and MariaDB: lock wait timeout, deadlock, record changed since the last read.
_MYSQL_CODES = frozenset({1205, 1213, 1020})
#: SQLite: with extensions such as SQLITE_BUSY_SNAPSHOT.
_SQLITE_NAMES = ("SQLITE_BUSY", "SQLITE_LOCKED")


def is_lost_race(error: OperationalError) -> bool:
    """Tell whether another process was quicker: the same again may succeed."""
    cause: Any = error.__cause__
    if getattr(cause, "sqlite_errorname", "").startswith(_SQLITE_NAMES):
        return True
    if getattr(cause, "sqlstate", None) in _SQLSTATES:
        return True
    return bool(error.args) and error.args[0] in _MYSQL_CODES
