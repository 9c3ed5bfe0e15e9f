"""Apply a plan: make one call, read the account again, make the next call.

Changes that others make meanwhile are seen before each call, and UpdateDistribution
sends the version that it was planned for. A process may die between any two lines:
the next run plans from what it finds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from botocore import xform_name

from cfsigned_django.aws.client import Clients, call
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.tools.account.account import Account
from cfsigned_django.tools.account.reader import read_distribution
from cfsigned_django.tools.account.state.distribution import DEPLOYED
from cfsigned_django.tools.account.state.keys import KEY_PAIR
from cfsigned_django.tools.account.state.plan import blockers, next_step, plan
from cfsigned_django.tools.account.state.steps import Call, SetupStep
from cfsigned_django.tools.account.state.wanted import Wanted

logger = logging.getLogger("cfsigned_django.aws")

#: How often a step may be tried: others may change the same thing, or a list may not show yet
#: what was just created.
_ATTEMPTS: Final = 5
_PAUSE: Final = 2.0
#: A change takes minutes according to AWS; half an hour has been seen.
_DEPLOY_SECONDS: Final = 45 * 60
_LOOK_AGAIN: Final = 15.0
#: The code of the error that only time cures.
NOT_DEPLOYED: Final = "NotDeployed"
# The version was out of date: another writer was faster.
_OUTDATED: Final = frozenset({"PreconditionFailed", "InvalidIfMatchVersion", "OperationAborted"})
# Another account has the name, or the existing distribution differs from what the step creates.
_TAKEN: Final = frozenset({"BucketAlreadyExists", "DistributionAlreadyExists"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioner:
    """Bring an account to the desired state.

    ``read`` returns what exists now, and ``desired`` the desired state now. ``make_key`` creates
    the site's key pair, which the desired state then contains. ``on_step`` is called with each
    step before it is done, and ``on_wait`` with the seconds that CloudFront has been deploying.
    ``sleep`` and ``monotonic`` are for tests.
    """

    clients: Clients
    read: Callable[[], Account]
    desired: Callable[[], Wanted]
    make_key: Callable[[], object]
    on_step: Callable[[SetupStep], object] = field(default=lambda step: None)
    on_wait: Callable[[int], object] = field(default=lambda seconds: None)
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def apply(self) -> list[SetupStep]:
        """Do every step that is to do, up to a conflict that blocks; return the resulting steps.

        Raise :exc:`AwsError` for the first call that fails. Everything that was done
        before stays done.
        """
        attempts: dict[str, int] = {}
        while True:
            account = self.read()
            steps = plan(account, self.desired())
            step = next_step(steps)
            # Others may have changed something meanwhile that must be decided first.
            if step is None or blockers(steps):
                return steps
            attempts[step.name] = attempts.get(step.name, 0) + 1
            if attempts[step.name] > _ATTEMPTS:
                raise _no_effect(step)
            if attempts[step.name] > 1:
                self.sleep(_PAUSE)
            else:
                self.on_step(step)
            self._do(step, account)

    def _do(self, step: SetupStep, account: Account) -> None:
        if step.name == KEY_PAIR:
            self.make_key()
        elif step.name == DEPLOYED and account.distribution is not None:
            self._wait(account.distribution.id)
        elif step.call is not None:
            try:
                self._send(step.call, step.name)
            except AwsError as error:
                if not _is_done_by_another(error.code):
                    raise
                logger.info("Planning %s again: %s.", step.name, error.code)
            else:
                logger.info("Did %s: %s.", step.name, step.call)

    def _send(self, request: Call, name: str) -> None:
        if request.operation == "UpdateKeyGroup":
            # A list of key groups contains no ETags: add() reads the group first.
            added = request.arguments["KeyGroupConfig"]["Items"][-1]
            KeyGroups(self.clients.cloudfront).add(request.arguments["Id"], added)
            return
        client = (
            self.clients.kms(request.arguments["KeyId"].split(":")[3])
            if request.service == "kms"
            else getattr(self.clients, request.service)
        )
        call(
            getattr(client, xform_name(request.operation)),
            f"do the step {name}",
            request.permission,
            **request.arguments,
        )

    def _wait(self, distribution_id: str) -> None:
        """Wait until every edge has the configuration, for at most 45 minutes."""
        began = self.monotonic()
        while not read_distribution(self.clients.cloudfront, distribution_id).is_deployed:
            waited = self.monotonic() - began
            if waited > _DEPLOY_SECONDS:
                raise AwsError(
                    what=f"wait until {distribution_id} is deployed",
                    reason=f"CloudFront has not finished after {int(waited / 60)} minutes",
                    next_step="Check its status in CloudFront, then run this command again. It "
                    "continues from here.",
                    code=NOT_DEPLOYED,
                    is_temporary=True,
                )
            self.on_wait(int(waited))
            self.sleep(_LOOK_AGAIN)


def _is_done_by_another(code: str) -> bool:
    """Return whether another run may have done the step, so that it must be planned again."""
    return code in _OUTDATED or (code.endswith("AlreadyExists") and code not in _TAKEN)


def _no_effect(step: SetupStep) -> AwsError:
    return AwsError(
        what=f"do the step {step.name}",
        reason="AWS accepted it, but nothing changed",
        next_step="Something else may revert it. Check it in the AWS console, then run this "
        "command again.",
        code="NoEffect",
    )
