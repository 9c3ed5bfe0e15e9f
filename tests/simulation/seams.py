"""Say where each decision of a rotation is taken: the one place that knows it.

A mutation replaces what stands there with something wrong. A decision that
moves to another module or class changes one line here.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, TypeAlias

from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.keyring import Keyring, Lease
from cfsigned_django.rotation import active, cloudfront, lifecycle, store
from cfsigned_django.rotation.lifecycle import Waits
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.store import Claim, KeyPairStore
from tests.simulation.faults import UnreliableCloudFront

#: Takes what is right, and returns what stands in its place.
Wrong: TypeAlias = Callable[[Any], Any]
#: Where functions are looked for that were imported by name.
_PACKAGES: Final = ("cfsigned_django.", "tests.simulation.")


@dataclass(frozen=True, slots=True)
class Seam:
    """A function of a module, or a method or a property of a class."""

    owner: Any
    name: str

    @contextmanager
    def replaced(self, wrong: Wrong) -> Iterator[None]:
        """Let everybody run something else, under whatever name they imported it."""
        right = inspect.getattr_static(self.owner, self.name)
        places = [(self.owner, self.name)]
        if isinstance(self.owner, ModuleType):
            places = [place for place in _names() if vars(place[0])[place[1]] is right]
        is_inherited = self.name not in vars(self.owner)
        other = property(wrong(right.fget)) if isinstance(right, property) else wrong(right)
        for owner, name in places:
            setattr(owner, name, other)
        try:
            yield
        finally:
            for owner, name in places:
                if is_inherited:
                    delattr(owner, name)
                else:
                    setattr(owner, name, right)


def _names() -> list[tuple[Any, str]]:
    modules = [each for name, each in sys.modules.items() if name.startswith(_PACKAGES)]
    return [(module, name) for module in modules for name in vars(module)]


# What a key waits for.
KNOWN_EVERYWHERE_AT: Final = Seam(lifecycle, "known_everywhere_at")
URLS_EXPIRED_AT: Final = Seam(lifecycle, "urls_expired_at")
RETIREMENT_WAIT: Final = Seam(lifecycle, "retirement_wait")
LACKS_RETIREMENT_DATE: Final = Seam(lifecycle, "lacks_retirement_date")
MAY_CORRECT_ID: Final = Seam(lifecycle, "may_correct_id")
NEWLY_TRUSTED: Final = Seam(lifecycle, "newly_trusted")
END_OF_WAIT_BY: Final = Seam(lifecycle, "end_of_wait_by")
BEGIN_OF_WAIT_BY: Final = Seam(lifecycle, "begin_of_wait_by")
FULL_SECONDS: Final = Seam(lifecycle, "full_seconds")
RETIREMENT: Final = Seam(Waits, "retirement")
REMEMBER_WAITS: Final = Seam(Rotation, "remember_waits")
SHOWS_KNOWN: Final = Seam(ProbeResult, "shows_known")
SHOWS_UNKNOWN: Final = Seam(ProbeResult, "shows_unknown")
REQUIRE_IN_GROUP: Final = Seam(Rotation, "_require_in_group")

# What lets a step be done once, and repeated.
IS_UNCLAIMED: Final = Seam(store, "is_unclaimed")
OWN_ROWS: Final = Seam(Claim, "own_rows")
BEFORE_EACH_CALL: Final = Seam(Claim, "before_each_call")
END_CLAIM: Final = Seam(Claim, "end")
LOCK: Final = Seam(KeyPairStore, "lock")
MOVE: Final = Seam(KeyPairStore, "move")
REOPEN_REMOVAL: Final = Seam(Rotation, "_reopen_removal")

# What a revocation promises.
PREPARE_SUCCESSOR: Final = Seam(Rotation, "_prepare_successor")
READY_SUCCESSOR: Final = Seam(Rotation, "ready_successor")
LACKS_SUCCESSOR: Final = Seam(Rotation, "_lacks_successor")
REPLACE_LAST: Final = Seam(Rotation, "_replace_last")
AWAITS_REMOVAL: Final = Seam(KeyPair, "awaits_removal")

# What is done in CloudFront.
CALLER_NAME: Final = Seam(KeyPair, "caller_name")
OWN_IDS: Final = Seam(cloudfront, "own_ids")
MAY_BE_UNLISTED: Final = Seam(cloudfront, "may_be_unlisted")
NOTE_ID: Final = Seam(Rotation, "_note_id")
LEAVE: Final = Seam(Rotation, "_leave")
CHECK_ROOM: Final = Seam(KeyGroups, "check_room")
REMOVE_FROM_GROUP: Final = Seam(KeyGroups, "remove")
DELETE_PUBLIC_KEY: Final = Seam(KeyGroups, "delete_public_key")
#: The call itself, as boto3 has it.
UPDATE_KEY_GROUP: Final = Seam(UnreliableCloudFront, "update_key_group")

# How signing ends.
LIMIT: Final = Seam(Lease, "cap_expiry")
KEYRING: Final = Seam(Keyring, "__init__")
FIND_ACTIVE_SIGNER: Final = Seam(active, "find_active_signer")
