"""List what a revocation promises, each as the change that loses it."""

from __future__ import annotations

from typing import Final

from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.rotation import steps as rotation_steps
from cfsigned_django.rotation.rotation import Rotation
from tests.simulation.mutation import Mutation
from tests.simulation.oracle import Rule
from tests.simulation.schedules import Kind

#: Circumstances in which the ACTIVE key is often the only one in its group.
_ALONE: Final = {
    "revokes": True,
    "is_alone": True,
    "has_settings_key": True,
    "is_imported": True,
    "meddles": False,
}

REVOCATION: Final = [
    Mutation(
        name="the key that signs is revoked with no successor trusted before",
        target=Rotation._prepare_successor,
        old="self._bring_successor(key_pair, now, reason, algorithm)",
        new="pass",
        rules=(Rule.REPLACED,),
        plan={"revokes": True, "is_imported": True, "has_settings_key": True},
        often=(Kind.REVOKE,),
    ),
    Mutation(
        name="a successor does not sign at once where the key that signs is revoked",
        target=Rotation._record_revocation,
        old="self.ready_successor() if was_active else None",
        new="None",
        rules=(Rule.REPLACED,),
        plan={"revokes": True, "is_imported": True, "has_settings_key": True},
        often=(Kind.REVOKE,),
    ),
    Mutation(
        name="a key that began to sign a moment ago is revoked without a successor",
        target=Rotation._record_revocation,
        old="if was_active and can_wait and self._lacks_successor():",
        new="if False:",
        rules=(Rule.REPLACED,),
        plan={"revokes": True, "holds": 0.3, "rotators": 3, "deaths": 0.0, "faults": 0.0},
        often=(Kind.REVOKE, Kind.NEXT, Kind.START),
    ),
    Mutation(
        name="a key is revoked while AWS cannot take its successor for a moment",
        target=Rotation._prepare_successor,
        old="if error.is_temporary:",
        new="if False:",
        rules=(Rule.REPLACED,),
        plan={"revokes": True, "is_imported": True, "has_settings_key": True, "faults": 0.2},
        often=(Kind.REVOKE,),
    ),
    Mutation(
        name="the last key of a group is taken out with none in its place",
        target=KeyGroups.remove,
        old="if items == (key_pair_id,):",
        new="if False:",
        rules=(Rule.ENDS, Rule.NO_TRACES),
        plan=_ALONE,
        often=(Kind.REVOKE, Kind.NEXT),
    ),
    Mutation(
        name="the last key of a group is not replaced",
        target=Rotation.leave,
        old="self._replace_last(key_pair, now, algorithm)",
        new="pass",
        rules=(Rule.ENDS, Rule.NO_TRACES),
        plan=_ALONE,
        often=(Kind.REVOKE, Kind.NEXT),
    ),
    Mutation(
        name="a revocation that was left in the middle is not finished",
        target=rotation_steps._steps,
        old="if status is KeyStatus.REVOKED and key_pair.removed_at is None:",
        new="if False:",
        rules=(Rule.ENDS,),
        plan={"revokes": True, "deaths": 0.04},
    ),
]
