"""Match path patterns without the model that is tested here, and ask the judge about an account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cfsigned_django.tools.account.account import Account, AwsDistribution, Bucket, BucketState
from cfsigned_django.tools.account.state.judge import judge
from cfsigned_django.tools.account.state.wanted import Wanted

OURS = "arn:aws:cloudfront::111122223333:distribution/EOURS"


def reference_match(pattern: str, text: str) -> bool:
    """Match by the two sentences of the guide: * is any characters, ? is exactly one."""
    reachable = {0}
    for sign in f"/{pattern.removeprefix('/')}":
        if sign == "*":
            reachable = set(range(min(reachable, default=len(text) + 1), len(text) + 1))
        else:
            reachable = {at + 1 for at in reachable if at < len(text) and sign in ("?", text[at])}
    return len(text) in reachable


def said_of(
    config: dict[str, Any], wanted: Wanted, *, parts: dict[str, Any], **bucket: Any
) -> list[tuple[str, str]]:
    """Return what the judge says of a distribution, a bucket and other parts of an account."""
    account = Account(
        distribution=AwsDistribution(
            id="EOURS",
            arn=OURS,
            status="Deployed",
            domain_name="d111111abcdef8.cloudfront.net",
            config=config,
            active_key_pairs={},
        ),
        bucket=Bucket(name=wanted.bucket, state=BucketState.OURS, **bucket),
        **parts,
    )
    found = judge(account, wanted, now=datetime(2026, 11, 30, tzinfo=UTC))
    return [(each.subject, each.id) for each in found]
