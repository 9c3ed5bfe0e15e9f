"""Store the key pairs of a key group: rows, claims, the database's clock, lost races.

If several processes try a transition, the first one makes it, and the others
get :exc:`Claimed`. Nothing here calls CloudFront.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, OperationalError, connections, router, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.aws.key_groups import KeyGroups
from cfsigned_django.rotation.lifecycle import Blocker, Cause, KeyStatus, lacks_retirement_date
from cfsigned_django.rotation.models import REASON_LENGTH, KeyPair, primary_rows
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.signing.keys import PrivateKey


class RotationError(Exception):
    """A transition cannot be made; the message says what to do.

    ``is_temporary``: the same step may succeed later without any change.
    """

    def __init__(self, text: str, *, is_temporary: bool = False) -> None:
        super().__init__(text)
        self.is_temporary = is_temporary


class Claimed(RotationError):
    """Another process is doing, or has just done, the same step."""

    def __init__(self) -> None:
        text = _("Another process is doing this step. Look again in a minute.")
        super().__init__(text, is_temporary=True)


class Blocked(RotationError):
    """A guard of lifecycle.py forbids the transition, or it waits for a storage."""

    def __init__(self, key_pair: KeyPair, to: KeyStatus, blockers: list[Blocker]) -> None:
        is_temporary = all(each.cause is not Cause.NO_SUCH_MOVE for each in blockers)
        if is_temporary:
            text = _(
                "%(key)s cannot become %(to)s yet. The page in the admin, and manage.py "
                "cfsigned_rotate --dry-run, say what it is waiting for."
            )
        else:
            text = _("%(key)s is %(status)s and cannot become %(to)s. Do the step that is due now.")
        names = {"status": key_pair.status.upper(), "to": to.upper()}
        super().__init__(text % {"key": key_pair, **names}, is_temporary=is_temporary)
        self.key_pair: KeyPair = key_pair
        self.blockers: list[Blocker] = blockers


class Unfinished(RotationError):
    """A revocation is incomplete; ``cause`` is the error that stopped it."""

    def __init__(self, text: str, cause: Exception) -> None:
        is_temporary = isinstance(cause, AwsError | RotationError) and cause.is_temporary
        super().__init__(f"{text} {cause}", is_temporary=is_temporary)
        self.text: str = text
        self.cause: Exception = cause


def was_restored(key_pairs: Collection[KeyPair]) -> str:
    """Return that keys were missing from their key group and were added again."""
    if all(each.status == KeyStatus.TRUSTED for each in key_pairs):
        text = _(
            "Someone removed %(key)s from the key group. This has been undone, and its wait starts "
            "over. If Terraform or another program did it, let that ignore the keys of the group."
        )
    else:
        text = _(
            "Someone removed %(key)s from the key group, so links were refused. This has been "
            "undone. If Terraform or another program did it, let that ignore the keys of the "
            "group. If the key leaked, revoke it."
        )
    return text % {"key": ", ".join(map(str, key_pairs))}


def probe_error(key_pair: KeyPair, result: ProbeResult) -> RotationError:
    """Return the error of a probe that was answered in a way that waiting will not change."""
    if result is ProbeResult.UNRESTRICTED:
        text = _(
            "%(key)s cannot be probed: CloudFront answers a request without a signature like a "
            "signed one. Either signed URLs are not checked there: set Restrict viewer access, "
            "with the key group, in the cache behavior. Or the distribution does not have the "
            "domain of the storage: add it to the alternate domain names. Or a custom error page "
            "for 403 hides the answer: give it the status 403 or 404, upload a file named "
            ".cfsigned-probe to the folder of the storage, and try again in a minute."
        )
    elif result is ProbeResult.REFUSED:
        text = _(
            "A request signed with %(key)s was refused with 403, but neither by S3 nor because "
            "of its key. Does a WAF rule or a CloudFront function block unknown query "
            "parameters? Let it pass Expires, Policy, Signature, Key-Pair-Id and, which URLs "
            "signed with an ECDSA key have, Hash-Algorithm. Or does an origin other than S3 "
            "refuse the name .cfsigned-probe? It must answer 404."
        )
    else:
        text = _(
            "CloudFront refuses what %(key)s signs. Compare the public key that CloudFront has "
            "under this ID with this one: if it is another, correct the ID in the admin, or "
            "revoke this key and start a new rotation. And check the clock of this machine."
        )
    return RotationError(text % {"key": key_pair})


#: If the answer to a call is lost, CloudFront may take this long to list its effect.
SETTLE = timedelta(seconds=5)


def refuse_long(reason: str) -> None:
    """Raise :exc:`RotationError` if a row cannot hold the reason, before anything is done."""
    if len(reason) > REASON_LENGTH:
        text = _(
            "The reason has %(length)s characters, but at most %(most)s are recorded. Nothing was "
            "done. Shorten the reason."
        )
        raise RotationError(text % {"length": len(reason), "most": REASON_LENGTH})


# The clock that all machines of a site share

#: How each database returns the current time in UTC: not the time at which the
#: transaction began, which may be long ago.
_NOW_IN_UTC = {
    "postgresql": "SELECT clock_timestamp() AT TIME ZONE 'UTC'",
    "mysql": "SELECT UTC_TIMESTAMP(6)",
    "oracle": "SELECT SYS_EXTRACT_UTC(SYSTIMESTAMP) FROM DUAL",
}


def read_database_clock(using: str) -> datetime:
    """Return the time of the database; for SQLite, which runs here, that of this machine."""
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
    """The key pairs of one key group; transitions are recorded as made by ``changed_by``.

    Every write is committed when its method returns, because a call that
    cannot be undone may follow. A method that writes must therefore not be
    called in a transaction of the caller, such as one of ATOMIC_REQUESTS:
    Django raises RuntimeError.
    """

    key_group_id: str
    changed_by: str = ""
    #: For how many seconds one process has exclusive use of a step that calls CloudFront.
    claim_seconds: int = 60
    #: Called after each transition, inside its transaction.
    on_move: Callable[[KeyPair], None] = lambda key_pair: None
    #: Starts and ends the waits; every machine must read the same clock.
    clock: Callable[[], datetime] = read_clock

    @property
    def rows(self) -> QuerySet[KeyPair]:
        """Return the key pairs of all groups."""
        return primary_rows()

    def successor(self) -> KeyPair | None:
        """Return the key pair that will sign next, PENDING or TRUSTED, or None."""
        return self.rows.filter(next_in=self.key_group_id).first()

    def active(self) -> KeyPair | None:
        """Return the key pair that signs, or None."""
        return self.rows.filter(active_in=self.key_group_id).first()

    def find(self, name: str) -> KeyPair | None:
        """Return the key pair of the group with this name, or None.

        The name is its public key ID, what the list shows if it has none, the
        first 12 characters of the fingerprint, or its UUID.
        """
        for each in self.key_pairs():
            if name in (each.key_pair_id, str(each), each.fingerprint[:12], str(each.pk)):
                return each
        return None

    def key_pairs(self) -> list[KeyPair]:
        """Return the key pairs of the group, the newest first."""
        return list(self.rows.filter(key_group_id=self.key_group_id))

    def date_retirements(self, key_pairs: Iterable[KeyPair]) -> None:
        """Record when keys stopped signing, if the process that switched died before it did."""
        for key_pair in key_pairs:
            if lacks_retirement_date(key_pair.state):
                self.begin_retirement(key_pair)

    def begin_retirement(self, key_pair: KeyPair) -> None:
        """Record when a key stopped signing, once every process can see that it did.

        This is not part of the transaction that makes it stop: the commit may
        take long, and until then other processes find the key ACTIVE.
        """
        key_pair.retiring_at = self.clock()
        self.write(
            self.rows.filter(pk=key_pair.pk, retiring_at__isnull=True),
            retiring_at=key_pair.retiring_at,
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all or nothing. Raise :exc:`Claimed` if another process was faster."""
        try:
            with transaction.atomic(using=self.rows.db, durable=True):
                yield
        except OperationalError as error:
            if is_lost_race(error):
                raise Claimed from None
            raise

    def write(self, rows: QuerySet[KeyPair], **fields: Any) -> bool:
        """Update rows in their own transaction; return whether there were any."""
        with self.transaction():
            return bool(rows.update(**fields))

    def lock(self, key_pair: KeyPair) -> None:
        """Lock the group until the transaction ends, and reload the row."""
        # Lock by a write, not by a read: SQLite has no read locks, and fails at
        # once if two transactions have read and then both try to write.
        self.rows.filter(key_group_id=self.key_group_id).update(key_group_id=self.key_group_id)
        key_pair.refresh_from_db(using=self.rows.db)

    def create(
        self,
        private_key: PrivateKey,
        *,
        now: datetime,
        instead_of: KeyPair | None = None,
        **fields: Any,
    ) -> KeyPair:
        """Add a key pair. Raise :exc:`Claimed` if another process has added one.

        A key pair that is to sign ``instead_of`` another is not needed once a
        third one signs: raise :exc:`Claimed` in this case, too.
        """
        row = KeyPair.from_private_key(
            private_key,
            key_group_id=self.key_group_id,
            created_at=now,
            changed_by=self.changed_by,
            **fields,
        )
        try:
            with self.transaction():
                if instead_of is not None:
                    self.lock(instead_of)
                    if self.active() not in (None, instead_of):
                        raise Claimed
                row.save(force_insert=True, using=self.rows.db)
                self.on_move(row)
        except IntegrityError:
            raise Claimed from None
        return row

    def move(self, key_pair: KeyPair, to: KeyStatus, **fields: Any) -> None:
        """Record a transition, inside a transaction.

        Raise :exc:`Claimed` if another process has changed the state meanwhile.
        """
        fields = {"claimed_until": None, "changed_by": self.changed_by, "status": to, **fields}
        if not self.rows.filter(pk=key_pair.pk, status=key_pair.status).update(**fields):
            raise Claimed
        for name, value in fields.items():
            setattr(key_pair, name, value)
        self.on_move(key_pair)

    @contextmanager
    def claim(self, key_pair: KeyPair) -> Iterator[Claim]:
        """Keep other processes from taking the same step.

        A transition ends the claim. An exception or Ctrl-C releases the claim,
        after a few seconds if an answer may have been lost. If the process dies,
        the claim expires.
        """
        claim = Claim(store=self, key_pair=key_pair, status=KeyStatus(key_pair.status))
        claim.begin()
        try:
            yield claim
        except (Exception, KeyboardInterrupt) as error:
            is_refusal = isinstance(error, AwsError) and not error.is_temporary
            claim.give_back(timedelta() if is_refusal else SETTLE)
            raise


# Claims


def is_unclaimed(now: datetime) -> Q:
    """Return the condition that no process is taking a step of the key pair."""
    return Q(claimed_until=None) | Q(claimed_until__lte=now)


@dataclass(slots=True, kw_only=True)
class Claim:
    """A step of a key pair that only one process takes, for some seconds at a time."""

    store: KeyPairStore
    key_pair: KeyPair
    #: The state in which the step began.
    status: KeyStatus
    until: datetime | None = None

    @property
    def rows(self) -> QuerySet[KeyPair]:
        """Return the key pair, if it is still in the state in which the step began."""
        return self.store.rows.filter(pk=self.key_pair.pk, status=self.status)

    @property
    def own_rows(self) -> QuerySet[KeyPair]:
        """Return the key pair, if no other process has taken over the step."""
        return self.rows.filter(claimed_until=self.until)

    def begin(self) -> None:
        """Claim the step. Raise :exc:`Claimed` if another process has it."""
        now = self.store.clock()
        self._extend(self.rows.filter(is_unclaimed(now)), now)

    def renew(self) -> None:
        """Extend the claim; called before each call that may take long.

        Raise :exc:`Claimed` if another process has taken over the step, because
        this one was delayed for too long, or has changed the state.
        """
        self._extend(self.own_rows, self.store.clock())

    def before_each_call(self, api: KeyGroups) -> KeyGroups:
        """Return the calls to CloudFront, each of which renews the claim first."""
        return api.before_each_call(self.renew)

    def end(self, **fields: Any) -> bool:
        """Record the end of the step; return whether no other process had taken it over."""
        return self.store.write(self.own_rows, claimed_until=None, **fields)

    def give_back(self, settle: timedelta) -> None:
        """Let other processes try the step after ``settle``."""
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
#: SQLite: also extended codes such as SQLITE_BUSY_SNAPSHOT.
_SQLITE_NAMES = ("SQLITE_BUSY", "SQLITE_LOCKED")


def is_lost_race(error: OperationalError) -> bool:
    """Return whether another process was faster, so that a retry may succeed."""
    cause: Any = error.__cause__
    if getattr(cause, "sqlite_errorname", "").startswith(_SQLITE_NAMES):
        return True
    if getattr(cause, "sqlstate", None) in _SQLSTATES:
        return True
    return bool(error.args) and error.args[0] in _MYSQL_CODES
