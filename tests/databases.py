"""Say which database the tests use: SQLite in memory, or a server that somebody names."""

from __future__ import annotations

import importlib
import os
from typing import Any
from urllib.parse import unquote, urlsplit

#: Names a server: postgresql://user@127.0.0.1:5432/name or mysql://...; scripts/postgres.sh and
#: scripts/mariadb.sh start one and set it.
VARIABLE = "CFSIGNED_TEST_DATABASE_URL"

_ENGINES = {
    "postgresql": "django.db.backends.postgresql",
    "mysql": "django.db.backends.mysql",
}


def databases(url: str | None = None) -> dict[str, dict[str, Any]]:
    """Return Django's DATABASES for a URL, else for that of the environment, else SQLite."""
    url = url or os.environ.get(VARIABLE)
    if not url:
        return {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
    parts = urlsplit(url)
    if parts.scheme not in _ENGINES:
        raise ValueError(f"{VARIABLE} begins with {parts.scheme}:, not with one of {[*_ENGINES]}.")
    if parts.scheme == "mysql":
        _stand_in_for_mysqlclient()
    return {
        "default": {
            "ENGINE": _ENGINES[parts.scheme],
            "HOST": parts.hostname or "",
            "PORT": parts.port or "",
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "NAME": unquote(parts.path.removeprefix("/")),
        }
    }


def _stand_in_for_mysqlclient() -> None:
    # PyMySQL needs no compiler and no header files; not every environment of the tests has it.
    importlib.import_module("pymysql").install_as_MySQLdb()
