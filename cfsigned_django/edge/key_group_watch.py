"""Follow the public keys of one key group."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from cfsigned_django.edge.watch import Watch
from cfsigned_django.signing.keys import PublicKey

#: Id of a public key -> the key.
TrustedKeys: TypeAlias = Mapping[str, PublicKey]


class KeyGroupWatch(Watch[TrustedKeys]):
    """Know the public keys of a key group; see :class:`Watch`.

    ``read`` asks for the keys that the group holds now.
    """

    def __init__(
        self,
        read: Callable[[], TrustedKeys],
        *,
        propagation: float = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(
            lambda: dict(read()),
            what="The key group",
            describe=key_names,
            changes=_changes,
            propagation=propagation,
            clock=clock,
        )

    def trusted_keys(self) -> TrustedKeys:
        """Return the keys that the edge trusts at this moment."""
        return self.current()


def key_names(keys: TrustedKeys) -> str:
    """Return the ids of the keys for people."""
    return ", ".join(sorted(keys)) or "no key"


def _changes(before: TrustedKeys, after: TrustedKeys) -> Iterator[str]:
    yield f"The key group holds {key_names(after)} now"
