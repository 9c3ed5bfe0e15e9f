"""List the guards of a rotation, each as the wrong decision that loses it.

What the simulation cannot see is listed too, with the test that shows it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from django.db import connection
from django.db.models import Q

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import LAST_PUBLIC_KEY
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from tests.simulation import seams
from tests.simulation.oracle import Rule
from tests.simulation.schedules import Kind
from tests.simulation.seams import Seam, Wrong

_SEEDS: Final = Path(__file__).with_name("seeds.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A wrong decision, by which a guard is lost."""

    name: str
    #: Where the decision is taken, and what takes a wrong one there.
    seam: Seam
    wrong: Wrong
    #: What no longer holds then: any of these is what the simulation finds.
    rules: tuple[Rule, ...]
    #: Fields of the plan without which the guard is not needed, or seldom.
    plan: Mapping[str, Any] = field(default_factory=dict)
    #: What must happen often for it to be needed.
    often: tuple[Kind, ...] = ()

    def applied(self) -> AbstractContextManager[None]:
        """Take the wrong decision everywhere."""
        return self.seam.replaced(self.wrong)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotUnique:
    """A column of KeyPair that the database no longer keeps unique."""

    name: str
    column: str
    rules: tuple[Rule, ...]
    plan: Mapping[str, Any] = field(default_factory=dict)
    often: tuple[Kind, ...] = ()

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Change the table of the tests, and change it back when it is empty."""
        unique = KeyPair._meta.get_field(self.column)
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


def read_seeds() -> dict[str, int]:
    """Return for each mutation, by its name, the seed of a schedule that shows it."""
    seeds: dict[str, int] = json.loads(_SEEDS.read_text(encoding="utf-8"))
    return seeds


def write_seeds(seeds: Mapping[str, int]) -> None:
    """Write them all."""
    _SEEDS.write_text(json.dumps(seeds, indent=2, sort_keys=True) + "\n", encoding="utf-8")


_ALL_KINDS_OF_URL_LOSS = (Rule.URLS_WORK, Rule.URLS_FIRST)
#: Circumstances in which processes are mostly held, and somebody else takes keys out.
_HELD_OFTEN: Final = {
    "faults": 0.0,
    "deaths": 0.0,
    "database_failures": 0.0,
    "holds": 0.3,
    "workers": 1,
    "rotators": 3,
    "has_settings_key": True,
    "is_imported": True,
    "meddles": True,
}
#: Circumstances in which steps are often taken from processes that are held.
_CLAIMS_RUN_OUT: Final = {
    "claim_seconds": 1,
    "faults": 0.0,
    "deaths": 0.0,
    "database_failures": 0.0,
    "rotators": 3,
    "has_settings_key": False,
}
#: Circumstances in which the ACTIVE key is often the only one in its group.
_ALONE: Final = {
    "revokes": True,
    "is_alone": True,
    "has_settings_key": True,
    "is_imported": True,
    "meddles": False,
}


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


def _give_up_at_once(prepare_successor: Any) -> Any:
    def wrong(*args: Any) -> Any:
        try:
            return prepare_successor(*args)
        except AwsError as error:
            return error

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


def _change_whatever_is_there(update_key_group: Any) -> Any:
    def wrong(client: Any, *, Id: str, IfMatch: str, KeyGroupConfig: Any) -> Any:
        etag = client.get_key_group(Id=Id)["ETag"]
        return update_key_group(client, Id=Id, IfMatch=etag, KeyGroupConfig=KeyGroupConfig)

    return wrong


def _add_in_place_of_others(update_key_group: Any) -> Any:
    def wrong(client: Any, *, Id: str, IfMatch: str, KeyGroupConfig: Any) -> Any:
        before = client.get_key_group(Id=Id)["KeyGroup"]["KeyGroupConfig"]["Items"]
        added = [each for each in KeyGroupConfig["Items"] if each not in before]
        config = {**KeyGroupConfig, "Items": added or KeyGroupConfig["Items"]}
        return update_key_group(client, Id=Id, IfMatch=IfMatch, KeyGroupConfig=config)

    return wrong


def _ids_of_the_row(own_ids: Any) -> Any:
    return lambda listed, key_pair: [
        each.key_pair_id for each in listed if each.key_pair_id == key_pair.key_pair_id
    ]


def _leave_nothing_that_retires(leave: Any) -> Any:
    def wrong(rotation: Any, api: Any, key_pair: Any, *args: Any) -> None:
        if key_pair.status != KeyStatus.RETIRING:
            leave(rotation, api, key_pair, *args)

    return wrong


def _by_one_clock(init: Any) -> Any:
    def wrong(keyring: Any, find: Any, *, monotonic: Any, wall: Any, **others: Any) -> None:
        init(keyring, find, monotonic=monotonic, wall=monotonic, **others)

    return wrong


def _knows_no_ids(find_active_signer: Any) -> Any:
    return lambda *args: replace(find_active_signer(*args), known_ids=frozenset())


MUTATIONS: Final[list[Mutation | NotUnique]] = [
    # What a key waits for before it signs, and before it goes.
    Mutation(
        name="a key signs without having been known at every edge",
        seam=seams.KNOWN_EVERYWHERE_AT,
        wrong=always(0),
        rules=(Rule.KNOWN_FIRST,),
    ),
    Mutation(
        name="a key signs at its first good probe",
        seam=seams.KNOWN_EVERYWHERE_AT,
        wrong=instead(lambda key, waits: key.verified_since),
        rules=(Rule.KNOWN_FIRST,),
    ),
    Mutation(
        name="a key is retired while its URLs are out",
        seam=seams.URLS_EXPIRED_AT,
        wrong=always(0),
        rules=_ALL_KINDS_OF_URL_LOSS,
    ),
    Mutation(
        name="the wait for retirement ignores the lifetime of URLs",
        seam=seams.RETIREMENT,
        wrong=instead(lambda waits: waits.keyring + waits.clock_skew),
        rules=_ALL_KINDS_OF_URL_LOSS,
    ),
    Mutation(
        name="the wait for retirement ignores the keyring",
        seam=seams.RETIREMENT,
        wrong=instead(lambda waits: waits.url_lifetime + waits.clock_skew),
        rules=_ALL_KINDS_OF_URL_LOSS,
    ),
    Mutation(
        name="the wait for retirement ignores wrong clocks",
        seam=seams.RETIREMENT,
        wrong=instead(lambda waits: waits.url_lifetime + waits.keyring),
        rules=_ALL_KINDS_OF_URL_LOSS,
        plan={"interval": 0},
    ),
    Mutation(
        name="the waits that were in force before are forgotten",
        seam=seams.RETIREMENT_WAIT,
        wrong=instead(lambda key, waits: waits.retirement),
        rules=_ALL_KINDS_OF_URL_LOSS,
        plan={"max_expire": 86_400, "is_imported": True, "has_settings_key": True},
        often=(Kind.LIFETIME, Kind.SIGN),
    ),
    Mutation(
        name="a longer wait is not remembered while a key signs",
        seam=seams.REMEMBER_WAITS,
        wrong=always(None),
        rules=_ALL_KINDS_OF_URL_LOSS,
        plan={"max_expire": 86_400, "is_imported": True, "has_settings_key": True},
        often=(Kind.LIFETIME, Kind.SIGN),
    ),
    Mutation(
        name="a retirement is dated before the commit",
        seam=seams.MOVE,
        wrong=before_move(_date_at_once),
        rules=_ALL_KINDS_OF_URL_LOSS,
    ),
    Mutation(
        name="a retirement whose process died is never dated",
        seam=seams.LACKS_RETIREMENT_DATE,
        wrong=always(False),
        rules=(Rule.ENDS,),
        plan={"deaths": 0.04},
    ),
    Mutation(
        name="a wait ends by the clock of the machine alone",
        seam=seams.END_OF_WAIT_BY,
        wrong=instead(lambda machine, database: machine),
        rules=(Rule.KNOWN_FIRST, *_ALL_KINDS_OF_URL_LOSS),
    ),
    Mutation(
        name="a wait begins by the clock of the machine alone",
        seam=seams.BEGIN_OF_WAIT_BY,
        wrong=instead(lambda machine, database: machine),
        rules=(Rule.KNOWN_FIRST,),
    ),
    Mutation(
        name="a moment within a second is rounded down",
        seam=seams.FULL_SECONDS,
        wrong=instead(lambda moment: moment and int(moment.timestamp())),
        rules=(Rule.KNOWN_FIRST, *_ALL_KINDS_OF_URL_LOSS),
        plan={"interval": 0, "faults": 0.0, "deaths": 0.0, "holds": 0.0, "rotators": 1},
    ),
    # What a probe shows.
    Mutation(
        name="no answer to a probe counts as a good one",
        seam=seams.SHOWS_KNOWN,
        wrong=instead(lambda result: result in (ProbeResult.GOOD, ProbeResult.NO_ANSWER)),
        rules=(Rule.KNOWN_FIRST,),
        plan={"faults": 0.2},
    ),
    Mutation(
        name="a probe counts where no signature is needed",
        seam=seams.SHOWS_KNOWN,
        wrong=instead(lambda result: result in (ProbeResult.GOOD, ProbeResult.UNRESTRICTED)),
        rules=(Rule.KNOWN_FIRST,),
        often=(Kind.OPEN,),
    ),
    Mutation(
        name="an id is corrected though the key works",
        seam=seams.MAY_CORRECT_ID,
        wrong=always(True),
        rules=(Rule.ONCE, Rule.KNOWN_FIRST, Rule.NO_TRACES, *_ALL_KINDS_OF_URL_LOSS),
        # One key after another comes to sign, at once, so that many are corrected just then.
        plan={
            **_HELD_OFTEN,
            "holds": 0.1,
            "revokes": False,
            "has_settings_key": False,
            "keeps_spare": False,
            "interval": 0,
            "max_expire": 20,
            "expire_step": 0,
            "list_lag": 0.0,
        },
        often=(Kind.CORRECT, Kind.NEXT, Kind.SIGN),
    ),
    Mutation(
        name="a refused probe does not begin the wait anew",
        seam=seams.SHOWS_UNKNOWN,
        wrong=always(False),
        rules=(Rule.KNOWN_FIRST,),
        plan={"faults": 0.0, "deaths": 0.0, "workers": 1, "rotators": 3},
        often=(Kind.ADVANCE, Kind.NEXT),
    ),
    Mutation(
        name="a key that was put back goes on with its old wait",
        seam=seams.NEWLY_TRUSTED,
        wrong=instead(lambda now: {"trusted_at": now}),
        rules=(Rule.KNOWN_FIRST,),
        plan={
            **_HELD_OFTEN,
            "holds": 0.1,
            "revokes": False,
            "has_settings_key": False,
            "keeps_spare": False,
        },
        often=(Kind.TAKEN_OUT, Kind.TAKEN_OUT, Kind.NEXT, Kind.START),
    ),
    Mutation(
        name="a key signs without a look whether it is still in the group",
        seam=seams.REQUIRE_IN_GROUP,
        wrong=always(None),
        rules=(Rule.KNOWN_FIRST, Rule.URLS_WORK),
        plan={"meddles": True, "holds": 0.1, "has_settings_key": False},
        often=(Kind.TAKEN_OUT, Kind.NEXT),
    ),
    Mutation(
        name="a key is not looked at again under the lock",
        seam=seams.LOCK,
        wrong=always(None),
        rules=(Rule.NO_TRACES, Rule.ONCE),
        plan={"holds": 0.1, "rotators": 3, "revokes": True, "has_settings_key": False},
        often=(Kind.REVOKE, Kind.START, Kind.ADVANCE),
    ),
    # What lets a step be repeated, and done once.
    Mutation(
        name="a claim is always granted",
        seam=seams.IS_UNCLAIMED,
        wrong=always(Q()),
        rules=(Rule.ONCE,),
        plan={"holds": 0.1, "rotators": 3},
    ),
    Mutation(
        name="a step goes on that another process took",
        seam=seams.OWN_ROWS,
        wrong=instead(lambda claim: claim.rows),
        rules=(Rule.ONCE,),
        plan={"holds": 0.1, "rotators": 3},
    ),
    Mutation(
        name="a key is brought in without a look whether the step is still its own",
        seam=seams.BEFORE_EACH_CALL,
        wrong=_careless_while(KeyStatus.PENDING),
        rules=(Rule.ONCE,),
    ),
    Mutation(
        name="a key is retired without a look whether the step is still its own",
        seam=seams.BEFORE_EACH_CALL,
        wrong=_careless_while(KeyStatus.RETIRING),
        rules=(Rule.ONCE,),
    ),
    Mutation(
        name="a key is put back without a look whether the step is still its own",
        seam=seams.BEFORE_EACH_CALL,
        wrong=_careless_while(KeyStatus.TRUSTED),
        rules=(Rule.ONCE,),
        plan={"meddles": True, "has_settings_key": False},
        often=(Kind.TAKEN_OUT, Kind.NEXT),
    ),
    Mutation(
        name="a revocation is finished without a look whether the step is still its own",
        seam=seams.BEFORE_EACH_CALL,
        wrong=_careless_while(KeyStatus.REVOKED),
        rules=(Rule.ONCE,),
        plan={"revokes": True},
        often=(Kind.REVOKE,),
    ),
    Mutation(
        name="a move does not look what the key is now",
        seam=seams.MOVE,
        wrong=before_move(_take_any_state),
        rules=(Rule.ONCE, Rule.NO_TRACES, Rule.ENDS),
        plan={**_CLAIMS_RUN_OUT, "holds": 0.05, "max_expire": 20, "interval": 0},
        often=(Kind.NEXT, Kind.START, Kind.TICK),
    ),
    Mutation(
        name="a revocation gives away the step that somebody is at",
        seam=seams.MOVE,
        wrong=before_move(_give_away),
        rules=(Rule.NO_TRACES, Rule.ONCE),
        plan={"holds": 0.1, "rotators": 3, "revokes": True},
    ),
    Mutation(
        name="a key that was revoked while it was brought in stays",
        seam=seams.REOPEN_REMOVAL,
        wrong=always(None),
        rules=(Rule.NO_TRACES,),
        plan={"holds": 0.1, "rotators": 3, "revokes": True, "has_settings_key": False},
        often=(Kind.REVOKE, Kind.START, Kind.ADVANCE),
    ),
    Mutation(
        name="a revocation is over while somebody creates the key",
        seam=seams.END_CLAIM,
        wrong=_end_any_claim,
        rules=(Rule.NO_TRACES, Rule.ONCE),
        plan={
            **_CLAIMS_RUN_OUT,
            "holds": 0.3,
            "list_lag": 1.0,
            "revokes": True,
            "keeps_spare": False,
        },
        often=(*(Kind.REVOKE, Kind.ADVANCE) * 2, Kind.START, Kind.TICK),
    ),
    # What is done in CloudFront.
    Mutation(
        name="a public key is not found again by its name",
        seam=seams.CALLER_NAME,
        wrong=instead(lambda key_pair: f"cfsigned-{uuid4()}"),
        rules=(Rule.ENDS, Rule.NO_TRACES),
        plan={"faults": 0.2},
    ),
    Mutation(
        name="a key group is changed whoever changed it in between",
        seam=seams.UPDATE_KEY_GROUP,
        wrong=_change_whatever_is_there,
        rules=(Rule.NO_TRACES, Rule.KNOWN_FIRST, *_ALL_KINDS_OF_URL_LOSS),
        plan={"holds": 0.3, "rotators": 3, "deaths": 0.0, "is_alone": False},
        often=(Kind.FOREIGN_IN, Kind.FOREIGN_OUT, Kind.START, Kind.ADVANCE),
    ),
    Mutation(
        name="a key that is added takes the place of the others",
        seam=seams.UPDATE_KEY_GROUP,
        wrong=_add_in_place_of_others,
        rules=(Rule.NO_TRACES,),
    ),
    Mutation(
        name="the quota is not looked at before a rotation starts",
        seam=seams.CHECK_ROOM,
        wrong=always(None),
        rules=(Rule.ROOM_FIRST,),
    ),
    Mutation(
        name="a public key is not deleted",
        seam=seams.DELETE_PUBLIC_KEY,
        wrong=always(None),
        rules=(Rule.NO_TRACES,),
    ),
    Mutation(
        name="a public key is found only by the id in the row",
        seam=seams.OWN_IDS,
        wrong=_ids_of_the_row,
        rules=(Rule.NO_TRACES,),
        plan={"revokes": True, "deaths": 0.04, "has_settings_key": False},
    ),
    Mutation(
        name="a public key that is not listed yet is left",
        seam=seams.MAY_BE_UNLISTED,
        wrong=always(False),
        rules=(Rule.NO_TRACES,),
        plan={"revokes": True, "list_lag": 1.0, "has_settings_key": False},
    ),
    Mutation(
        name="the id of a new public key is written down only once it is in its group",
        seam=seams.NOTE_ID,
        wrong=always(None),
        rules=(Rule.NO_TRACES,),
        plan={"revokes": True, "list_lag": 1.0, "faults": 0.0, "deaths": 0.0, "holds": 0.0},
        often=(Kind.START, Kind.FULL, Kind.ADVANCE, Kind.REVOKE),
    ),
    Mutation(
        name="a key is retired before it is out of CloudFront",
        seam=seams.LEAVE,
        wrong=_leave_nothing_that_retires,
        rules=(Rule.NO_TRACES,),
    ),
    # How signing ends.
    Mutation(
        name="a process without the database signs for any time",
        seam=seams.LIMIT,
        wrong=instead(lambda lease, expires, *, lifetime, now: expires),
        rules=_ALL_KINDS_OF_URL_LOSS,
    ),
    Mutation(
        name="a process that sleeps does not notice",
        seam=seams.KEYRING,
        wrong=_by_one_clock,
        rules=(Rule.STOPS, *_ALL_KINDS_OF_URL_LOSS),
        plan={"interval": 60, "max_expire": 86_400, "workers": 1, "revokes": True},
        often=(Kind.SLEEP, Kind.SIGN, Kind.REVOKE),
    ),
    Mutation(
        name="a key of the settings signs that was replaced or revoked",
        seam=seams.FIND_ACTIVE_SIGNER,
        wrong=_knows_no_ids,
        rules=(Rule.STOPS,),
        plan={"revokes": True, "has_settings_key": True},
    ),
    Mutation(
        name="the private half of a retired key stays",
        seam=seams.MOVE,
        wrong=_keep_private_key(KeyStatus.RETIRED),
        rules=(Rule.ERASED,),
    ),
    Mutation(
        name="the private half of a revoked key stays",
        seam=seams.MOVE,
        wrong=_keep_private_key(KeyStatus.REVOKED),
        rules=(Rule.ERASED,),
        plan={"revokes": True},
    ),
    # What a revocation promises.
    Mutation(
        name="the key that signs is revoked with no successor trusted before",
        seam=seams.PREPARE_SUCCESSOR,
        wrong=always(None),
        rules=(Rule.REPLACED,),
        plan={"revokes": True, "is_imported": True, "has_settings_key": True},
        often=(Kind.REVOKE,),
    ),
    Mutation(
        name="a successor does not sign at once where the key that signs is revoked",
        seam=seams.READY_SUCCESSOR,
        wrong=always(None),
        rules=(Rule.REPLACED,),
        plan={"revokes": True, "is_imported": True, "has_settings_key": True},
        often=(Kind.REVOKE,),
    ),
    Mutation(
        name="a key that began to sign a moment ago is revoked without a successor",
        seam=seams.LACKS_SUCCESSOR,
        wrong=always(False),
        rules=(Rule.REPLACED,),
        plan={
            "revokes": True,
            "holds": 0.1,
            "rotators": 3,
            "deaths": 0.0,
            "faults": 0.0,
            "has_settings_key": False,
        },
        often=(Kind.REVOKE, Kind.NEXT, Kind.NEXT, Kind.START),
    ),
    Mutation(
        name="a key is revoked while AWS cannot take its successor for a moment",
        seam=seams.PREPARE_SUCCESSOR,
        wrong=_give_up_at_once,
        rules=(Rule.REPLACED,),
        plan={"revokes": True, "is_imported": True, "has_settings_key": True, "faults": 0.2},
        often=(Kind.REVOKE,),
    ),
    Mutation(
        name="the last key of a group is taken out with none in its place",
        seam=seams.REMOVE_FROM_GROUP,
        wrong=_leave_the_last,
        rules=(Rule.ENDS, Rule.NO_TRACES),
        plan=_ALONE,
        often=(Kind.REVOKE, Kind.NEXT),
    ),
    Mutation(
        name="the last key of a group is not replaced",
        seam=seams.REPLACE_LAST,
        wrong=always(None),
        rules=(Rule.ENDS, Rule.NO_TRACES),
        plan=_ALONE,
        often=(Kind.REVOKE, Kind.NEXT),
    ),
    Mutation(
        name="a revocation that was left in the middle is not finished",
        seam=seams.AWAITS_REMOVAL,
        wrong=always(False),
        rules=(Rule.ENDS,),
        plan={"revokes": True, "deaths": 0.04},
    ),
    # What the database keeps unique.
    NotUnique(
        name="the database takes two ACTIVE key pairs of a group",
        column="active_in",
        rules=(Rule.ONE_ACTIVE,),
        plan={
            "faults": 0.0,
            "deaths": 0.0,
            "database_failures": 0.0,
            "holds": 0.05,
            "workers": 1,
            "rotators": 3,
            "has_settings_key": True,
            "is_imported": False,
        },
        often=(Kind.NEXT, Kind.NEXT, Kind.START, Kind.IMPORT),
    ),
    NotUnique(
        name="the database takes two successors of a group",
        column="next_in",
        rules=(Rule.ONCE,),
        plan={"holds": 0.1, "rotators": 3},
        often=(Kind.START,),
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unnoticed:
    """A change after which no schedule breaks a rule, or hardly any."""

    change: str
    why: str
    #: Where the test is that shows it instead, and its name.
    tested_in: str
    test: str


UNNOTICED: Final = [
    Unnoticed(
        change="Rotation.restore_missing resets verified_since after the key is back, not before",
        why="The check before it has reset it already, unless a person took the key out between "
        "that check and the last look; and the process must die between the two calls.",
        tested_in="tests/rotation/test_trust.py",
        test="test_put_back_that_dies_has_begun_the_wait_anew",
    ),
    Unnoticed(
        change="Keyring._look dates an answer when it is answered, not when it asks",
        why="Not found in 1,000 schedules: it needs a switch within a look that takes longer than "
        "an interval, and a worker that signs with the old answer in its last seconds.",
        tested_in="tests/keyring/test_lookup.py",
        test="test_an_answer_is_as_old_as_its_question",
    ),
    Unnoticed(
        change="Rotation._record_verified does not ask whether the key was put back meanwhile",
        why="It needs a probe that is held while the key is taken out and put back, and then no "
        "probe is refused.",
        tested_in="tests/rotation/test_trust.py",
        test="test_probe_from_before_it_was_put_back_does_not_count",
    ),
    Unnoticed(
        change="Rotation.remember_waits forgets RETIRING keys",
        why="All machines have the settings of the same moment here.",
        tested_in="tests/rotation/test_activate.py",
        test="test_lifetime_is_raised_for_one_run",
    ),
    Unnoticed(
        change="Rotation.finish_revocation does not look for the ACTIVE key in the group",
        why="The next step of any machine puts it back.",
        tested_in="tests/rotation/test_revoke.py",
        test="test_active_key_is_back_before_another_goes",
    ),
    Unnoticed(
        change="Rotation._is_unknown takes any id for the right one",
        why="No id is given wrong where keys are revoked: by hand, nothing could notice it.",
        tested_in="tests/rotation/test_revoke.py",
        test="test_successor_under_a_wrong_id_is_replaced",
    ),
    Unnoticed(
        change="KeyPairStore.lock does not lock the group",
        why="A simulated transaction is never interrupted by another one.",
        tested_in="tests/rotation/test_database.py",
        test="test_lock_writes_before_it_reads",
    ),
    Unnoticed(
        change="CallerReference is not the id of the row",
        why="A public key is found again by its name.",
        tested_in="tests/rotation/test_trust.py",
        test="test_public_key_has_the_reference_of_its_row",
    ),
    Unnoticed(
        change="A key signs after a last probe without an answer",
        why="Every edge has known the key for the propagation time by then; no invariant speaks "
        "of that probe.",
        tested_in="tests/rotation/test_activate.py",
        test="test_last_probe_must_be_answered",
    ),
    Unnoticed(
        change="KeyPairStore.claim gives a claim back at once, not after a moment",
        why="A key whose creation lost its answer is looked for again as long as ListPublicKeys "
        "may not show it.",
        tested_in="tests/rotation/test_database.py",
        test="test_failure_gives_the_step_back",
    ),
]
