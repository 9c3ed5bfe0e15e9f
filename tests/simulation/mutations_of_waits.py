"""List what a key waits for before it signs and before it goes, each as the change that ends it."""

from __future__ import annotations

from typing import Final

from cfsigned_django.rotation import lifecycle, models
from cfsigned_django.rotation.lifecycle import Waits
from cfsigned_django.rotation.record import Record
from cfsigned_django.rotation.rotation import Rotation
from tests.simulation.mutation import Mutation
from tests.simulation.oracle import Rule
from tests.simulation.schedules import Kind

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

WAITS: Final = [
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
        old="if any(",
        new="if False and any(",
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
        target=Rotation.require,
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

PROBES: Final = [
    Mutation(
        name="no answer to a probe counts as a good one",
        target=Rotation.check,
        old="if result is ProbeResult.GOOD:",
        new="if result in (ProbeResult.GOOD, ProbeResult.NO_ANSWER):",
        rules=(Rule.KNOWN_FIRST,),
        plan={"faults": 0.2},
    ),
    Mutation(
        name="a probe counts where no signature is needed",
        target=Rotation.check,
        old="if result is ProbeResult.GOOD:",
        new="if result in (ProbeResult.GOOD, ProbeResult.UNRESTRICTED):",
        rules=(Rule.KNOWN_FIRST,),
        often=(Kind.OPEN,),
    ),
    Mutation(
        name="an id is corrected though the key works",
        target=Rotation._correct_id,
        old="if key_pair.status != KeyStatus.TRUSTED or key_pair.good_since is not None:",
        new="if False:",
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
        target=Rotation.check,
        old="status=KeyStatus.TRUSTED), good_since=None)",
        new="status=KeyStatus.TRUSTED), changed_by='')",
        rules=(Rule.KNOWN_FIRST,),
        plan={"faults": 0.0, "deaths": 0.0, "workers": 1, "rotators": 3},
        often=(Kind.ADVANCE, Kind.NEXT),
    ),
    Mutation(
        name="a key that was put back goes on with its old wait",
        target=Rotation.put_back,
        old="good_since=None, trusted_at=now",
        new="trusted_at=now",
        rules=(Rule.KNOWN_FIRST,),
        plan={**_HELD_OFTEN, "holds": 0.1, "revokes": False},
        often=(Kind.TAKEN_OUT, Kind.TAKEN_OUT, Kind.NEXT, Kind.START),
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
