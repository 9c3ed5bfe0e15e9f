"""Read the one clock that all machines of a site share: the database's.

Waits begin on one machine and end on another, whose clocks differ.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connections
from django.utils import timezone

#: What each database calls the present moment in UTC: not that of the
#: transaction's begin, which may be long ago.
_NOW_IN_UTC = {
    "postgresql": "SELECT clock_timestamp() AT TIME ZONE 'UTC'",
    "mysql": "SELECT UTC_TIMESTAMP(6)",
    "oracle": "SELECT SYS_EXTRACT_UTC(SYSTIMESTAMP) FROM DUAL",
}


def read_database_clock(using: str) -> datetime:
    """Return the database's time; this machine's where it lives here, as SQLite does."""
    connection = connections[using]
    sql = _NOW_IN_UTC.get(connection.vendor)
    if sql is None:
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(sql)
        moment: datetime = cursor.fetchone()[0]
    return moment.replace(tzinfo=UTC)
