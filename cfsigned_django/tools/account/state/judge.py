"""Judge a site: all findings about it, in the order in which a request meets them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from cfsigned_django.tools.account.account import Account
from cfsigned_django.tools.account.state.bucket import judge_bucket
from cfsigned_django.tools.account.state.distribution import (
    judge_behavior,
    judge_distribution,
    judge_origin,
)
from cfsigned_django.tools.account.state.keys import judge_keys
from cfsigned_django.tools.account.state.other_behaviors import judge_other_distributions
from cfsigned_django.tools.account.state.policies import judge_delivery
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws, Wanted
from cfsigned_django.tools.catalog import Finding


def judge(account: Account, wanted: Wanted, *, now: datetime) -> Iterator[Finding]:
    """Yield what is wrong at AWS, and that the bucket is in order, which no answer shows.

    What could not be read is in ``account.all_problems``, and what depends on it is left out.
    """
    site = SiteInAws(account=account, wanted=wanted)
    yield from judge_distribution(site)
    yield from judge_behavior(site)
    yield from judge_keys(site, now=now)
    yield from judge_origin(site)
    yield from judge_bucket(site)
    yield from judge_other_distributions(site)
    yield from judge_delivery(site)
