"""Judge the key that signs: its public key in CloudFront, and the key group that holds it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from cfsigned_django.rotation.lifecycle import OLD
from cfsigned_django.tools.account.account import AwsDistribution, KeyGroup
from cfsigned_django.tools.account.documents.distribution_config import trusted_key_groups
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws
from cfsigned_django.tools.catalog import finding
from cfsigned_django.tools.findings import Finding


def judge_keys(site: SiteInAws, *, now: datetime) -> Iterator[Finding]:
    """Yield what is wrong with the key that signs; nothing if CloudFront has none yet."""
    public_key = site.public_key
    key_pair_id = site.wanted.key_pair_id or (public_key.key_pair_id if public_key else "")
    if not key_pair_id:
        return
    yield from _check_public_key(site, key_pair_id, now)
    yield from _check_groups(site, key_pair_id)


def _check_public_key(site: SiteInAws, key_pair_id: str, now: datetime) -> Iterator[Finding]:
    keys, key = site.account.public_keys, site.wanted.key
    if keys is None or key is None:
        return
    listed = next((each for each in keys if each.key_pair_id == key_pair_id), None)
    twins = [each.key_pair_id for each in keys if each.holds(key.public_key_pem)]
    said = f" The private key belongs to {' and '.join(twins)}." if twins else ""
    if listed is None:
        yield finding("key-unknown", "AWS_CLOUDFRONT_KEY_ID", key=key_pair_id, twins=said)
    elif not listed.holds(key.public_key_pem):
        yield finding("key-mismatch", "AWS_CLOUDFRONT_KEY", key=key_pair_id, twins=said)
    elif listed.created_at is not None and now - listed.created_at > OLD:
        yield finding(
            "key-old", key_pair_id, key=key_pair_id, created=f"{listed.created_at:%Y-%m-%d}"
        )


def _check_groups(site: SiteInAws, key_pair_id: str) -> Iterator[Finding]:
    account, wanted, groups = site.account, site.wanted.key_group_id, _trusted_groups(site)
    if not groups:
        if wanted and account.key_groups is not None:
            yield finding("no-key-group", "AWS_CLOUDFRONT_KEY_GROUP_ID", key_group=wanted)
        return
    held = {key for each in groups for key in each.key_pair_ids}
    keys = account.public_keys
    # A key that CloudFront does not have is one finding, not two.
    is_there = keys is None or any(each.key_pair_id == key_pair_id for each in keys)
    if is_there and key_pair_id not in held:
        names = " and ".join(f"{each.name} ({each.id})" for each in groups)
        values = {"key_group": names, "held": ", ".join(sorted(held)) or "none"}
        yield finding("key-not-in-group", groups[0].id, key=key_pair_id, **values)
    elif account.distribution is not None:
        yield from _check_edges(account.distribution, groups, key_pair_id)


def _trusted_groups(site: SiteInAws) -> list[KeyGroup]:
    """Return the key group of the settings, else those that the behavior trusts."""
    wanted = site.wanted.key_group_id
    trusted = [wanted] if wanted else trusted_key_groups(site.behavior or {})
    by_id = {each.id: each for each in site.account.key_groups or ()}
    return [by_id[each] for each in trusted if each in by_id]


def _check_edges(
    distribution: AwsDistribution, groups: list[KeyGroup], key_pair_id: str
) -> Iterator[Finding]:
    for group in groups:
        active = distribution.active_key_pairs.get(group.id)
        if active is not None and key_pair_id in group.key_pair_ids and key_pair_id not in active:
            what = f"{key_pair_id} is in the key group {group.name}, but edges of "
            what += f"{distribution.id} do not know it yet."
            yield finding("distribution-deploying", key_pair_id, what=what)
