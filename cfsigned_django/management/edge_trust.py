"""Find out whom the local edge trusts: a key, a key group, or a whole distribution."""

from __future__ import annotations

from typing import Any, Protocol
from wsgiref.types import WSGIApplication

from django.core.management.base import CommandError

from cfsigned_django.aws.client import make_client
from cfsigned_django.aws.edge_rules import (
    DistributionReader,
    ReadBehavior,
    ReadDistribution,
)
from cfsigned_django.aws.key_groups import KeyGroupReader
from cfsigned_django.edge.behavior import READ_AND_PREFLIGHT_METHODS, READ_METHODS, Behavior
from cfsigned_django.edge.distribution_watch import DistributionWatch, FollowedDistribution, Rules
from cfsigned_django.edge.key_group_watch import KeyGroupWatch, TrustedKeys, key_names
from cfsigned_django.edge.watch import Watch
from cfsigned_django.storage.origins import distribution_for
from cfsigned_django.storage.urls import SignedUrlMixin

_FOLLOWED = "followed through CloudFront's API; a change counts after"


class Trust(Protocol):
    """What the edge goes by."""

    @property
    def watch(self) -> Watch[Any] | None:
        """Return what has to run beside the server, if anything has."""

    def application(self, origin: WSGIApplication) -> WSGIApplication:
        """Return the edge in front of an origin. Raise ValueError for what it cannot be."""

    def describe(self) -> str:
        """Return the lines that say what the edge goes by."""


class StorageTrust:
    """Trust the keys that the storage signs with."""

    watch = None

    def __init__(self, storage: SignedUrlMixin, public: list[str]) -> None:
        storage.trusted_keys()  # raises now where nobody can sign
        self._storage = storage
        self._public = public

    def application(self, origin: WSGIApplication) -> WSGIApplication:
        """Return the edge in front of an origin."""
        return distribution_for(self._storage, origin, public=self._public)

    def describe(self) -> str:
        """Name the keys."""
        keys = key_names(self._storage.trusted_keys())
        return f"  key      {keys}\n{_describe_public(self._public)}"


class KeyGroupTrust:
    """Trust the keys of a key group, through CloudFront's API."""

    def __init__(
        self, storage: SignedUrlMixin, key_group_id: str, public: list[str], **options: Any
    ) -> None:
        self._storage = storage
        self._key_group_id = key_group_id
        self._public = public
        self._propagation = options["propagation"]
        client = make_client("cloudfront", profile_name=options["profile"])
        reader = KeyGroupReader(client, key_group_id)
        self.watch = KeyGroupWatch(reader.read, propagation=self._propagation)

    def application(self, origin: WSGIApplication) -> WSGIApplication:
        """Return the edge in front of an origin."""
        return distribution_for(
            self._storage, origin, public=self._public, trusted_keys=self.watch.trusted_keys
        )

    def describe(self) -> str:
        """Name the group and its keys."""
        return (
            f"  group    {self._key_group_id}, {_FOLLOWED} {self._propagation:g} s\n"
            f"  keys     {key_names(self.watch.trusted_keys())}\n{_describe_public(self._public)}"
        )


class DistributionTrust:
    """Go by the behaviors and key groups of a distribution, through CloudFront's API."""

    def __init__(
        self, storage: SignedUrlMixin, distribution_id: str, public: list[str], **options: Any
    ) -> None:
        if public:
            raise CommandError(
                "--public is for an edge without --distribution: there, a path is public where a "
                "behavior of the distribution wants no signature."
            )
        self._storage = storage
        self._distribution_id = distribution_id
        self._propagation = options["propagation"]
        client = make_client("cloudfront", profile_name=options["profile"])
        bucket = getattr(storage, "bucket_name", None)
        reader = DistributionReader(client, distribution_id, bucket=bucket)
        self.watch = DistributionWatch(
            lambda: rules_of(reader.read()), propagation=self._propagation
        )

    def application(self, origin: WSGIApplication) -> WSGIApplication:
        """Return the edge in front of an origin."""
        return FollowedDistribution(
            rules=self.watch.current,
            domain_names=(self._storage.custom_domain,),
            origin=origin,
            viewer_scheme=self._storage.url_protocol.removesuffix(":"),
        )

    def describe(self) -> str:
        """Name the distribution, its behaviors, and what the edge does not do."""
        rules = self.watch.current()
        first, *others = rules.describe_behaviors()
        lines = [
            f"  edge of  {self._distribution_id}, {_FOLLOWED} {self._propagation:g} s",
            f"  serves   {first}",
            *(f"           {each}" for each in others),
            f"  keys     {rules.describe_keys()}",
        ]
        if rules.left_out:
            lines.append(f"  left out {', '.join(rules.left_out)}")
        return "\n".join(lines)


def find_trust(storage: SignedUrlMixin, options: dict[str, Any]) -> Trust:
    """Return what the options of the command name.

    Raise :exc:`cfsigned_django.aws.client.AwsError` where the API does not say.
    """
    settings = {name: options[name] for name in ("public", "propagation", "profile")}
    if options["distribution"]:
        return DistributionTrust(storage, options["distribution"], **settings)
    if options["key_group_id"]:
        return KeyGroupTrust(storage, options["key_group_id"], **settings)
    if options["propagation"]:
        raise CommandError(
            "--propagation is for --key-group-id and --distribution: name one of them as well."
        )
    return StorageTrust(storage, options["public"])


def rules_of(found: ReadDistribution) -> Rules:
    """Return what the edge goes by, from what the API says.

    The keys of trusted signers are not in the API: such a behavior wants a
    signature, and there is no key to give one with.
    """
    *others, default = found.behaviors
    signers: dict[str, TrustedKeys] = {
        _signers(each): {} for each in found.behaviors if each.signers
    }
    return Rules(
        behaviors=(
            # With its slash, "*" is a pattern like another, and not the default behavior.
            *(_behavior(each, f"/{each.path_pattern.removeprefix('/')}") for each in others),
            _behavior(default, "*"),
        ),
        key_groups={**found.keys, **signers},
        left_out=found.left_out,
    )


def _behavior(found: ReadBehavior, path_pattern: str) -> Behavior:
    signers = (_signers(found),) if found.signers else ()
    takes_preflights = "OPTIONS" in found.methods
    return Behavior(
        path_pattern=path_pattern,
        trusted_key_groups=(*found.key_group_ids, *signers),
        allowed_methods=READ_AND_PREFLIGHT_METHODS if takes_preflights else READ_METHODS,
        foreign_origin=found.foreign_origin,
    )


def _signers(found: ReadBehavior) -> str:
    return f"the accounts {', '.join(found.signers)}"


def _describe_public(public: list[str]) -> str:
    return f"  public   {', '.join(public) or 'nothing: each request needs a signature'}"
