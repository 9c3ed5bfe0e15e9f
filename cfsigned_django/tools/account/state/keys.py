"""Judge the key that signs: its public key in CloudFront, and the key group that holds it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from cfsigned_django.rotation.lifecycle import OLD
from cfsigned_django.tools.account.account import Account, KeyGroup
from cfsigned_django.tools.account.documents.distribution_config import trusted_key_groups
from cfsigned_django.tools.account.state.other_behaviors import named
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws
from cfsigned_django.tools.catalog import Finding, finding


def judge_keys(site: SiteInAws, *, now: datetime) -> Iterator[Finding]:
    """Yield what is wrong with the key that signs; nothing if CloudFront has none yet."""
    if site.key_pair_id:
        yield from _check_public_key(site, site.key_pair_id, now)
        yield from _check_groups(site, site.key_pair_id)


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
    """Judge the key by the groups that the behavior trusts, and that of the settings beside it."""
    account, behavior = site.account, site.behavior or {}
    by_id = {each.id: each for each in account.key_groups or ()}
    trusted = [by_id[each] for each in trusted_key_groups(behavior) if each in by_id]
    wished, setting = site.wanted.key_group_id, "AWS_CLOUDFRONT_KEY_GROUP_ID"
    own = by_id.get(wished)
    if wished and account.key_groups is not None and own is None:
        yield finding("no-key-group", setting, key_group=wished)
        return
    signing = [each for each in trusted if key_pair_id in each.key_pair_ids]
    if signing and own is not None and own not in trusted:
        values = {"behavior": named(behavior), "trusted": _names(signing), "key_group": wished}
        yield finding("key-group-not-trusted", setting, key=key_pair_id, **values)
    yield from _check_members(account, signing or ([own] if own else trusted), key_pair_id)


def _check_members(
    account: Account, groups: Sequence[KeyGroup], key_pair_id: str
) -> Iterator[Finding]:
    """Judge whether one of these groups has the key, at CloudFront and at its edges."""
    held = {key for each in groups for key in each.key_pair_ids}
    keys = account.public_keys
    # A key that CloudFront does not have is one finding, not two.
    is_there = keys is None or any(each.key_pair_id == key_pair_id for each in keys)
    if groups and is_there and key_pair_id not in held:
        values = {"key_group": _names(groups), "held": ", ".join(sorted(held)) or "none"}
        yield finding("key-not-in-group", groups[0].id, key=key_pair_id, **values)
    elif (distribution := account.distribution) is not None:
        for group in groups:
            active = distribution.active_key_pairs.get(group.id, group.key_pair_ids)
            if key_pair_id in group.key_pair_ids and key_pair_id not in active:
                what = f"{key_pair_id} is in the key group {group.name}, but edges of "
                what += f"{distribution.id} do not know it yet."
                yield finding("distribution-deploying", key_pair_id, what=what)


def _names(groups: Iterable[KeyGroup]) -> str:
    return " and ".join(f"{each.name} ({each.id})" for each in groups)
