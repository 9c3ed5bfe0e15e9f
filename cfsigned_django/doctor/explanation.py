"""Explain a URL with all that the site knows: the shell round explain.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import DatabaseError

from cfsigned_django.aws.client import AwsError
from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.doctor.explain import Knowledge, explain_url, host_of
from cfsigned_django.doctor.findings import Finding
from cfsigned_django.doctor.kinds import finding
from cfsigned_django.doctor.site import (
    KnownKey,
    database_keys,
    key_pairs,
    settings_keys,
    site_domains,
    site_key_groups,
    unique_keys,
)
from cfsigned_django.signing import InvalidKey, PublicKey


def explain(
    url: str,
    *,
    now: int,
    viewer_ip: str | None = None,
    make_cloudfront: Callable[[], Any] | None = None,
) -> list[Finding]:
    """Return what is wrong with a URL.

    ``make_cloudfront`` returns a boto3 client, whose account is asked for
    further keys, and what the key groups hold of the storages with the URL's
    host; None asks nobody. What cannot be asked is left
    out: the URL itself says most.
    """
    keys = [*settings_keys(), *_database_keys()]
    groups: dict[str, tuple[str, ...]] = {}
    further = []
    if make_cloudfront is not None:
        try:
            groups, listed = _keys_at_aws(make_cloudfront(), site_key_groups(host_of(url)))
            keys = [*listed, *keys]
        except AwsError as error:
            what = f"The keys at AWS were not looked at: could not {error.what}, {error.reason}."
            further.append(finding("aws-not-asked", what, subject="AWS"))
    knowledge = Knowledge(
        keys=unique_keys(keys),
        domains=site_domains(),
        now=now,
        viewer_ip=viewer_ip,
        key_groups=groups,
    )
    return [*explain_url(url, knowledge), *further]


def _database_keys() -> list[KnownKey]:
    try:
        return list(database_keys(key_pairs()))
    except DatabaseError:
        return []  # a site that keeps its key in the settings need not have the table


def _keys_at_aws(
    cloudfront: Any, key_group_ids: set[str]
) -> tuple[dict[str, tuple[str, ...]], list[KnownKey]]:
    """Return what the key groups hold, and the account's public keys."""
    api = KeyGroups(cloudfront)
    members = {each: api.members(each) for each in sorted(key_group_ids)}
    found = []
    for listed in api.public_keys():
        try:
            public_key = PublicKey.load(listed.public_key_pem)
        except InvalidKey:
            continue  # field-level encryption takes other keys as well
        where = f"public key {listed.name} at CloudFront"
        found.append(KnownKey(key_pair_id=listed.key_pair_id, public_key=public_key, where=where))
    return members, found
