"""Compare an account with the desired state: the steps, in a safe order.

1. The public key is added to a key group before a behavior trusts the group.
2. The policies of the bucket and of its KMS key let CloudFront read before the origin begins to
   sign.
3. Public access to the bucket is closed after every edge has the change.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cfsigned_django.aws.unknown import UPDATE_BOTO3, unknown_elements
from cfsigned_django.tools.account.account import Account
from cfsigned_django.tools.account.state.bucket import (
    access_steps,
    bucket_steps,
    closing_steps,
)
from cfsigned_django.tools.account.state.distribution import (
    behavior_steps,
    deployed_step,
    distribution_step,
    trusted_signers_steps,
)
from cfsigned_django.tools.account.state.encryption import (
    bucket_encryption_steps,
    key_policy_steps,
)
from cfsigned_django.tools.account.state.exposure import exposure_steps
from cfsigned_django.tools.account.state.keys import key_steps
from cfsigned_django.tools.account.state.policies import policy_steps
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws
from cfsigned_django.tools.account.state.steps import SetupStep, StepState, conflict
from cfsigned_django.tools.account.state.wanted import Wanted

#: The steps whose changes must reach every edge.
_CHANGES_DISTRIBUTION: Final = frozenset({"distribution", "origin", "behavior", "domain"})


def plan(account: Account, wanted: Wanted) -> list[SetupStep]:
    """Return every step, done or not; the first one to do is the next one.

    Raise :exc:`AwsError`, the first problem, for an account that could not be read completely.
    """
    if account.problems:
        raise account.problems[0]
    site = SiteInAws(account=account, wanted=wanted)
    steps = [
        *key_steps(site),
        *bucket_steps(site),
        *bucket_encryption_steps(site),
        *policy_steps(site),
        distribution_step(site),
        *access_steps(site),
        *key_policy_steps(site),
        *behavior_steps(site),
    ]
    changes = any(
        each.name in _CHANGES_DISTRIBUTION and each.state is StepState.TODO for each in steps
    )
    steps += [
        deployed_step(site, changes=changes),
        *trusted_signers_steps(site),
        *exposure_steps(site),
        *closing_steps(site),
    ]
    return [_without_loss(each) for each in steps]


def _without_loss(step: SetupStep) -> SetupStep:
    """Return the step; a conflict if it would send back settings without what boto3 drops."""
    lost = list(unknown_elements(step.call.arguments)) if step.call else []
    if not lost:
        return step
    return replace(
        conflict(
            step.name,
            f"{step.why}. But {step.call} replaces the whole configuration, and the installed "
            f"boto3 does not know {', '.join(lost)}, which would be lost. {UPDATE_BOTO3}",
            blocks=True,
        ),
        before=step.before,
        after=step.after,
    )


def blockers(steps: list[SetupStep]) -> list[SetupStep]:
    """Return the conflicts because of which nothing at all may be changed."""
    return [each for each in steps if each.state is StepState.CONFLICT and each.blocks]


def next_step(steps: list[SetupStep]) -> SetupStep | None:
    """Return the first step that is to do; None if nothing is left."""
    return next((each for each in steps if each.state is StepState.TODO), None)
