"""List the guards of a rotation: by what is wrong without it, the decision that loses it.

Only this file says where a decision is taken: one that moves to another module
or class changes its lines here.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeAlias
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Q

from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.aws.key_groups import LAST_PUBLIC_KEY, KeyGroups
from cfsigned_django.core.keyring import Keyring, Lease
from cfsigned_django.rotation import active, cloudfront, lifecycle, removal, store
from cfsigned_django.rotation.lifecycle import KeyStatus, Waits
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.removal import Removal
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.store import Claim, KeyPairStore
from tests.simulation.schedules import Kind
from tests.simulation.strict_cloudfront import StrictCloudFront

#: For each mutation, by its name, the rule that it breaks, and the seed of a schedule in which.
_SEEDS: Final = Path(__file__).with_name("seeds.json")
#: Takes what is right, and returns what stands in its place.
Wrong: TypeAlias = Callable[[Any], Any]
#: What must happen often for a guard to be needed, and fields of the plan without which it is not.
When: TypeAlias = Kind | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Mutation:
    """A wrong decision, by which a guard is lost."""

    #: Take the wrong decision everywhere, for the duration of a block.
    applied: Callable[[], AbstractContextManager[None]]
    when: tuple[When, ...]

    @property
    def often(self) -> tuple[Kind, ...]:
        """Return what must happen often."""
        return tuple(each for each in self.when if isinstance(each, Kind))

    @property
    def plan(self) -> Mapping[str, Any]:
        """Return the fields of the plan that are not left to chance."""
        plans = [each for each in self.when if not isinstance(each, Kind)]
        return {name: value for each in plans for name, value in each.items()}


def lost(owner: Any, name: str, wrong: Wrong, *when: When) -> Mutation:
    """Replace a function of a module, or a method or a property of a class."""

    @contextmanager
    def applied() -> Iterator[None]:
        right = inspect.getattr_static(owner, name)
        other = property(wrong(right.fget)) if isinstance(right, property) else wrong(right)
        places = [(owner, name)]
        if isinstance(owner, ModuleType):  # others import it, under any name
            modules = [each for key, each in sys.modules.items() if key.startswith(_PACKAGES)]
            places += [(each, key) for each in modules for key in vars(each)]
        with pytest.MonkeyPatch.context() as patch:
            for place, key in places:
                if vars(place).get(key) is right:
                    patch.setattr(place, key, other)
            yield

    return Mutation(applied, when)


_PACKAGES: Final = ("cfsigned_django.", "tests.simulation.")


def not_unique(column: str, *when: When) -> Mutation:
    """Make the database accept any value of a column of KeyPair twice."""

    @contextmanager
    def applied() -> Iterator[None]:
        unique: Any = KeyPair._meta.get_field(column)
        _, _, args, options = unique.deconstruct()
        changed = type(unique)(*args, **options | {"unique": False})
        changed.set_attributes_from_name(column)
        with connection.schema_editor() as editor:
            editor.alter_field(KeyPair, unique, changed)
        try:
            yield
        finally:
            KeyPair.objects.all().delete()
            with connection.schema_editor() as editor:
                editor.alter_field(KeyPair, changed, unique)

    return Mutation(applied, when)


def read_seeds() -> dict[str, tuple[str, int]]:
    """Return the rules and the seeds that are stored."""
    stored: dict[str, str] = json.loads(_SEEDS.read_text(encoding="utf-8"))
    return {name: (text.split()[0], int(text.split()[1])) for name, text in stored.items()}


def write_seeds(seeds: Mapping[str, tuple[str, int]]) -> None:
    """Store rules and seeds, each in a line."""
    lines = {name: f"{rule} {seed}" for name, (rule, seed) in seeds.items()}
    _SEEDS.write_text(json.dumps(lines, indent=2, sort_keys=True) + "\n", encoding="utf-8")


# Circumstances in which a guard is needed, or needed more often
_HELD: Final = {"holds": 0.1, "rotators": 3}
_REVOKES: Final = {"revokes": True}
_MEDDLES: Final = {"meddles": True}
_DIES: Final = {"deaths": 0.04}
_FAILS: Final = {"faults": 0.2}
_LISTED_LATE: Final = {"list_lag": 1.0}
_OURS_ALONE: Final = {"has_settings_key": False}
_IMPORTED: Final = {"has_settings_key": True, "is_imported": True}
_NO_FAULTS: Final = {"faults": 0.0, "deaths": 0.0}
_NOTHING_FAILS: Final = {**_NO_FAULTS, "database_failures": 0.0}
_REVOKED: Final = (Kind.REVOKE, _REVOKES, _IMPORTED)
_REVOKED_ON_ITS_WAY: Final = (Kind.REVOKE, Kind.START, Kind.ADVANCE, _HELD, _REVOKES, _OURS_ALONE)
#: The ACTIVE key is often the only one in its group.
_ALONE: Final = (*_REVOKED, Kind.NEXT, {"is_alone": True, "meddles": False})
_LONG_LIFETIME: Final = (Kind.LIFETIME, Kind.SIGN, _IMPORTED, {"max_expire": 86_400})
#: Keys of ours begin, are held on their way, and a person meddles.
_MEDDLED_WITH: Final = {
    **_NOTHING_FAILS,
    **_HELD,
    **_MEDDLES,
    **_OURS_ALONE,
    "workers": 1,
    "is_imported": True,
    "revokes": False,
}
#: Steps are often taken from processes that are held.
_CLAIMS_RUN_OUT: Final = {**_NOTHING_FAILS, **_OURS_ALONE, "claim_seconds": 1, "rotators": 3}
#: The key of the settings is imported while others begin.
_IMPORTED_LATE: Final = {
    **_NOTHING_FAILS,
    "holds": 0.05,
    "workers": 1,
    "rotators": 3,
    "has_settings_key": True,
    "is_imported": False,
}


def instead(other: Callable[..., Any]) -> Wrong:
    """Run something else."""
    return lambda right: other


def always(result: Any) -> Wrong:
    """Do nothing, and return this."""
    return instead(lambda *args, **kwargs: result)


def recorded(to: KeyStatus, name: str, value: Callable[[Any, Any], Any]) -> Wrong:
    """Record another value with a move to a state: takes the store and the key pair."""

    def wrong(move: Any) -> Any:
        def record(store: Any, key_pair: Any, state: KeyStatus, **fields: Any) -> None:
            changed = {name: value(store, key_pair)} if state is to else {}
            move(store, key_pair, state, **fields | changed)

        return record

    return wrong


def _take_any_state(move: Any) -> Any:
    def wrong(store: Any, key_pair: Any, to: KeyStatus, **fields: Any) -> None:
        key_pair.refresh_from_db(fields=["status"])
        move(store, key_pair, to, **fields)

    return wrong


def _counts_too(result: ProbeResult) -> Wrong:
    return instead(lambda each: each in (ProbeResult.GOOD, result))


def _careless_while(state: KeyStatus) -> Wrong:
    """Call CloudFront without a look at the claim, in the step that begins in this state."""

    def change(before_each_call: Any) -> Any:
        return lambda claim, api: api if claim.status == state else before_each_call(claim, api)

    return change


def _take_any_failure(prepare_successor: Any) -> Any:
    def wrong(*args: Any) -> Any:
        try:
            return prepare_successor(*args)
        except AwsError as error:
            return error

    return wrong


def _keep_what_retires(remove: Any) -> Any:
    return lambda api, row: None if row.status == KeyStatus.RETIRING else remove(api, row)


def _leave_the_last(remove: Any) -> Any:
    def wrong(*args: Any) -> Any:
        try:
            return remove(*args)
        except AwsError as error:
            if error.code != LAST_PUBLIC_KEY:
                raise

    return wrong


def _ids_of_the_row(listed: Any, key_pair: Any) -> list[str]:
    return [each.key_pair_id for each in listed if each.key_pair_id == key_pair.key_pair_id]


def _by_one_clock(init: Any) -> Any:
    return lambda keyring, find, *, monotonic, wall, **others: init(
        keyring, find, monotonic=monotonic, wall=monotonic, **others
    )


_PRIVATE_HALF: Final = ("encrypted_private_key", lambda store, row: row.encrypted_private_key)


MUTATIONS: Final[Mapping[str, Mutation]] = {
    # What a key waits for before it signs, and before it goes.
    "a key signs without having been known at every edge": lost(
        lifecycle, "known_everywhere_at", always(0)
    ),
    "a key signs at its first good probe": lost(
        lifecycle, "known_everywhere_at", instead(lambda key, waits: key.verified_since)
    ),
    "a key is retired while its URLs are out": lost(lifecycle, "urls_expired_at", always(0)),
    "the wait for retirement ignores the lifetime of URLs": lost(
        Waits, "retirement", instead(lambda waits: waits.keyring + waits.clock_skew)
    ),
    "the wait for retirement ignores the keyring": lost(
        Waits, "retirement", instead(lambda waits: waits.url_lifetime + waits.clock_skew)
    ),
    "the wait for retirement ignores wrong clocks": lost(
        Waits,
        "retirement",
        instead(lambda waits: waits.url_lifetime + waits.keyring),
        {"interval": 0},
    ),
    "the waits that were in force before are forgotten": lost(
        lifecycle, "retirement_wait", instead(lambda key, waits: waits.retirement), *_LONG_LIFETIME
    ),
    "a longer wait is not remembered while a key signs": lost(
        Rotation, "remember_waits", always(None), *_LONG_LIFETIME
    ),
    "a retirement is dated before the commit": lost(
        KeyPairStore,
        "move",
        recorded(KeyStatus.RETIRING, "retiring_at", lambda store, key_pair: store.clock()),
    ),
    "a retirement whose process died is never dated": lost(
        lifecycle, "lacks_retirement_date", always(False), _DIES
    ),
    "a wait ends by the clock of the machine alone": lost(
        lifecycle, "end_of_wait_by", instead(lambda machine, database: machine)
    ),
    "a wait begins by the clock of the machine alone": lost(
        lifecycle, "begin_of_wait_by", instead(lambda machine, database: machine)
    ),
    "a moment within a second is rounded down": lost(
        lifecycle,
        "full_seconds",
        instead(lambda moment: moment and int(moment.timestamp())),
        {**_NO_FAULTS, "interval": 0, "holds": 0.0, "rotators": 1},
    ),
    # What a probe shows.
    "no answer to a probe counts as a good one": lost(
        ProbeResult, "shows_known", _counts_too(ProbeResult.NO_ANSWER), _FAILS
    ),
    "a probe counts where no signature is needed": lost(
        ProbeResult, "shows_known", _counts_too(ProbeResult.UNRESTRICTED), Kind.OPEN
    ),
    "an id is corrected though the key works": lost(
        lifecycle,
        "may_correct_id",
        always(True),
        *(Kind.CORRECT, Kind.NEXT, Kind.SIGN, _MEDDLED_WITH),
        {"interval": 0, "max_expire": 20, "expire_step": 0, "list_lag": 0.0},
    ),
    "a refused probe does not begin the wait anew": lost(
        ProbeResult,
        "shows_unknown",
        always(False),
        *(Kind.ADVANCE, Kind.NEXT, _NO_FAULTS, {"workers": 1, "rotators": 3}),
    ),
    "a key that was put back goes on with its old wait": lost(
        lifecycle,
        "newly_trusted",
        instead(lambda now: {"trusted_at": now}),
        *(Kind.TAKEN_OUT, Kind.TAKEN_OUT, Kind.NEXT, Kind.START, _MEDDLED_WITH),
    ),
    "a key signs without a look whether it is still in the group": lost(
        Rotation,
        "_require_in_group",
        always(None),
        *(Kind.TAKEN_OUT, Kind.NEXT, _MEDDLES, _OURS_ALONE, {"holds": 0.1}),
    ),
    "a key is not looked at again under the lock": lost(
        KeyPairStore, "lock", always(None), *_REVOKED_ON_ITS_WAY
    ),
    # What lets a step be repeated, and done once.
    "a claim is always granted": lost(store, "is_unclaimed", always(Q()), _HELD),
    "a step goes on that another process took": lost(
        Claim, "own_rows", instead(lambda claim: claim.rows), _HELD
    ),
    "a key is brought in without a look whether the step is still its own": lost(
        Claim, "before_each_call", _careless_while(KeyStatus.PENDING)
    ),
    "a key is retired without a look whether the step is still its own": lost(
        Claim, "before_each_call", _careless_while(KeyStatus.RETIRING)
    ),
    "a key is put back without a look whether the step is still its own": lost(
        Claim,
        "before_each_call",
        _careless_while(KeyStatus.TRUSTED),
        *(Kind.TAKEN_OUT, Kind.NEXT, _MEDDLES, _OURS_ALONE),
    ),
    "a revocation is finished without a look whether the step is still its own": lost(
        Claim, "before_each_call", _careless_while(KeyStatus.REVOKED), Kind.REVOKE, _REVOKES
    ),
    "a move does not look what the key is now": lost(
        KeyPairStore,
        "move",
        _take_any_state,
        *(Kind.NEXT, Kind.START, Kind.TICK, _CLAIMS_RUN_OUT),
        {"holds": 0.05, "max_expire": 20, "interval": 0},
    ),
    "a revocation gives away the step that somebody is at": lost(
        KeyPairStore,
        "move",
        recorded(KeyStatus.REVOKED, "claimed_until", lambda store, key_pair: None),
        *(_HELD, _REVOKES),
    ),
    "a key that was revoked while it was brought in stays": lost(
        Rotation, "_reopen_removal", always(None), *_REVOKED_ON_ITS_WAY
    ),
    "a revocation is over while somebody creates the key": lost(
        Claim,
        "end",
        instead(
            lambda claim, **fields: claim.store.write(claim.rows, claimed_until=None, **fields)
        ),
        *(Kind.REVOKE, Kind.ADVANCE, Kind.REVOKE, Kind.ADVANCE, Kind.START, Kind.TICK),
        *(_CLAIMS_RUN_OUT, _REVOKES, _LISTED_LATE, {"holds": 0.3}),
    ),
    # What is done in CloudFront.
    "a public key is not found again by its name": lost(
        KeyPair, "name_in_cloudfront", instead(lambda key_pair: f"cfsigned-{uuid4()}"), _FAILS
    ),
    "a key group is changed whatever changed it in between": lost(
        StrictCloudFront,
        "_check_etag",
        always(None),
        *(Kind.FOREIGN_IN, Kind.FOREIGN_OUT, Kind.START, Kind.ADVANCE),
        {"holds": 0.3, "rotators": 3, "deaths": 0.0, "is_alone": False},
    ),
    "a key that is added takes the place of the others": lost(
        KeyGroups, "add", instead(lambda api, group, key: api._edit(group, lambda _: (key,), ""))
    ),
    "a public key is not deleted": lost(KeyGroups, "delete_public_key", always(None)),
    "a public key is found only by the id in the row": lost(
        cloudfront, "own_ids", instead(_ids_of_the_row), _REVOKES, _DIES, _OURS_ALONE
    ),
    "a public key that is not listed yet is left": lost(
        cloudfront, "may_be_unlisted", always(False), _REVOKES, _LISTED_LATE, _OURS_ALONE
    ),
    "the id of a new public key is written down only once it is in its group": lost(
        Rotation,
        "_note_id",
        always(None),
        *(Kind.START, Kind.FULL, Kind.ADVANCE, Kind.REVOKE),
        *(_REVOKES, _NO_FAULTS, _LISTED_LATE, {"holds": 0.0}),
    ),
    "a key is retired before it is out of CloudFront": lost(
        cloudfront, "remove_from_cloudfront", _keep_what_retires
    ),
    # How signing ends.
    "a process without the database signs for any time": lost(
        Lease, "cap_expiry", instead(lambda lease, expires, *, lifetime, now: expires)
    ),
    "a process that sleeps does not notice": lost(
        Keyring,
        "__init__",
        _by_one_clock,
        *(Kind.SLEEP, Kind.SIGN, Kind.REVOKE, _REVOKES),
        {"interval": 60, "max_expire": 86_400, "workers": 1},
    ),
    "a key of the settings signs that was replaced or revoked": lost(
        active,
        "find_active_signer",
        lambda find: lambda *args: replace(find(*args), known_ids=frozenset()),
        *(_REVOKES, {"has_settings_key": True}),
    ),
    "the private half of a retired key stays": lost(
        KeyPairStore, "move", recorded(KeyStatus.RETIRED, *_PRIVATE_HALF)
    ),
    "the private half of a revoked key stays": lost(
        KeyPairStore, "move", recorded(KeyStatus.REVOKED, *_PRIVATE_HALF), _REVOKES
    ),
    # What a revocation promises.
    "the key that signs is revoked with no successor trusted before": lost(
        Removal, "_prepare_successor", always(None), *_REVOKED
    ),
    "a successor does not sign at once where the key that signs is revoked": lost(
        removal, "ready_successor", always(None), *_REVOKED
    ),
    "a key that began to sign a moment ago is revoked without a successor": lost(
        Removal,
        "_lacks_successor",
        always(False),
        *(Kind.REVOKE, Kind.NEXT, Kind.NEXT, Kind.START, _REVOKES, _HELD, _NO_FAULTS, _OURS_ALONE),
    ),
    "a key is revoked while AWS cannot take its successor for a moment": lost(
        Removal, "_prepare_successor", _take_any_failure, *_REVOKED, _FAILS
    ),
    "the last key of a group is taken out with none in its place": lost(
        KeyGroups, "remove", _leave_the_last, *_ALONE
    ),
    "the last key of a group is not replaced": lost(
        Removal, "_replace_last", always(None), *_ALONE
    ),
    "a revocation that was left in the middle is not finished": lost(
        KeyPair, "awaits_removal", always(False), _REVOKES, _DIES
    ),
    # What the database keeps unique.
    "the database takes two ACTIVE key pairs of a group": not_unique(
        "active_in", Kind.NEXT, Kind.NEXT, Kind.START, Kind.IMPORT, _IMPORTED_LATE
    ),
    "the database takes two successors of a group": not_unique("next_in", Kind.START, _HELD),
}
