"""Store the key pairs of a key group: rows, claims, the database's clock, lost races.

Of several processes, the first one makes a transition; the others are told so.
Nothing here calls CloudFront.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, OperationalError, connections, router, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.encryption import CannotUnseal, reseal
from cfsigned_django.rotation.errors import Claimed, RotationError
from cfsigned_django.rotation.lifecycle import KeyStatus, lacks_retirement_date
from cfsigned_django.rotation.models import REASON_LENGTH, KeyPair
from cfsigned_django.signing import PrivateKey

#: CloudFront may take a moment to list what a call did whose answer was lost.
SETTLE = timedelta(seconds=5)


def refuse_long(reason: str) -> None:
    """Raise :exc:`RotationError` for a reason that no row can hold: before anything is done."""
    if len(reason) > REASON_LENGTH:
        text = _(
            "The reason has %(length)s characters, and %(most)s are recorded at most. Nothing was "
            "done: say it in fewer."
        )
        raise RotationError(text % {"length": len(reason), "most": REASON_LENGTH})


# The clock that all machines of a site share

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


def read_clock() -> datetime:
    """Return the time of the database that holds the key pairs."""
    return read_database_clock(router.db_for_write(KeyPair))


# Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPairStore:
    """The key pairs of one key group, and the transitions that ``changed_by`` records.

    Every write is committed when its method returns: what comes after it may
    be a call that cannot be undone. So none may be made in a transaction of
    the caller's, such as ATOMIC_REQUESTS opens; Django raises RuntimeError.
    """

    key_group_id: str
    changed_by: str = ""
    #: How long one process has a call to CloudFront to itself.
    claim_seconds: int = 60
    #: Called after each transition, inside its transaction.
    on_move: Callable[[KeyPair], None] = lambda key_pair: None
    #: Waits begin and end by it; every machine must read the same.
    clock: Callable[[], datetime] = read_clock

    @property
    def rows(self) -> QuerySet[KeyPair]:
        """Return the key pairs of all groups, read where they are written: a replica may lag."""
        return KeyPair.objects.using(router.db_for_write(KeyPair))

    def successor(self) -> KeyPair | None:
        """Return the key pair that will sign next: PENDING or TRUSTED."""
        return self.rows.filter(next_in=self.key_group_id).first()

    def active(self) -> KeyPair | None:
        """Return the key pair that signs."""
        return self.rows.filter(active_in=self.key_group_id).first()

    def find(self, name: str) -> KeyPair | None:
        """Return the key pair of the group that is called so.

        That is its id, or where it has none: what the listing shows, the
        begin of the fingerprint there, or its uuid.
        """
        for each in self.key_pairs():
            if name in (each.key_pair_id, str(each), each.fingerprint[:12], str(each.pk)):
                return each
        return None

    def key_pairs(self) -> list[KeyPair]:
        """Return the key pairs of the group, the newest first."""
        return list(self.rows.filter(key_group_id=self.key_group_id))

    def date_retirements(self, key_pairs: Iterable[KeyPair]) -> None:
        """Date the end of signing for processes that died before they did."""
        for key_pair in key_pairs:
            if lacks_retirement_date(key_pair.state):
                self.begin_retirement(key_pair)

    def begin_retirement(self, key_pair: KeyPair) -> None:
        """Date the end of a key's signing, after every process can see it.

        Never in the transaction that ends it: a commit may take long, and
        until then processes find the key ACTIVE.
        """
        key_pair.retiring_at = self.clock()
        self.write(
            self.rows.filter(pk=key_pair.pk, retiring_at__isnull=True),
            retiring_at=key_pair.retiring_at,
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all or nothing. Raise :exc:`Claimed` where another process won."""
        try:
            with transaction.atomic(using=self.rows.db, durable=True):
                yield
        except OperationalError as error:
            if is_lost_race(error):
                raise Claimed from None
            raise

    def write(self, rows: QuerySet[KeyPair], **fields: Any) -> bool:
        """Write into rows, in a transaction of its own; tell whether there were any."""
        with self.transaction():
            return bool(rows.update(**fields))

    def lock(self, key_pair: KeyPair) -> None:
        """Keep other processes from the group until the transaction ends, and read the row anew."""
        # Written and not read: SQLite has no locks for reading, and gives up
        # at once where two transactions have read and both want to write.
        self.rows.filter(key_group_id=self.key_group_id).update(key_group_id=self.key_group_id)
        key_pair.refresh_from_db(using=self.rows.db)

    def create(self, private_key: PrivateKey, *, now: datetime, **fields: Any) -> KeyPair:
        """Add a key pair. Raise :exc:`Claimed` where another process has added one."""
        row = KeyPair.from_private_key(
            private_key,
            key_group_id=self.key_group_id,
            created_at=now,
            changed_by=self.changed_by,
            **fields,
        )
        try:
            with self.transaction():
                row.save(force_insert=True, using=self.rows.db)
                self.on_move(row)
        except IntegrityError:
            raise Claimed from None
        return row

    def move(self, key_pair: KeyPair, to: KeyStatus, **fields: Any) -> None:
        """Record a move, inside a transaction.

        Raise :exc:`Claimed` where another process has moved the key meanwhile.
        """
        fields = {"claimed_until": None, "changed_by": self.changed_by, "status": to, **fields}
        if not self.rows.filter(pk=key_pair.pk, status=key_pair.status).update(**fields):
            raise Claimed
        for name, value in fields.items():
            setattr(key_pair, name, value)
        self.on_move(key_pair)

    @contextmanager
    def claim(self, key_pair: KeyPair) -> Iterator[Claim]:
        """Keep other processes from the same step until this one is done or dead.

        A move ends the claim, an exception gives it back (in a few seconds
        where an answer may have been lost), and the death of the process
        leaves it to run out.
        """
        claim = Claim(store=self, key_pair=key_pair, status=KeyStatus(key_pair.status))
        claim.begin()
        try:
            yield claim
        except Exception as error:
            is_refusal = isinstance(error, AwsError) and not error.is_temporary
            claim.give_back(timedelta() if is_refusal else SETTLE)
            raise


# Claims


def is_unclaimed(now: datetime) -> Q:
    """Return the condition that no process is at a step of the key pair."""
    return Q(claimed_until=None) | Q(claimed_until__lte=now)


@dataclass(slots=True, kw_only=True)
class Claim:
    """A step of a key pair that one process has to itself, for some seconds at a time."""

    store: KeyPairStore
    key_pair: KeyPair
    #: The state in which the step began.
    status: KeyStatus
    until: datetime | None = None

    @property
    def rows(self) -> QuerySet[KeyPair]:
        """Return the key pair, as long as it is in the state in which the step began."""
        return self.store.rows.filter(pk=self.key_pair.pk, status=self.status)

    @property
    def own_rows(self) -> QuerySet[KeyPair]:
        """Return the key pair, as long as no other process has taken the step."""
        return self.rows.filter(claimed_until=self.until)

    def begin(self) -> None:
        """Take the step. Raise :exc:`Claimed` where another process has it."""
        now = self.store.clock()
        self._extend(self.rows.filter(is_unclaimed(now)), now)

    def renew(self) -> None:
        """Keep the step for as long again: to be called before each call that takes long.

        Raise :exc:`Claimed` where another process took the step, since this
        one was held up for too long, or has moved the key pair.
        """
        self._extend(self.own_rows, self.store.clock())

    def before_each_call(self, api: KeyGroups) -> KeyGroups:
        """Return the calls to CloudFront, each of which looks first whether the step is its own."""
        return api.before_each_call(self.renew)

    def end(self, **fields: Any) -> bool:
        """Write what ends the step; return whether no other process had taken it."""
        return self.store.write(self.own_rows, claimed_until=None, **fields)

    def give_back(self, settle: timedelta) -> None:
        """Let others try the step, after a moment."""
        if self.until is not None:
            settled = min(self.until, self.store.clock() + settle)
            self.store.write(self.own_rows, claimed_until=settled)

    def _extend(self, rows: QuerySet[KeyPair], now: datetime) -> None:
        until = now + timedelta(seconds=self.store.claim_seconds)
        if not self.store.write(rows, claimed_until=until):
            raise Claimed
        self.until = until


# Lost races

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


# Encryption keys that changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealing:
    """What became of the private keys, or would become of them."""

    #: What was sealed with the newest encryption key.
    sealed: list[KeyPair]
    #: What no encryption key of the settings opens.
    closed: list[KeyPair]
    #: What the settings lack to open those.
    problem: str = ""


def reseal_all(*, dry_run: bool = False) -> Resealing:
    """Seal every private key with the newest encryption key; one that stays closed stops none."""
    rows = KeyPair.objects.using(router.db_for_write(KeyPair))
    sealed, closed, problem = [], [], ""
    for row in rows.exclude(encrypted_private_key=""):
        former = row.encrypted_private_key
        try:
            anew = reseal(former)
        except CannotUnseal as error:
            closed.append(row)
            problem = str(error)
            continue
        sealed.append(row)
        if not dry_run:
            # Only if nobody erased or resealed it meanwhile.
            rows.filter(pk=row.pk, encrypted_private_key=former).update(encrypted_private_key=anew)
    return Resealing(sealed=sealed, closed=closed, problem=problem)
