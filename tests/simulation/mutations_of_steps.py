"""List what is done in CloudFront, and how signing ends, each as the change that loses it."""

from __future__ import annotations

from typing import Final

from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.keyring import Keyring, Lease, _make_lease
from cfsigned_django.rotation import key_group_api, models
from cfsigned_django.rotation.rotation import Rotation
from tests.simulation.mutation import Mutation
from tests.simulation.oracle import Rule
from tests.simulation.schedules import Kind

_ALL_KINDS_OF_URL_LOSS = (Rule.URLS_WORK, Rule.URLS_FIRST)

CLOUDFRONT: Final = [
    Mutation(
        name="a public key is not found again by its name",
        target=models.KeyPair.caller_name,
        old="{self.id}",
        new="{uuid.uuid4()}",
        rules=(Rule.ENDS, Rule.NO_TRACES),
        plan={"faults": 0.2},
    ),
    Mutation(
        name="a key group is changed whoever changed it in between",
        target=KeyGroups._edit,
        old="IfMatch=etag",
        new="IfMatch=self._read(key_group_id)[1]",
        rules=(Rule.NO_TRACES, Rule.KNOWN_FIRST, *_ALL_KINDS_OF_URL_LOSS),
        plan={"holds": 0.3, "rotators": 3, "deaths": 0.0, "is_alone": False},
        often=(Kind.FOREIGN_IN, Kind.FOREIGN_OUT, Kind.START, Kind.ADVANCE),
    ),
    Mutation(
        name="a key that is added takes the place of the others",
        target=KeyGroups.add,
        old="(*items, key_pair_id)",
        new="(key_pair_id,)",
        rules=(Rule.NO_TRACES,),
    ),
    Mutation(
        name="the quota is not looked at before a rotation starts",
        target=Rotation.start,
        old="if self.key_groups is not None:",
        new="if False:",
        rules=(Rule.ROOM_FIRST,),
    ),
    Mutation(
        name="a public key is not deleted",
        target=key_group_api.take_out,
        old="api.delete_public_key(key_pair_id)",
        new="pass",
        rules=(Rule.NO_TRACES,),
    ),
    Mutation(
        name="a public key is found only by the id in the row",
        target=key_group_api.take_out,
        old="ours = [name for name, each in listed.items() if each.holds(public_key)]",
        new="ours = [name for name in listed if name == key_pair.key_pair_id]",
        rules=(Rule.NO_TRACES,),
        plan={"revokes": True, "deaths": 0.04, "has_settings_key": False},
    ),
    Mutation(
        name="a public key that is not listed yet is left",
        target=key_group_api.take_out,
        old="if not ours and key_pair.key_pair_id and key_pair.key_pair_id not in listed:",
        new="if False:",
        rules=(Rule.NO_TRACES,),
        plan={"revokes": True, "list_lag": 1.0, "has_settings_key": False},
    ),
    Mutation(
        name="the id of a new public key is written down only once it is in its group",
        target=key_group_api.bring_in,
        old="note_id(key_pair_id)",
        new="pass",
        rules=(Rule.NO_TRACES,),
        plan={"revokes": True, "list_lag": 1.0, "faults": 0.0, "deaths": 0.0, "holds": 0.0},
        often=(Kind.START, Kind.FULL, Kind.ADVANCE, Kind.REVOKE),
    ),
    Mutation(
        name="a key is retired before it is out of CloudFront",
        target=Rotation.retire,
        old="self.leave(self.key_groups.before_each_call(claim.renew), key_pair, now)",
        new="pass",
        rules=(Rule.NO_TRACES,),
    ),
]

SIGNING: Final = [
    Mutation(
        name="a process without the database signs for any time",
        target=Lease.limit,
        old="if self.seen_at is None:",
        new="return expires\n    if self.seen_at is None:",
        rules=_ALL_KINDS_OF_URL_LOSS,
    ),
    Mutation(
        name="a process that sleeps does not notice",
        target=Keyring._age,
        old="max(self._monotonic() - slot.looked_at, self._wall() - slot.looked_on)",
        new="self._monotonic() - slot.looked_at",
        rules=(Rule.STOPS, *_ALL_KINDS_OF_URL_LOSS),
        plan={"interval": 60, "max_expire": 86_400, "workers": 1, "revokes": True},
        often=(Kind.SLEEP, Kind.SIGN, Kind.REVOKE),
    ),
    Mutation(
        name="a key of the settings signs that was replaced or revoked",
        target=_make_lease,
        old=" and fallback.key_pair_id not in answer.found.known_ids",
        new="",
        rules=(Rule.STOPS,),
        plan={"revokes": True, "has_settings_key": True},
    ),
    Mutation(
        name="the private half of a retired key stays",
        target=Rotation.retire,
        old=', sealed_private_key=""',
        new="",
        rules=(Rule.ERASED,),
    ),
    Mutation(
        name="the private half of a revoked key stays",
        target=Rotation._record_revocation,
        old='sealed_private_key="",',
        new="",
        rules=(Rule.ERASED,),
        plan={"revokes": True},
    ),
]
