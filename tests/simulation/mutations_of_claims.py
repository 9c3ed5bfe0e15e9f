"""List what lets a step be repeated and done once, each as the change that loses it."""

from __future__ import annotations

from typing import Final

from cfsigned_django.rotation.record import Claim, Record
from cfsigned_django.rotation.rotation import Rotation
from tests.simulation.mutation import Mutation
from tests.simulation.oracle import Rule
from tests.simulation.schedules import Kind

ONCE: Final = [
    Mutation(
        name="a claim is always granted",
        target=Claim.begin,
        old="self.rows.filter(Q(claimed_until=None) | Q(claimed_until__lte=now))",
        new="self.rows",
        rules=(Rule.ONCE,),
        plan={"holds": 0.1, "rotators": 3},
    ),
    Mutation(
        name="a step goes on that another process took",
        target=Claim.renew,
        old="self.rows.filter(claimed_until=self.until)",
        new="self.rows",
        rules=(Rule.ONCE,),
        plan={"holds": 0.1, "rotators": 3},
    ),
    Mutation(
        name="a key is brought in without a look whether the step is still its own",
        target=Rotation.trust,
        old="api.before_each_call(claim.renew)",
        new="api",
        rules=(Rule.ONCE,),
    ),
    Mutation(
        name="a key is retired without a look whether the step is still its own",
        target=Rotation.retire,
        old="self.key_groups.before_each_call(claim.renew)",
        new="self.key_groups",
        rules=(Rule.ONCE,),
    ),
    Mutation(
        name="a key is put back without a look whether the step is still its own",
        target=Rotation.put_back,
        old="self.key_groups.before_each_call(claim.renew)",
        new="self.key_groups",
        rules=(Rule.ONCE,),
        plan={"meddles": True, "has_settings_key": False},
        often=(Kind.TAKEN_OUT, Kind.NEXT),
    ),
    Mutation(
        name="a revocation is finished without a look whether the step is still its own",
        target=Rotation.finish_revocation,
        old="self.key_groups.before_each_call(claim.renew)",
        new="self.key_groups",
        rules=(Rule.ONCE,),
        plan={"revokes": True},
        often=(Kind.REVOKE,),
    ),
    Mutation(
        name="a move does not look what the key is now",
        target=Record.move,
        old="pk=key_pair.pk, status=key_pair.status",
        new="pk=key_pair.pk",
        rules=(Rule.ONCE, Rule.NO_TRACES, Rule.ENDS),
        plan={
            "holds": 0.1,
            "rotators": 3,
            "deaths": 0.0,
            "faults": 0.0,
            "database_failures": 0.0,
            "max_expire": 20,
            "interval": 0,
        },
        often=(Kind.NEXT, Kind.START),
    ),
    Mutation(
        name="a revocation gives away the step that somebody is at",
        target=Rotation._record_revocation,
        old="claimed_until=key_pair.claimed_until",
        new="claimed_until=None",
        rules=(Rule.NO_TRACES, Rule.ONCE),
        plan={"holds": 0.1, "rotators": 3, "revokes": True},
    ),
    Mutation(
        name="a key that was revoked while it was brought in stays",
        target=Rotation._reopen_removal,
        old="removed_at=None, ",
        new="",
        rules=(Rule.NO_TRACES,),
        plan={"holds": 0.1, "rotators": 3, "revokes": True, "has_settings_key": False},
        often=(Kind.REVOKE, Kind.START, Kind.ADVANCE),
    ),
    Mutation(
        name="a revocation is over while somebody creates the key",
        target=Rotation.finish_revocation,
        old="rows = rows.filter(claimed_until=claim.until)",
        new="pass",
        rules=(Rule.NO_TRACES, Rule.ONCE),
        plan={"holds": 0.3, "rotators": 3, "revokes": True, "deaths": 0.0},
        often=(Kind.REVOKE, Kind.START, Kind.ADVANCE, Kind.NEXT),
    ),
]
