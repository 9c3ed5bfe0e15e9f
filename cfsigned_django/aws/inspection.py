"""Read what a diagnosis looks at, and go on where one thing cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from cfsigned_django.aws.account import (
    CACHE_POLICY,
    ORIGIN_REQUEST_POLICY,
    RESPONSE_HEADERS_POLICY,
    Bucket,
    Clients,
    Distribution,
    KeyGroup,
    Named,
    access_controls,
    key_groups,
    pages,
    read_bucket,
    read_distribution,
    read_policies,
    read_used_policies,
)
from cfsigned_django.aws.client import AwsError, call
from cfsigned_django.aws.documents.behavior import listed
from cfsigned_django.aws.documents.distribution import bucket_origins, covers
from cfsigned_django.aws.key_groups import KeyGroups, ListedPublicKey, read_public_key

T = TypeVar("T")

# After one of these the next call of the same service may succeed.
_OF_ONE_CALL: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "NoSuchDistribution", "NoSuchResource", "403"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What could be read; None for what could not, and why in ``problems``.

    ``distribution`` is None as well where the account has none that is meant:
    ``has_listed`` tells that it was looked for.
    """

    account_id: str | None = None
    distribution: Distribution | None = None
    has_listed: bool = False
    bucket: Bucket | None = None
    #: The one that signs; all of them where CloudFront has it not, or has another key.
    public_keys: tuple[ListedPublicKey, ...] | None = None
    key_groups: tuple[KeyGroup, ...] | None = None
    access_controls: tuple[Named, ...] | None = None
    cache_policies: Mapping[str, Named] | None = None
    origin_request_policies: Mapping[str, Named] | None = None
    #: Those alone that behaviors use.
    response_headers_policies: Mapping[str, Named] | None = None
    problems: tuple[AwsError, ...] = ()


def inspect(
    clients: Clients,
    *,
    domain: str,
    bucket: str | None,
    distribution_id: str | None = None,
    key_pair_id: str | None = None,
    public_key_pem: str = "",
) -> Inspection:
    """Return what can be read of the distribution that has a domain, and of a bucket.

    ``domain`` is a bare host: the distribution's own or an alternate one.
    ``key_pair_id`` and ``public_key_pem`` are of the key that signs, if one
    does. Never raises :exc:`AwsError`.
    """
    reading = _Reading()
    cloudfront = clients.cloudfront

    def account() -> str:
        answer = call(
            clients.sts.get_caller_identity, "see whose account this is", "sts:GetCallerIdentity"
        )
        return str(answer["Account"])

    def distribution() -> _Found:
        if distribution_id is not None:
            return _Found(distribution=read_distribution(cloudfront, distribution_id))
        return _Found(distribution=find_distribution(clients, domain, bucket))

    account_id = reading.read("sts", account)
    found = reading.read("cloudfront", distribution)
    there = found.distribution if found else None
    config = there.config if there else None
    owner = account_id or (there.arn.split(":")[4] if there else None)
    return Inspection(
        account_id=account_id,
        distribution=there,
        has_listed=found is not None,
        public_keys=(
            reading.read_keys(cloudfront, key_pair_id, public_key_pem) if key_pair_id else None
        ),
        key_groups=reading.read("cloudfront", lambda: tuple(key_groups(cloudfront))),
        access_controls=reading.read("cloudfront", lambda: tuple(access_controls(cloudfront))),
        cache_policies=reading.read(
            "cloudfront", lambda: read_policies(cloudfront, CACHE_POLICY, config)
        ),
        origin_request_policies=reading.read(
            "cloudfront", lambda: read_policies(cloudfront, ORIGIN_REQUEST_POLICY, config)
        ),
        response_headers_policies=reading.read(
            "cloudfront", lambda: read_used_policies(cloudfront, RESPONSE_HEADERS_POLICY, config)
        ),
        bucket=(
            reading.read_bucket(lambda: read_bucket(clients.s3, bucket, account_id=owner))
            if bucket and owner
            else None
        ),
        problems=tuple(reading.problems),
    )


def find_distribution(clients: Clients, domain: str, bucket: str | None) -> Distribution | None:
    """Return the account's distribution that has a domain, else the only one that reads a bucket.

    Raise :exc:`AwsError` where they cannot be listed or read.
    """
    readers = []
    for summary in pages(
        clients.cloudfront.list_distributions,
        "DistributionList",
        "list the distributions",
        "cloudfront:ListDistributions",
    ):
        names = [summary["DomainName"], *listed(summary.get("Aliases"))]
        if any(covers(each, domain) for each in names):
            return read_distribution(clients.cloudfront, summary["Id"])
        if bucket and bucket_origins(summary, bucket):
            readers.append(summary["Id"])
    return read_distribution(clients.cloudfront, readers[0]) if len(readers) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A distribution that was looked for, and may not be there."""

    distribution: Distribution | None


@dataclass(slots=True)
class _Reading:
    """Collect failures; a service that does not answer is not asked again."""

    problems: list[AwsError] = field(default_factory=list)
    _silent: set[str] = field(default_factory=set)

    def read(self, service: str, look: Callable[[], T]) -> T | None:
        """Return what a look finds, or None and note why."""
        if service in self._silent:
            return None
        try:
            return look()
        except AwsError as error:
            if error.code not in _OF_ONE_CALL:
                self._silent.add(service)
            # What keeps every call back is said once.
            if error.code in _OF_ONE_CALL or all(each.code != error.code for each in self.problems):
                self.problems.append(error)
            return None

    def read_keys(
        self, cloudfront: Any, key_pair_id: str, pem: str
    ) -> tuple[ListedPublicKey, ...] | None:
        """Return the key with an id; where it is not the right one, all, to find that there."""
        keys = self.read("cloudfront", lambda: _key_with_id(cloudfront, key_pair_id))
        if keys is None or any(each.holds(pem) for each in keys):
            return keys
        listed = self.read("cloudfront", lambda: tuple(KeyGroups(cloudfront).public_keys()))
        return keys if listed is None else listed

    def read_bucket(self, look: Callable[[], Bucket]) -> Bucket | None:
        """Return the bucket, and note each part of it that may not be read."""
        bucket = self.read("s3", look)
        if bucket is not None:
            self.problems.extend(bucket.unread.values())
        return bucket


def _key_with_id(cloudfront: Any, key_pair_id: str) -> tuple[ListedPublicKey, ...]:
    """Return the key with an id alone, or every key where only the list may be read.

    Who sets AWS up may list public keys, and needs no permission to read one.
    """
    try:
        found = read_public_key(cloudfront, key_pair_id)
    except AwsError as error:
        if error.code not in _OF_ONE_CALL:
            raise
        try:
            return tuple(KeyGroups(cloudfront).public_keys())
        except AwsError:
            raise error from None
    return () if found is None else (found,)
