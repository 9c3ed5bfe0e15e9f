"""Collect the guards of a rotation, and say which the simulation cannot see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.simulation.mutation import Mutation, NotUnique
from tests.simulation.mutations_of_claims import ONCE
from tests.simulation.mutations_of_revocation import REVOCATION
from tests.simulation.mutations_of_steps import CLOUDFRONT, SIGNING
from tests.simulation.mutations_of_waits import PROBES, WAITS
from tests.simulation.oracle import Rule
from tests.simulation.schedules import Kind

_UNIQUE: Final = [
    NotUnique(
        name="the database takes two ACTIVE key pairs of a group",
        column="active_in",
        rules=(Rule.ONE_ACTIVE,),
        plan={
            "faults": 0.0,
            "deaths": 0.0,
            "database_failures": 0.0,
            "holds": 0.1,
            "workers": 1,
            "rotators": 3,
            "has_settings_key": True,
            "is_imported": False,
        },
        often=(Kind.NEXT, Kind.NEXT, Kind.IMPORT),
    ),
    NotUnique(
        name="the database takes two successors of a group",
        column="next_in",
        rules=(Rule.ONCE,),
        plan={"holds": 0.1, "rotators": 3},
        often=(Kind.START,),
    ),
]

MUTATIONS: Final[list[Mutation | NotUnique]] = [
    *WAITS,
    *PROBES,
    *ONCE,
    *CLOUDFRONT,
    *REVOCATION,
    *SIGNING,
    *_UNIQUE,
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
        change="Rotation.put_back resets good_since after the key is back, not before",
        why="The check before it has reset it already, unless a person took the key out between "
        "that check and the last look; and the process must die between the two calls.",
        tested_in="tests/rotation/test_trust.py",
        test="test_put_back_that_dies_has_begun_the_wait_anew",
    ),
    Unnoticed(
        change="Keyring._look dates an answer when it is answered, not when it asks",
        why="Not found in 1,000 schedules: it needs a switch within a look that takes longer than "
        "an interval, and a worker that signs with the old answer in its last seconds.",
        tested_in="tests/keys/test_lookup.py",
        test="test_an_answer_is_as_old_as_its_question",
    ),
    Unnoticed(
        change="Rotation._record_good does not ask whether the key was put back meanwhile",
        why="It needs a probe that is held while the key is taken out and put back, and then no "
        "probe is refused.",
        tested_in="tests/rotation/test_trust.py",
        test="test_probe_from_before_it_was_put_back_does_not_count",
    ),
    Unnoticed(
        change="Rotation.remember_waits forgets RETIRING keys",
        why="All machines have the settings of the same moment here.",
        tested_in="tests/rotation/test_lifetimes.py",
        test="test_lifetime_is_raised_for_one_run",
    ),
    Unnoticed(
        change="Rotation.finish_revocation does not look for the ACTIVE key in the group",
        why="The next step of any machine puts it back.",
        tested_in="tests/rotation/test_revoke.py",
        test="test_active_key_is_back_before_another_goes",
    ),
    Unnoticed(
        change="Rotation._has_no_id takes any id for the right one",
        why="No id is given wrong where keys are revoked: by hand, nothing could notice it.",
        tested_in="tests/rotation/test_revoke_wrong_id.py",
        test="test_successor_under_a_wrong_id_is_replaced",
    ),
    Unnoticed(
        change="Record.lock does not lock the group",
        why="A simulated transaction is never interrupted by another one.",
        tested_in="tests/rotation/test_claims.py",
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
        tested_in="tests/rotation/test_steps.py",
        test="test_last_probe_must_be_answered",
    ),
    Unnoticed(
        change="Record.claim gives a claim back at once, not after a moment",
        why="A key whose creation lost its answer is looked for again as long as ListPublicKeys "
        "may not show it.",
        tested_in="tests/rotation/test_claims.py",
        test="test_failure_gives_the_step_back",
    ),
]
