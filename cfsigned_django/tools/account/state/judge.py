"""Judge a site: all facts about it, in the order in which a request meets them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from cfsigned_django.tools.account.account import Account
from cfsigned_django.tools.account.state.bucket import bucket_facts
from cfsigned_django.tools.account.state.distribution import (
    behavior_facts,
    distribution_facts,
    origin_facts,
)
from cfsigned_django.tools.account.state.findings import Fact
from cfsigned_django.tools.account.state.keys import key_facts
from cfsigned_django.tools.account.state.policies import delivery_facts
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws
from cfsigned_django.tools.account.state.wanted import Wanted


def judge(account: Account, wanted: Wanted, *, now: datetime) -> Iterator[Fact]:
    """Yield what is wrong at AWS, and that the bucket is in order, which no answer shows.

    What could not be read is in ``account.all_problems``, and what depends on it is left out.
    """
    site = SiteInAws(account=account, wanted=wanted)
    yield from distribution_facts(site)
    yield from behavior_facts(site)
    yield from key_facts(site, now=now)
    yield from origin_facts(site)
    yield from bucket_facts(site)
    yield from delivery_facts(site)
