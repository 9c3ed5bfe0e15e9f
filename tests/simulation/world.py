"""Put together what a simulated site consists of: time, a database, CloudFront, and who is there.

Real are the rotation and its steps, the keyring, the AWS calls, signing, the
verifier, Django's ORM and SQLite. Simulated are time, CloudFront with its
edges, the network, and the processes: threads of which one runs at a time,
over one database connection, held at each call and each query outside of a
transaction. A transaction is thus never interrupted, except by the death of
its process; how real databases isolate them is for other tests.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from math import inf
from random import Random
from threading import Semaphore, Thread
from typing import Any, Final, Self

from django.db import OperationalError, connection, connections

from cfsigned_django.core.aws.key_groups import KeyGroups
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey, PublicKey, Signer
from tests.core.aws import Account
from tests.simulation.edges import Edges
from tests.simulation.faults import Fault, Killed, UnreliableCloudFront, random_faults
from tests.simulation.oracle import Oracle
from tests.simulation.schedules import SKEW, Plan
from tests.simulation.strict_cloudfront import KEYS_PER_GROUP, StrictCloudFront

_START = 1_800_000_000.0
#: The keys of others, made once.
_KEYS: Final = [PrivateKey.generate() for _ in range(50)]


class Process:
    """A place where one program runs at a time, in a thread that shares the database connection.

    The thread runs only while :meth:`begin` or :meth:`resume` waits for it, so
    that a schedule can be repeated exactly.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        #: Whether a program is in the midst of its run.
        self.is_held = False
        # Each is released by one thread when the other one's turn comes.
        self._go, self._back = Semaphore(0), Semaphore(0)
        self._connection = connections["default"]
        self._error: BaseException | None = None
        self._is_killed = False

    def begin(self, program: Callable[[], None]) -> None:
        """Run a program until it ends or is held; raise what it raised."""
        Thread(target=self._run, args=(program,)).start()
        self._wait()

    def resume(self, *, kill: bool = False) -> None:
        """Go on with the program, or make it die, where it was held."""
        self._is_killed = kill
        self._go.release()
        self._wait()

    def hold(self) -> None:
        """Hold the program that calls this, until it is resumed. Raise :exc:`Killed` if it dies."""
        self.is_held = True
        self._back.release()
        self._go.acquire()
        self.is_held = False
        if self._is_killed:
            raise Killed

    def _run(self, program: Callable[[], None]) -> None:
        connections["default"] = self._connection
        try:
            program()
        except Killed:
            pass
        except BaseException as error:
            self._error = error
        self._back.release()

    def _wait(self) -> None:
        self._back.acquire()
        error, self._error = self._error, None
        if error is not None:
            raise error


class World:
    """One simulated site, for one schedule. Use it as a context manager."""

    def __init__(self, plan: Plan, random: Random) -> None:
        self.plan, self.random = plan, random
        self.now = _START + random.choice((0, 0.5, random.random()))
        #: What happened, to be read.
        self.log: list[str] = []
        self._numbers = itertools.count(1)
        self._keys = itertools.cycle(_KEYS)
        self.oracle = Oracle(plan.waits.propagation)
        self._database_skew = random.choice((-SKEW, 0, SKEW))
        self.cloudfront = StrictCloudFront(clock=lambda: self.now, list_lag=plan.list_lag)
        self._account = Account(api=self.cloudfront)
        self.foreign: list[str] = []
        self.settings_signer: Signer | None = None
        self.key_group_id = self._make_group()
        #: The first of them is the API as if it were an edge that learns at once.
        self.edges = Edges(
            self.cloudfront,
            self.key_group_id,
            count=1 + plan.edges,
            delay=self._delay,
            clock=lambda: self.now,
        )
        #: Since when the group has been full, if it is, and when it was so last.
        self.full_since, self.full_until = inf, -inf
        self.cloudfront.listen(self._see_members)
        #: By how many seconds the clock of each goes before.
        self.edge_skews = [0, *(random.choice((-SKEW, 0, SKEW)) for _ in range(plan.edges))]
        self.running: Process | None = None
        #: Whether a transaction is about to be committed, and others do not see it yet.
        self.is_committing = False
        self._api_down_until = _START
        #: Whether nothing goes wrong any more.
        self.is_calm = False
        #: Whether viewers need no signature, so that no probe says anything.
        self.is_open = False
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        KeyPair.objects.all().delete()
        self._cleanup.enter_context(connection.execute_wrapper(self._at_query))
        return self

    def __exit__(self, *error: object) -> None:
        self._cleanup.close()

    def note(self, text: str) -> None:
        """Write down what happens: it explains why a schedule failed."""
        self.log.append(f"{self.now - _START:10.1f} {text}")

    def pass_time(self, seconds: float) -> None:
        """Move the clock of every program."""
        self.now += seconds

    def database_clock(self) -> datetime:
        """Return the database's time."""
        return datetime.fromtimestamp(self.now + self._database_skew, UTC)

    def true_time(self, moment: datetime) -> float:
        """Return when the database's clock shows a moment."""
        return moment.timestamp() - self._database_skew

    def key_groups(self) -> KeyGroups:
        """Return the AWS calls of one process: over a network that fails."""
        faults = random_faults(self.random, self.plan.faults)

        def choose(method: str) -> Fault:
            if self.is_calm:
                return Fault.NONE
            fault = Fault.UNREACHABLE if self.now < self._api_down_until else faults(method)
            if fault is not Fault.NONE:
                self.note(f"  {method}: {fault.value}")
            return fault

        unreliable = UnreliableCloudFront(
            self.cloudfront, choose_fault=choose, boundary=self._at_call
        )
        return KeyGroups(unreliable, sleep=self.pass_time, jitter=self.random.random)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Do what the process that runs has no part in, and cannot be held or die at."""
        running, self.running = self.running, None
        try:
            yield
        finally:
            self.running = running

    def run(self, process: Process, program: Callable[[], None] | None, *, kill: bool) -> None:
        """Begin a program in a process, or go on with its own, or make it die."""
        self.running = process
        try:
            if program is not None:
                process.begin(program)
            else:
                self.note(f"{process.name} {'is killed' if kill else 'goes on'}")
                process.resume(kill=kill)
        finally:
            self.running = None

    def lose_api(self, seconds: float) -> None:
        """Make AWS unreachable for a while."""
        self._api_down_until = self.now + seconds
        self.note(f"AWS is out of reach for {seconds} s")

    def add_foreign_key(self) -> None:
        """Put a key into the group, as another person does."""
        members = self.members()
        if len(members) < KEYS_PER_GROUP and len(self.foreign) < KEYS_PER_GROUP:
            key_pair_id = self._upload(next(self._keys), f"foreign-{next(self._numbers)}")
            self._account.set_members(self.key_group_id, *members, key_pair_id)
            self.foreign.append(key_pair_id)
            self.note(f"{key_pair_id} of somebody else is in the group")

    def fill_group(self) -> None:
        """Fill the group with keys, as another person does."""
        while len(self.members()) < KEYS_PER_GROUP and len(self.foreign) < KEYS_PER_GROUP:
            self.add_foreign_key()

    def remove_foreign_key(self) -> None:
        """Remove another person's key, unless it is the last one in the group."""
        if self.foreign and len(self.members()) > 1:
            key_pair_id = self.foreign.pop()
            self.take_out(key_pair_id)
            self._account.delete(key_pair_id)
            self.note(f"{key_pair_id} of somebody else is gone")

    def open_or_close(self) -> None:
        """Remove the restriction to signed URLs, or restore it, as a person does."""
        self.is_open = not self.is_open
        self.note("No signature is needed" if self.is_open else "A signature is needed")

    def members(self) -> list[str]:
        """Return the ids in the group, as the API has them."""
        return list(self.cloudfront.trusted_keys(self.key_group_id))

    def take_out(self, key_pair_id: str) -> None:
        """Take a key out of the group by hand, between two calls of the code under test."""
        left = [each for each in self.members() if each != key_pair_id]
        if left:  # CloudFront keeps the last one
            self._account.set_members(self.key_group_id, *left)

    def _see_members(self, key_group_id: str, members: Mapping[str, PublicKey]) -> None:
        if len(members) < KEYS_PER_GROUP:
            if self.full_since != inf:
                self.full_until = self.now
            self.full_since = inf
        elif self.full_since == inf:
            self.full_since = self.now
            self.note("The group is full")
        self.oracle.see_members(set(members), self.foreign, self.now)

    def _make_group(self) -> str:
        if not (self.plan.is_alone and self.plan.has_settings_key):
            self.foreign.append(self._upload(next(self._keys), "foreign"))
        members = [*self.foreign]
        if self.plan.has_settings_key:
            private_key = next(self._keys)
            name = self._upload(private_key, "settings")
            self.settings_signer = Signer(key_pair_id=name, private_key=private_key)
            members.append(name)
        return self._account.make_group(*members)

    def _upload(self, private_key: PrivateKey, name: str) -> str:
        return self._account.upload(name, private_key.public_key.to_pem())

    def _delay(self, edge: int) -> float:
        longest = self.plan.waits.propagation
        return edge and self.random.choice((0.0, longest, self.random.uniform(0, longest)))

    def _at_call(self, method: str, side: str) -> None:
        """Hold or end a process around its calls to AWS; tell of those that change something."""
        running = self.running
        if side == "before" and running and not method.startswith(("get_", "list_")):
            self.oracle.see_change(running)
        self._at_boundary(f"{method} {side}")

    def _at_query(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        """Hold or end a process around its queries; within a transaction, it can only die."""
        is_alone = not connection.in_atomic_block
        self._at_boundary("query", may_hold=is_alone)
        result = execute(sql, params, many, context)
        if is_alone and sql != "BEGIN":
            self._at_boundary("after query")
        return result

    def _at_boundary(self, where: str, *, may_hold: bool = True) -> None:
        plan = self.plan
        process = self.running
        if process is None or self.is_calm:
            return
        chance = self.random.random()
        if chance < plan.deaths:
            self.note(f"  dies at {where}")
            raise Killed
        chance -= plan.deaths
        if "query" in where and chance < plan.database_failures:
            self.note(f"  the database fails at {where}")
            raise OperationalError("The simulated database fails.")
        chance -= plan.database_failures
        if may_hold and chance < plan.holds:
            self.note(f"  held at {where}")
            process.hold()
