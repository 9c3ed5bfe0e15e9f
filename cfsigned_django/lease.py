"""Say what the database knows of a key group, and for how long a process may rely on it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from django.core.exceptions import ImproperlyConfigured

from cfsigned_django.signing import HashAlgorithm, Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the database says of a key group."""

    #: The signer of its ACTIVE key pair, if there is one.
    signer: Signer | None = None
    #: Where there is none: the ids of all key pairs that it knows. A key of
    #: the settings among them was replaced or revoked, and must not sign.
    known_ids: frozenset[str] = frozenset()


#: Takes a key group, a hash algorithm, and the signer that was ACTIVE at the last look.
FindActive: TypeAlias = Callable[[str, HashAlgorithm | None, Signer | None], Found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A signer, and how long URLs may live that it signs."""

    signer: Signer
    #: When the database was last asked with success, in Unix seconds by this
    #: machine's clock; where it has never answered, when it was first asked.
    #: None where it does not decide.
    seen_at: float | None = None
    #: For how many seconds an answer may be used at its full worth.
    worth: int = 0
    #: Until when nobody needs to ask again, in Unix seconds.
    fresh_until: float = math.inf

    def limit(self, expires: int, *, lifetime: int, now: int) -> int:
        """Return the expiry of a URL, in Unix seconds, while its key is still trusted.

        ``lifetime`` is the longest that a URL may have. A key that is no
        longer ACTIVE stays trusted for that long, and for ``worth`` seconds
        more. So a process that cannot ask the database may go on, but its
        URLs end where the key could end. Raise :exc:`ImproperlyConfigured`
        where that has passed.
        """
        if self.seen_at is None:
            return expires
        latest = int(self.seen_at) + self.worth + lifetime
        if latest <= now:
            raise ImproperlyConfigured(
                f"The database has not said for {now - int(self.seen_at)} s whether "
                f"{self.signer.key_pair_id} still signs: nothing can be signed until it answers."
            )
        return min(expires, latest)
