"""Collect the guards of a rotation, and say which the simulation cannot see."""

from __future__ import annotations

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

#: Changes after which no schedule breaks a rule, or hardly any, and why. Other tests are for these.
UNNOTICED: Final = {
    "Rotation.put_back resets good_since before the key is back, not after": "The check before it "
    "has reset it already, unless a person took the key out between that check and the last look; "
    "and the process must die between the two calls. tests/rotation/test_trust.py tests it.",
    "Keyring._look dates an answer when it asks, not when it is answered": "Not found in 1,000 "
    "schedules: it needs a switch within a look that takes longer than an interval, and a worker "
    "that signs with the old answer in its last seconds. tests/keys/test_lookup.py tests it.",
    "Rotation._record_good looks whether the key was put back since the probe was sent": "It needs "
    "a probe that is held while the key is taken out and put back, and then no probe is refused. "
    "tests/rotation/test_trust.py tests it.",
    "Rotation.remember_waits records the waits for RETIRING keys as well": "All machines have the "
    "settings of the same moment here. tests/rotation/test_lifetimes.py tests it.",
    "Rotation.finish_revocation looks for the ACTIVE key in the group": "The next step of any "
    "machine puts it back. tests/rotation/test_revoke.py tests it.",
    "Record.lock locks the group": "A simulated transaction is never interrupted by another one.",
    "CallerReference is the id of the row": "A public key is found again by its name.",
    "Unanswered keeps a key from signing after a last probe without an answer": "Every edge has "
    "known the key for the propagation time by then; no invariant speaks of that probe.",
    "Record.claim gives a claim back after a moment, not at once": "A key whose creation lost its "
    "answer is looked for again as long as ListPublicKeys may not show it.",
}
