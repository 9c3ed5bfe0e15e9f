"""Follow a distribution: its behaviors, and the keys of the key groups that they trust."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from cfsigned_django.edge.behavior import Behavior
from cfsigned_django.edge.distribution import Distribution
from cfsigned_django.edge.watch import Watch
from cfsigned_django.signing.keys import PublicKey

#: Id of a public key -> the key.
TrustedKeys: TypeAlias = Mapping[str, PublicKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a distribution asks of viewers.

    ``behaviors`` are as in :class:`Distribution`, ``key_groups`` has the keys
    of each group that they trust, by its id, and ``left_out`` names what the
    distribution has and this edge does not do.
    """

    behaviors: tuple[Behavior, ...]
    key_groups: Mapping[str, TrustedKeys]
    left_out: tuple[str, ...] = ()

    def describe_keys(self) -> str:
        """Return the ids of all trusted keys for people."""
        return key_names(
            {name: key for keys in self.key_groups.values() for name, key in keys.items()}
        )

    def describe_behaviors(self) -> list[str]:
        """Return the behaviors in their order for people."""
        return [_describe(each) for each in self.behaviors]


class DistributionWatch(Watch[Rules]):
    """Know what a distribution asks of viewers; see :class:`Watch`.

    ``read`` asks for the rules of this moment.
    """

    def __init__(
        self,
        read: Callable[[], Rules],
        *,
        propagation: float = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(
            read,
            what="The distribution",
            describe=Rules.describe_keys,
            changes=_changes,
            propagation=propagation,
            clock=clock,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedDistribution:
    """Serve each request by the rules of its moment: a WSGI application.

    ``rules`` returns them; the rest is as in :class:`Distribution`.
    """

    rules: Callable[[], Rules]
    domain_names: tuple[str, ...]
    origin: WSGIApplication
    viewer_scheme: str | None = None

    def current(self) -> Distribution:
        """Return the distribution as it is at this moment."""
        rules = self.rules()
        return Distribution(
            domain_names=self.domain_names,
            behaviors=rules.behaviors,
            key_groups=rules.key_groups,
            origin=self.origin,
            viewer_scheme=self.viewer_scheme,
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self.current()(environ, start_response)


def key_names(keys: TrustedKeys) -> str:
    """Return the ids of the keys for people."""
    return ", ".join(sorted(keys)) or "no key"


def _describe(behavior: Behavior) -> str:
    name = "Default (*)" if behavior.is_default else behavior.path_pattern.removeprefix("/")
    if behavior.foreign_origin:
        return f"{name}: nothing here, it reads {behavior.foreign_origin}"
    groups = " and ".join(behavior.trusted_key_groups)
    return f"{name}: signed by {groups}" if groups else f"{name}: open to everybody"


def _changes(before: Rules, after: Rules) -> Iterator[str]:
    for group, keys in after.key_groups.items():
        if group in before.key_groups and keys != before.key_groups[group]:
            yield f"The key group {group} holds {key_names(keys)} now"
    if after.behaviors != before.behaviors:
        yield f"The behaviors are, in their order: {'; '.join(after.describe_behaviors())}"
    if new := [each for each in after.left_out if each not in before.left_out]:
        yield f"The distribution has {', '.join(new)} now, which this edge leaves out"
