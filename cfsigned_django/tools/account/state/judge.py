"""Judge a site: all facts about it, in the order in which a request meets them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from cfsigned_django.tools.account.account import Account
from cfsigned_django.tools.account.documents.behavior import behaviors, is_open, pattern_of
from cfsigned_django.tools.account.state.bucket import bucket_facts
from cfsigned_django.tools.account.state.distribution import (
    behavior_facts,
    distribution_facts,
    origin_facts,
)
from cfsigned_django.tools.account.state.facts import Fact
from cfsigned_django.tools.account.state.keys import key_facts
from cfsigned_django.tools.account.state.policies import delivery_facts
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws
from cfsigned_django.tools.account.state.wanted import Wanted
from cfsigned_django.tools.model.behaviors import matches


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


def at_its_behavior(account: Account, wanted: Wanted) -> Wanted:
    """Return what a site needs whose behavior is not named: that which serves ``wanted.path``.

    It is the first restricted behavior that matches; others before it take paths from it. If none
    is restricted, it is the first that matches.
    """
    if account.distribution is None:
        return wanted
    found = [
        each
        for each in behaviors(account.distribution.config)
        if matches(pattern_of(each), wanted.path)
    ]
    serving = next((each for each in found if not is_open(each)), found[0])
    return replace(wanted, path_pattern=serving.get("PathPattern"))
