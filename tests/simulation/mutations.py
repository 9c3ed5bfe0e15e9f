"""List the guards of a rotation, each as the change that takes it out."""

from __future__ import annotations

from typing import Final

from cfsigned_django import key_group_api, lifecycle, models, rotation_steps
from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.keyring import Keyring, Lease, _make_lease
from cfsigned_django.lifecycle import Waits
from cfsigned_django.record import Record
from cfsigned_django.rotation import Rotation
from tests.simulation.mutation import Mutation, NotUnique
from tests.simulation.oracle import Rule
from tests.simulation.schedules import Kind

_ALL_KINDS_OF_URL_LOSS = (Rule.URLS_WORK, Rule.URLS_FIRST)

_WAITS: Final = [
    Mutation(
        name="a key signs without having been known at every edge",
        target=lifecycle._known_at_every_edge,
        old="if key.good_since is None:",
        new="return\n    if key.good_since is None:",
        rules=(Rule.KNOWN_FIRST,),
    ),
    Mutation(
        name="a key signs at its first good probe",
        target=lifecycle._known_at_every_edge,
        old="key.good_since + waits.propagation",
        new="key.good_since",
        rules=(Rule.KNOWN_FIRST,),
    ),
    Mutation(
        name="a key is retired while its URLs are out",
        target=lifecycle._no_urls_out,
        old="if key.retiring_since is None:",
        new="return\n    if key.retiring_since is None:",
        rules=_ALL_KINDS_OF_URL_LOSS,
    ),
    Mutation(
        name="the wait for retirement ignores the lifetime of URLs",
        target=Waits.retirement,
        old="self.url_lifetime + ",
        new="",
        rules=_ALL_KINDS_OF_URL_LOSS,
    ),
    Mutation(
        name="the wait for retirement ignores the keyring",
        target=Waits.retirement,
        old="self.keyring + ",
        new="",
        rules=_ALL_KINDS_OF_URL_LOSS,
    ),
    Mutation(
        name="the wait for retirement ignores wrong clocks",
        target=Waits.retirement,
        old=" + self.clock_skew",
        new="",
        rules=_ALL_KINDS_OF_URL_LOSS,
        plan={"interval": 0},
    ),
    Mutation(
        name="the waits that were in force before are forgotten",
        target=lifecycle._no_urls_out,
        old="max(waits.retirement, key.retirement)",
        new="waits.retirement",
        rules=_ALL_KINDS_OF_URL_LOSS,
        plan={"max_expire": 86_400, "is_imported": True, "has_settings_key": True},
        often=(Kind.LIFETIME, Kind.SIGN),
    ),
    Mutation(
        name="a longer wait is not remembered while a key signs",
        target=Rotation.remember_waits,
        old="if active.retirement_seconds < self.waits.retirement:",
        new="if False:",
        rules=_ALL_KINDS_OF_URL_LOSS,
        plan={"max_expire": 86_400, "is_imported": True, "has_settings_key": True},
        often=(Kind.LIFETIME, Kind.SIGN),
    ),
    Mutation(
        name="a retirement is dated before the commit",
        target=Rotation._switch_to,
        old="retiring_at=None",
        new="retiring_at=self.clock()",
        rules=_ALL_KINDS_OF_URL_LOSS,
    ),
    Mutation(
        name="a retirement whose process died is never dated",
        target=Record.key_pairs,
        old="if key_pair.status == KeyStatus.RETIRING and key_pair.retiring_at is None:",
        new="if False:",
        rules=(Rule.ENDS,),
        plan={"deaths": 0.04},
    ),
    Mutation(
        name="a wait ends by the clock of the machine alone",
        target=Rotation._require,
        old="min(now, self.clock())",
        new="now",
        rules=(Rule.KNOWN_FIRST, *_ALL_KINDS_OF_URL_LOSS),
    ),
    Mutation(
        name="a wait begins by the clock of the machine alone",
        target=Rotation._record_good,
        old="max(now, self.clock())",
        new="now",
        rules=(Rule.KNOWN_FIRST,),
    ),
    Mutation(
        name="a moment within a second is rounded down",
        target=models._seconds,
        old="math.ceil(moment.timestamp())",
        new="int(moment.timestamp())",
        rules=(Rule.KNOWN_FIRST, *_ALL_KINDS_OF_URL_LOSS),
        plan={"interval": 0, "faults": 0.0, "deaths": 0.0, "holds": 0.0, "rotators": 1},
    ),
]

_PROBES: Final = [
    Mutation(
        name="no answer to a probe counts as a good one",
        target=Rotation.check,
        old="if result is ProbeResult.GOOD:",
        new="if result in (ProbeResult.GOOD, ProbeResult.NO_ANSWER):",
        rules=(Rule.KNOWN_FIRST,),
        plan={"faults": 0.2},
    ),
    Mutation(
        name="a refused probe does not begin the wait anew",
        target=Rotation.check,
        old="status=KeyStatus.TRUSTED), good_since=None)",
        new="status=KeyStatus.TRUSTED), changed_by='')",
        rules=(Rule.KNOWN_FIRST,),
        plan={"faults": 0.0, "deaths": 0.0, "workers": 1, "rotators": 3},
        often=(Kind.ADVANCE, Kind.NEXT),
    ),
    Mutation(
        name="a probe from before a key was put back counts",
        target=Rotation._record_good,
        old=", trusted_at=seen",
        new="",
        rules=(Rule.KNOWN_FIRST,),
        plan={"meddles": True, "holds": 0.1, "rotators": 3, "has_settings_key": False},
    ),
    Mutation(
        name="a key signs without a look whether it is still in the group",
        target=Rotation.activate,
        old="if self.put_back(key_pair, now=now):",
        new="if False:",
        rules=(Rule.KNOWN_FIRST, Rule.URLS_WORK),
        plan={"meddles": True, "holds": 0.1, "has_settings_key": False},
        often=(Kind.TAKEN_OUT, Kind.NEXT),
    ),
    Mutation(
        name="a key is not looked at again under the lock",
        target=Record.lock,
        old="key_pair.refresh_from_db(using=self.rows.db)",
        new="pass",
        rules=(Rule.NO_TRACES, Rule.ONCE),
        plan={"holds": 0.1, "rotators": 3, "revokes": True, "has_settings_key": False},
        often=(Kind.REVOKE, Kind.START, Kind.ADVANCE),
    ),
]

_ONCE: Final = [
    Mutation(
        name="a claim is always granted",
        target=Record.claim,
        old="rows.filter(free)",
        new="rows",
        rules=(Rule.ONCE,),
        plan={"holds": 0.1, "rotators": 3},
    ),
    Mutation(
        name="a move does not look what the key is now",
        target=Record.move,
        old="pk=key_pair.pk, status=key_pair.status",
        new="pk=key_pair.pk",
        rules=(Rule.ONCE,),
        plan={"holds": 0.1, "rotators": 3},
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
        target=Rotation.trust,
        old="self.write(self.rows.filter(pk=key_pair.pk, status=KeyStatus.REVOKED), "
        "removed_at=None)",
        new="pass",
        rules=(Rule.NO_TRACES,),
        plan={"holds": 0.1, "rotators": 3, "revokes": True, "has_settings_key": False},
    ),
]

_CLOUDFRONT: Final = [
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
        plan={"holds": 0.1, "rotators": 3},
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
        old="ours = [name for name, each in listed.items() if each.holds(key_pair.public_key)]",
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
        name="a key is retired before it is out of CloudFront",
        target=Rotation.retire,
        old="self._take_out(key_pair)",
        new="pass",
        rules=(Rule.NO_TRACES,),
    ),
    Mutation(
        name="a revocation that was left in the middle is not finished",
        target=rotation_steps._steps,
        old="if status is KeyStatus.REVOKED and key_pair.removed_at is None:",
        new="if False:",
        rules=(Rule.ENDS,),
        plan={"revokes": True, "deaths": 0.04},
    ),
    Mutation(
        name="a key that signs in haste is not looked for in the group",
        target=Rotation.finish_revocation,
        old="self._keep_active_in()",
        new="pass",
        rules=(Rule.URLS_WORK, Rule.NO_TRACES),
        plan={"revokes": True, "meddles": True, "has_settings_key": True, "is_imported": True},
        often=(Kind.TAKEN_OUT, Kind.REVOKE, Kind.SIGN),
    ),
]

_SIGNING: Final = [
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
        name="an answer of the database counts from when it came",
        target=Keyring._look,
        old="slot.answer = _Answer(found=found, seen_at=looked_on)",
        new="looked_at, looked_on = self._monotonic(), self._wall(); "
        "slot.answer = _Answer(found=found, seen_at=looked_on)",
        rules=(Rule.STOPS, *_ALL_KINDS_OF_URL_LOSS),
        plan={"interval": 10, "revokes": True, "is_imported": True, "has_settings_key": True},
        often=(Kind.SIGN, Kind.REVOKE, Kind.NEXT),
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

_UNIQUE: Final = [
    NotUnique(
        name="the database takes two ACTIVE key pairs of a group",
        column="active_in",
        rules=(Rule.ONE_ACTIVE,),
        plan={"holds": 0.1, "rotators": 3, "has_settings_key": True, "is_imported": False},
        often=(Kind.IMPORT, Kind.NEXT),
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
    *_UNIQUE,
    *_WAITS,
    *_PROBES,
    *_ONCE,
    *_CLOUDFRONT,
    *_SIGNING,
]

#: Changes after which no schedule breaks a rule, or hardly any, and why. Other tests are for these.
UNNOTICED: Final = {
    "Rotation.put_back resets good_since, before the key is back": "The check before it has reset "
    "it already, unless a person took the key out between that check and the last look.",
    "Record.lock locks the group": "A simulated transaction is never interrupted by another one.",
    "CallerReference is the id of the row": "A public key is found again by its name.",
    "Unanswered keeps a key from signing after a last probe without an answer": "Every edge has "
    "known the key for the propagation time by then; no invariant speaks of that probe.",
    "Record.claim gives a claim back after a moment, not at once": "A key whose creation lost its "
    "answer is looked for again as long as ListPublicKeys may not show it.",
}
