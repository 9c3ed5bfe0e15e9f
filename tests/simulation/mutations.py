"""List the guards of a rotation: by what is wrong without it, the decision that loses it.

Where a decision is taken is said here alone: one that moves to another module
or class changes its lines here.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final, TypeAlias
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Q

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import LAST_PUBLIC_KEY, KeyGroups
from cfsigned_django.keyring import Keyring, Lease
from cfsigned_django.rotation import active, cloudfront, lifecycle, store
from cfsigned_django.rotation.lifecycle import KeyStatus, Waits
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.store import Claim, KeyPairStore
from tests.simulation.faults import UnreliableCloudFront
from tests.simulation.oracle import Rule
from tests.simulation.schedules import Kind

#: For each mutation, by its name, the seed of a schedule that shows it.
_SEEDS: Final = Path(__file__).with_name("seeds.json")
#: Takes what is right, and returns what stands in its place.
Wrong: TypeAlias = Callable[[Any], Any]
Applied: TypeAlias = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Mutation:
    """A wrong decision, by which a guard is lost."""

    #: Take the wrong decision everywhere, for the duration of a block.
    applied: Applied
    #: What no longer holds then: any of these is what the simulation finds.
    rules: tuple[Rule, ...]
    #: What must happen often for the guard to be needed.
    often: tuple[Kind, ...] = ()
    #: Fields of the plan without which it is not needed, or seldom.
    plan: Mapping[str, Any] = field(default_factory=dict)


def replaced(owner: Any, name: str, wrong: Wrong) -> Applied:
    """Replace a function of a module, or a method or a property of a class."""

    @contextmanager
    def applied() -> Iterator[None]:
        right = inspect.getattr_static(owner, name)
        other = property(wrong(right.fget)) if isinstance(right, property) else wrong(right)
        places = [(owner, name)]
        if isinstance(owner, ModuleType):  # others import it, under any name
            modules = [each for key, each in sys.modules.items() if key.startswith(_PACKAGES)]
            places = [(each, key) for each in modules for key in vars(each)]
        with pytest.MonkeyPatch.context() as patch:
            for place, key in places:
                if (place is owner and key == name) or vars(place).get(key) is right:
                    patch.setattr(place, key, other)
            yield

    return applied


_PACKAGES: Final = ("cfsigned_django.", "tests.simulation.")


def not_unique(column: str) -> Applied:
    """Let the database take any value of a column of KeyPair twice."""

    @contextmanager
    def applied() -> Iterator[None]:
        unique = KeyPair._meta.get_field(column)
        changed = copy(unique)
        changed._unique = False  # type: ignore[union-attr]
        with connection.schema_editor() as editor:
            editor.alter_field(KeyPair, unique, changed)  # type: ignore[arg-type]
        try:
            yield
        finally:
            KeyPair.objects.all().delete()
            with connection.schema_editor() as editor:
                editor.alter_field(KeyPair, changed, unique)  # type: ignore[arg-type]

    return applied


def read_seeds() -> dict[str, int]:
    """Return the seeds that are stored."""
    seeds: dict[str, int] = json.loads(_SEEDS.read_text(encoding="utf-8"))
    return seeds


def write_seeds(seeds: Mapping[str, int]) -> None:
    """Store the seeds."""
    _SEEDS.write_text(json.dumps(seeds, indent=2, sort_keys=True) + "\n", encoding="utf-8")


_URL_LOSS = (Rule.URLS_WORK, Rule.URLS_FIRST)
# Circumstances in which a guard is needed, or needed more often.
_HELD: Final = {"holds": 0.1, "rotators": 3}
_REVOKES: Final = {"revokes": True}
_IMPORTED: Final = {"has_settings_key": True, "is_imported": True}
_NO_FAULTS: Final = {"faults": 0.0, "deaths": 0.0}
_NOTHING_FAILS: Final = {**_NO_FAULTS, "database_failures": 0.0}
#: Keys of ours begin, are held on their way, and a person meddles.
_MEDDLED_WITH: Final = {
    **_NOTHING_FAILS,
    **_HELD,
    "workers": 1,
    "is_imported": True,
    "meddles": True,
    "revokes": False,
    "has_settings_key": False,
    "keeps_spare": False,
}
#: Steps are often taken from processes that are held.
_CLAIMS_RUN_OUT: Final = {
    **_NOTHING_FAILS,
    "claim_seconds": 1,
    "rotators": 3,
    "has_settings_key": False,
}
#: The ACTIVE key is often the only one in its group.
_ALONE: Final = {**_REVOKES, **_IMPORTED, "is_alone": True, "meddles": False}
_LONG_LIFETIME: Final = {**_IMPORTED, "max_expire": 86_400}


def instead(other: Callable[..., Any]) -> Wrong:
    """Run something else."""
    return lambda right: other


def always(result: Any) -> Wrong:
    """Do nothing, and return this."""
    return instead(lambda *args, **kwargs: result)


def before_move(change: Callable[[Any, Any, KeyStatus, dict[str, Any]], None]) -> Wrong:
    """Change what is recorded with a move: takes the store, the key pair, where to, and it."""

    def wrong(move: Any) -> Any:
        def change_and_move(store: Any, key_pair: Any, to: KeyStatus, **fields: Any) -> None:
            change(store, key_pair, to, fields)
            move(store, key_pair, to, **fields)

        return change_and_move

    return wrong


def _counts_too(result: ProbeResult) -> Wrong:
    return instead(lambda each: each in (ProbeResult.GOOD, result))


def _date_at_once(store: Any, key_pair: Any, to: KeyStatus, fields: dict[str, Any]) -> None:
    if to is KeyStatus.RETIRING:
        fields["retiring_at"] = store.clock()


def _take_any_state(store: Any, key_pair: Any, to: KeyStatus, fields: dict[str, Any]) -> None:
    key_pair.refresh_from_db(fields=["status"])


def _give_away(store: Any, key_pair: Any, to: KeyStatus, fields: dict[str, Any]) -> None:
    if to is KeyStatus.REVOKED:
        fields["claimed_until"] = None


def _keep_private_key(state: KeyStatus) -> Wrong:
    def keep(store: Any, key_pair: Any, to: KeyStatus, fields: dict[str, Any]) -> None:
        if to is state:
            del fields["encrypted_private_key"]

    return before_move(keep)


def _careless_while(state: KeyStatus) -> Wrong:
    """Call CloudFront without a look at the claim, in the step that begins in this state."""

    def change(before_each_call: Any) -> Any:
        return lambda claim, api: api if claim.status == state else before_each_call(claim, api)

    return change


def _end_any_claim(end: Any) -> Any:
    return lambda claim, **fields: claim.store.write(claim.rows, claimed_until=None, **fields)


def _as_if_by_hand(revoke: Any) -> Any:
    """Record a revocation as where a person changes CloudFront; prepare no successor."""

    def wrong(rotation: Any, key_pair: Any, *, now: Any, reason: str, **options: Any) -> None:
        revoke(replace(rotation, by_hand=True, key_groups=None), key_pair, now=now, reason=reason)
        rotation.finish_revocation(key_pair, now=now)

    return wrong


def _give_up_at_once(revoke: Any) -> Any:
    def wrong(rotation: Any, *args: Any, **options: Any) -> None:
        try:
            revoke(rotation, *args, **options)
        except AwsError as error:
            if not error.is_temporary:
                raise
            _as_if_by_hand(revoke)(rotation, *args, **options)

    return wrong


def _see_every_key(activate: Any) -> Any:
    """Let a key sign as if the group held it, whatever CloudFront says."""

    def wrong(rotation: Any, key_pair: Any, *, now: Any) -> Any:
        if rotation.key_groups is None:
            return activate(rotation, key_pair, now=now)
        blind = SimpleNamespace(members=lambda key_group_id: (str(key_pair),))
        return activate(replace(rotation, key_groups=blind), key_pair, now=now)

    return wrong


def _note_no_id(register: Any) -> Any:
    return lambda api, key_pair, note_id: register(api, key_pair, lambda key_pair_id: None)


def _keep_what_retires(remove: Any) -> Any:
    def wrong(api: Any, key_pair: Any) -> None:
        if key_pair.status != KeyStatus.RETIRING:
            remove(api, key_pair)

    return wrong


def _call_the_last_another_error(remove: Any) -> Any:
    def wrong(key_groups: Any, *args: Any) -> Any:
        try:
            return remove(key_groups, *args)
        except AwsError as error:
            error.code = "" if error.code == LAST_PUBLIC_KEY else error.code
            raise

    return wrong


def _leave_the_last(remove: Any) -> Any:
    def wrong(key_groups: Any, key_group_id: str, key_pair_id: str) -> Any:
        try:
            return remove(key_groups, key_group_id, key_pair_id)
        except AwsError as error:
            if error.code != LAST_PUBLIC_KEY:
                raise
            return ()

    return wrong


def _change_whatever_is_there(pass_on: Any) -> Any:
    def wrong(api: Any, method: str, **arguments: Any) -> Any:
        if method == "update_key_group":
            etag = pass_on(api, "get_key_group", Id=arguments["Id"])["ETag"]
            arguments["IfMatch"] = etag
        return pass_on(api, method, **arguments)

    return wrong


def _add_in_place_of_others(pass_on: Any) -> Any:
    def wrong(api: Any, method: str, **arguments: Any) -> Any:
        if method == "update_key_group":
            config = arguments["KeyGroupConfig"]
            before = pass_on(api, "get_key_group", Id=arguments["Id"])["KeyGroup"]
            items = set(before["KeyGroupConfig"]["Items"])
            added = [each for each in config["Items"] if each not in items]
            arguments["KeyGroupConfig"] = {**config, "Items": added or config["Items"]}
        return pass_on(api, method, **arguments)

    return wrong


def _ids_of_the_row(own_ids: Any) -> Any:
    return lambda listed, key_pair: [
        each.key_pair_id for each in listed if each.key_pair_id == key_pair.key_pair_id
    ]


def _by_one_clock(init: Any) -> Any:
    def wrong(keyring: Any, find: Any, *, monotonic: Any, wall: Any, **others: Any) -> None:
        init(keyring, find, monotonic=monotonic, wall=monotonic, **others)

    return wrong


def _knows_no_ids(find_active_signer: Any) -> Any:
    return lambda *args: replace(find_active_signer(*args), known_ids=frozenset())


MUTATIONS: Final[Mapping[str, Mutation]] = {
    # What a key waits for before it signs, and before it goes.
    "a key signs without having been known at every edge": Mutation(
        replaced(lifecycle, "known_everywhere_at", always(0)), (Rule.KNOWN_FIRST,)
    ),
    "a key signs at its first good probe": Mutation(
        replaced(lifecycle, "known_everywhere_at", instead(lambda key, waits: key.verified_since)),
        (Rule.KNOWN_FIRST,),
    ),
    "a key is retired while its URLs are out": Mutation(
        replaced(lifecycle, "urls_expired_at", always(0)), _URL_LOSS
    ),
    "the wait for retirement ignores the lifetime of URLs": Mutation(
        replaced(Waits, "retirement", instead(lambda waits: waits.keyring + waits.clock_skew)),
        _URL_LOSS,
    ),
    "the wait for retirement ignores the keyring": Mutation(
        replaced(Waits, "retirement", instead(lambda waits: waits.url_lifetime + waits.clock_skew)),
        _URL_LOSS,
    ),
    "the wait for retirement ignores wrong clocks": Mutation(
        replaced(Waits, "retirement", instead(lambda waits: waits.url_lifetime + waits.keyring)),
        _URL_LOSS,
        plan={"interval": 0},
    ),
    "the waits that were in force before are forgotten": Mutation(
        replaced(lifecycle, "retirement_wait", instead(lambda key, waits: waits.retirement)),
        _URL_LOSS,
        often=(Kind.LIFETIME, Kind.SIGN),
        plan=_LONG_LIFETIME,
    ),
    "a longer wait is not remembered while a key signs": Mutation(
        replaced(Rotation, "remember_waits", always(None)),
        _URL_LOSS,
        often=(Kind.LIFETIME, Kind.SIGN),
        plan=_LONG_LIFETIME,
    ),
    "a retirement is dated before the commit": Mutation(
        replaced(KeyPairStore, "move", before_move(_date_at_once)), _URL_LOSS
    ),
    "a retirement whose process died is never dated": Mutation(
        replaced(lifecycle, "lacks_retirement_date", always(False)),
        (Rule.ENDS,),
        plan={"deaths": 0.04},
    ),
    "a wait ends by the clock of the machine alone": Mutation(
        replaced(lifecycle, "end_of_wait_by", instead(lambda machine, database: machine)),
        (Rule.KNOWN_FIRST, *_URL_LOSS),
    ),
    "a wait begins by the clock of the machine alone": Mutation(
        replaced(lifecycle, "begin_of_wait_by", instead(lambda machine, database: machine)),
        (Rule.KNOWN_FIRST,),
    ),
    "a moment within a second is rounded down": Mutation(
        replaced(
            lifecycle, "full_seconds", instead(lambda moment: moment and int(moment.timestamp()))
        ),
        (Rule.KNOWN_FIRST, *_URL_LOSS),
        plan={**_NO_FAULTS, "interval": 0, "holds": 0.0, "rotators": 1},
    ),
    # What a probe shows.
    "no answer to a probe counts as a good one": Mutation(
        replaced(ProbeResult, "shows_known", _counts_too(ProbeResult.NO_ANSWER)),
        (Rule.KNOWN_FIRST,),
        plan={"faults": 0.2},
    ),
    "a probe counts where no signature is needed": Mutation(
        replaced(ProbeResult, "shows_known", _counts_too(ProbeResult.UNRESTRICTED)),
        (Rule.KNOWN_FIRST,),
        often=(Kind.OPEN,),
    ),
    "an id is corrected though the key works": Mutation(
        replaced(lifecycle, "may_correct_id", always(True)),
        (Rule.ONCE, Rule.KNOWN_FIRST, Rule.NO_TRACES, *_URL_LOSS),
        often=(Kind.CORRECT, Kind.NEXT, Kind.SIGN),
        plan={**_MEDDLED_WITH, "interval": 0, "max_expire": 20, "expire_step": 0, "list_lag": 0.0},
    ),
    "a refused probe does not begin the wait anew": Mutation(
        replaced(ProbeResult, "shows_unknown", always(False)),
        (Rule.KNOWN_FIRST,),
        often=(Kind.ADVANCE, Kind.NEXT),
        plan={**_NO_FAULTS, "workers": 1, "rotators": 3},
    ),
    "a key that was put back goes on with its old wait": Mutation(
        replaced(lifecycle, "newly_trusted", instead(lambda now: {"trusted_at": now})),
        (Rule.KNOWN_FIRST,),
        often=(Kind.TAKEN_OUT, Kind.TAKEN_OUT, Kind.NEXT, Kind.START),
        plan=_MEDDLED_WITH,
    ),
    "a key signs without a look whether it is still in the group": Mutation(
        replaced(Rotation, "activate", _see_every_key),
        (Rule.KNOWN_FIRST, Rule.URLS_WORK),
        often=(Kind.TAKEN_OUT, Kind.NEXT),
        plan={"meddles": True, "holds": 0.1, "has_settings_key": False},
    ),
    "a key is not looked at again under the lock": Mutation(
        replaced(KeyPairStore, "lock", always(None)),
        (Rule.NO_TRACES, Rule.ONCE),
        often=(Kind.REVOKE, Kind.START, Kind.ADVANCE),
        plan={**_HELD, **_REVOKES, "has_settings_key": False},
    ),
    # What lets a step be repeated, and done once.
    "a claim is always granted": Mutation(
        replaced(store, "is_unclaimed", always(Q())), (Rule.ONCE,), plan=_HELD
    ),
    "a step goes on that another process took": Mutation(
        replaced(Claim, "own_rows", instead(lambda claim: claim.rows)), (Rule.ONCE,), plan=_HELD
    ),
    "a key is brought in without a look whether the step is still its own": Mutation(
        replaced(Claim, "before_each_call", _careless_while(KeyStatus.PENDING)), (Rule.ONCE,)
    ),
    "a key is retired without a look whether the step is still its own": Mutation(
        replaced(Claim, "before_each_call", _careless_while(KeyStatus.RETIRING)), (Rule.ONCE,)
    ),
    "a key is put back without a look whether the step is still its own": Mutation(
        replaced(Claim, "before_each_call", _careless_while(KeyStatus.TRUSTED)),
        (Rule.ONCE,),
        often=(Kind.TAKEN_OUT, Kind.NEXT),
        plan={"meddles": True, "has_settings_key": False},
    ),
    "a revocation is finished without a look whether the step is still its own": Mutation(
        replaced(Claim, "before_each_call", _careless_while(KeyStatus.REVOKED)),
        (Rule.ONCE,),
        often=(Kind.REVOKE,),
        plan=_REVOKES,
    ),
    "a move does not look what the key is now": Mutation(
        replaced(KeyPairStore, "move", before_move(_take_any_state)),
        (Rule.ONCE, Rule.NO_TRACES, Rule.ENDS),
        often=(Kind.NEXT, Kind.START, Kind.TICK),
        plan={**_CLAIMS_RUN_OUT, "holds": 0.05, "max_expire": 20, "interval": 0},
    ),
    "a revocation gives away the step that somebody is at": Mutation(
        replaced(KeyPairStore, "move", before_move(_give_away)),
        (Rule.NO_TRACES, Rule.ONCE),
        plan={**_HELD, **_REVOKES},
    ),
    "a key that was revoked while it was brought in stays": Mutation(
        replaced(Rotation, "_reopen_removal", always(None)),
        (Rule.NO_TRACES,),
        often=(Kind.REVOKE, Kind.START, Kind.ADVANCE),
        plan={**_HELD, **_REVOKES, "has_settings_key": False},
    ),
    "a revocation is over while somebody creates the key": Mutation(
        replaced(Claim, "end", _end_any_claim),
        (Rule.NO_TRACES, Rule.ONCE),
        often=(*(Kind.REVOKE, Kind.ADVANCE) * 2, Kind.START, Kind.TICK),
        plan={**_CLAIMS_RUN_OUT, **_REVOKES, "holds": 0.3, "list_lag": 1.0, "keeps_spare": False},
    ),
    # What is done in CloudFront.
    "a public key is not found again by its name": Mutation(
        replaced(KeyPair, "caller_name", instead(lambda key_pair: f"cfsigned-{uuid4()}")),
        (Rule.ENDS, Rule.NO_TRACES),
        plan={"faults": 0.2},
    ),
    "a key group is changed whoever changed it in between": Mutation(
        replaced(UnreliableCloudFront, "pass_on", _change_whatever_is_there),
        (Rule.NO_TRACES, Rule.KNOWN_FIRST, *_URL_LOSS),
        often=(Kind.FOREIGN_IN, Kind.FOREIGN_OUT, Kind.START, Kind.ADVANCE),
        plan={"holds": 0.3, "rotators": 3, "deaths": 0.0, "is_alone": False},
    ),
    "a key that is added takes the place of the others": Mutation(
        replaced(UnreliableCloudFront, "pass_on", _add_in_place_of_others), (Rule.NO_TRACES,)
    ),
    "the quota is not looked at before a rotation starts": Mutation(
        replaced(KeyGroups, "check_room", always(None)), (Rule.ROOM_FIRST,)
    ),
    "a public key is not deleted": Mutation(
        replaced(KeyGroups, "delete_public_key", always(None)), (Rule.NO_TRACES,)
    ),
    "a public key is found only by the id in the row": Mutation(
        replaced(cloudfront, "own_ids", _ids_of_the_row),
        (Rule.NO_TRACES,),
        plan={"revokes": True, "deaths": 0.04, "has_settings_key": False},
    ),
    "a public key that is not listed yet is left": Mutation(
        replaced(cloudfront, "may_be_unlisted", always(False)),
        (Rule.NO_TRACES,),
        plan={"revokes": True, "list_lag": 1.0, "has_settings_key": False},
    ),
    "the id of a new public key is written down only once it is in its group": Mutation(
        replaced(cloudfront, "register_in_cloudfront", _note_no_id),
        (Rule.NO_TRACES,),
        often=(Kind.START, Kind.FULL, Kind.ADVANCE, Kind.REVOKE),
        plan={**_REVOKES, **_NO_FAULTS, "list_lag": 1.0, "holds": 0.0},
    ),
    "a key is retired before it is out of CloudFront": Mutation(
        replaced(cloudfront, "remove_from_cloudfront", _keep_what_retires), (Rule.NO_TRACES,)
    ),
    # How signing ends.
    "a process without the database signs for any time": Mutation(
        replaced(Lease, "cap_expiry", instead(lambda lease, expires, *, lifetime, now: expires)),
        _URL_LOSS,
    ),
    "a process that sleeps does not notice": Mutation(
        replaced(Keyring, "__init__", _by_one_clock),
        (Rule.STOPS, *_URL_LOSS),
        often=(Kind.SLEEP, Kind.SIGN, Kind.REVOKE),
        plan={"interval": 60, "max_expire": 86_400, "workers": 1, "revokes": True},
    ),
    "a key of the settings signs that was replaced or revoked": Mutation(
        replaced(active, "find_active_signer", _knows_no_ids),
        (Rule.STOPS,),
        plan={"revokes": True, "has_settings_key": True},
    ),
    "the private half of a retired key stays": Mutation(
        replaced(KeyPairStore, "move", _keep_private_key(KeyStatus.RETIRED)), (Rule.ERASED,)
    ),
    "the private half of a revoked key stays": Mutation(
        replaced(KeyPairStore, "move", _keep_private_key(KeyStatus.REVOKED)),
        (Rule.ERASED,),
        plan=_REVOKES,
    ),
    # What a revocation promises.
    "the key that signs is revoked with no successor trusted before": Mutation(
        replaced(Rotation, "revoke", _as_if_by_hand),
        (Rule.REPLACED,),
        often=(Kind.REVOKE,),
        plan={**_REVOKES, **_IMPORTED},
    ),
    "a successor does not sign at once where the key that signs is revoked": Mutation(
        replaced(Rotation, "ready_successor", always(None)),
        (Rule.REPLACED,),
        often=(Kind.REVOKE,),
        plan={**_REVOKES, **_IMPORTED},
    ),
    "a key that began to sign a moment ago is revoked without a successor": Mutation(
        replaced(Rotation, "_lacks_successor", always(False)),
        (Rule.REPLACED,),
        often=(Kind.REVOKE, Kind.NEXT, Kind.NEXT, Kind.START),
        plan={**_REVOKES, **_HELD, **_NO_FAULTS, "has_settings_key": False},
    ),
    "a key is revoked while AWS cannot take its successor for a moment": Mutation(
        replaced(Rotation, "revoke", _give_up_at_once),
        (Rule.REPLACED,),
        often=(Kind.REVOKE,),
        plan={**_REVOKES, **_IMPORTED, "faults": 0.2},
    ),
    "the last key of a group is taken out with none in its place": Mutation(
        replaced(KeyGroups, "remove", _leave_the_last),
        (Rule.ENDS, Rule.NO_TRACES),
        often=(Kind.REVOKE, Kind.NEXT),
        plan=_ALONE,
    ),
    "the last key of a group is not replaced": Mutation(
        replaced(KeyGroups, "remove", _call_the_last_another_error),
        (Rule.ENDS, Rule.NO_TRACES),
        often=(Kind.REVOKE, Kind.NEXT),
        plan=_ALONE,
    ),
    "a revocation that was left in the middle is not finished": Mutation(
        replaced(KeyPair, "awaits_removal", always(False)),
        (Rule.ENDS,),
        plan={"revokes": True, "deaths": 0.04},
    ),
    # What the database keeps unique.
    "the database takes two ACTIVE key pairs of a group": Mutation(
        not_unique("active_in"),
        (Rule.ONE_ACTIVE,),
        often=(Kind.NEXT, Kind.NEXT, Kind.START, Kind.IMPORT),
        plan={
            **_NOTHING_FAILS,
            "holds": 0.05,
            "workers": 1,
            "rotators": 3,
            "has_settings_key": True,
            "is_imported": False,
        },
    ),
    "the database takes two successors of a group": Mutation(
        not_unique("next_in"), (Rule.ONCE,), often=(Kind.START,), plan=_HELD
    ),
}
