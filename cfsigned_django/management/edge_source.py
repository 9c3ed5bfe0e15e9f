"""Make the local edge from the keys of a storage, or from a distribution as the API shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from wsgiref.types import WSGIApplication

from cfsigned_django.aws.client import make_client
from cfsigned_django.edge.follow import DistributionWatch, FollowedDistribution, key_names
from cfsigned_django.management.edge_rules import DistributionReader
from cfsigned_django.storage.origin import distribution_for
from cfsigned_django.storage.urls import SignedUrlMixin


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSource:
    """An edge in front of an origin."""

    application: WSGIApplication
    #: Lines for a person: keys, behaviors, and what the edge does not imitate.
    description: str
    #: Follows the distribution; must run beside the server if it is not None.
    watch: DistributionWatch | None = None


def from_storage(
    storage: SignedUrlMixin,
    origin: WSGIApplication,
    *,
    domain_names: tuple[str, ...],
    public: Sequence[str],
) -> EdgeSource:
    """Return an edge that trusts the keys that the storage signs with.

    Raise :exc:`ImproperlyConfigured` if the storage has none, and
    :exc:`ValueError` if CloudFront does not accept a pattern in ``public``.
    """
    paths = ", ".join(public) or "nothing: each request needs a signature"
    return EdgeSource(
        application=replace(
            distribution_for(storage, origin, public=public), domain_names=domain_names
        ),
        description=f"  key      {key_names(storage.trusted_keys())}\n  public   {paths}",
    )


def from_distribution(
    storage: SignedUrlMixin,
    origin: WSGIApplication,
    *,
    domain_names: tuple[str, ...],
    distribution_id: str,
    propagation: float,
    profile: str | None,
) -> EdgeSource:
    """Return an edge that follows the behaviors and key groups of a distribution.

    A change takes effect ``propagation`` seconds after the API shows it. Raise
    :exc:`AwsError` if the API does not answer now, and :exc:`ValueError` for a
    negative ``propagation``.
    """
    client = make_client("cloudfront", profile_name=profile)
    bucket = getattr(storage, "bucket_name", None)
    reader = DistributionReader(client, distribution_id, bucket=bucket)
    watch = DistributionWatch(reader.read, propagation=propagation)
    rules = watch.current()
    first, *others = rules.describe_behaviors()
    followed = f"followed through CloudFront's API; a change takes effect after {propagation:g} s"
    lines = [
        f"  edge of  {distribution_id}, {followed}",
        f"  serves   {first}",
        *(f"           {each}" for each in others),
        f"  keys     {rules.describe_keys()}",
    ]
    if rules.left_out:
        lines.append(f"  left out {', '.join(rules.left_out)}")
    application = FollowedDistribution(
        rules=watch.current,
        domain_names=domain_names,
        origin=origin,
        viewer_scheme=storage.url_protocol.removesuffix(":"),
    )
    return EdgeSource(application=application, description="\n".join(lines), watch=watch)
