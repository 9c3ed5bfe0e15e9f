"""Do the steps of a plan: one call, a new look, the next call.

What a person or another program changes meanwhile is seen before each call,
and UpdateDistribution carries the version that it was planned for. A process
may die between any two lines: the next run plans from what it finds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from botocore import xform_name

from cfsigned_django.aws.account import Account
from cfsigned_django.aws.account_reader import read_distribution
from cfsigned_django.aws.client import Clients, call
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.aws.provisioning.desired_state import DesiredState
from cfsigned_django.aws.provisioning.distribution_steps import DEPLOYED
from cfsigned_django.aws.provisioning.key_steps import KEY_PAIR
from cfsigned_django.aws.provisioning.plan import next_step, plan
from cfsigned_django.aws.provisioning.steps import Call, Step

logger = logging.getLogger("cfsigned_django.aws")

#: How often a step may come up again: somebody else changes the same thing,
#: or a list does not show yet what was just made.
_ATTEMPTS: Final = 5
_PAUSE: Final = 2.0
#: CloudFront says that a change takes minutes; half an hour has been seen.
_DEPLOY_SECONDS: Final = 45 * 60
_LOOK_AGAIN: Final = 15.0
# The version was not the newest: another writer was faster.
_OUTDATED: Final = frozenset({"PreconditionFailed", "InvalidIfMatchVersion", "OperationAborted"})
# Another account has the name, or the distribution is not what the step would make.
_TAKEN: Final = frozenset({"BucketAlreadyExists", "DistributionAlreadyExists"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioner:
    """Bring an account to the desired state.

    ``read`` returns what there is, ``desired`` what there must be, both at this moment;
    ``make_key`` makes the site's key pair, after which the desired state has it. ``on_step`` is
    told of each step before it is done, and ``on_wait`` how many seconds CloudFront has been
    telling its edges. ``sleep`` and ``monotonic`` are for tests.
    """

    clients: Clients
    read: Callable[[], Account]
    desired: Callable[[], DesiredState]
    make_key: Callable[[], object]
    on_step: Callable[[Step], object] = field(default=lambda step: None)
    on_wait: Callable[[int], object] = field(default=lambda seconds: None)
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def apply(self) -> list[Step]:
        """Do what is to do; return the steps as they stand then.

        Raise :exc:`AwsError` for the first call that fails; all that was done
        before it stays done.
        """
        attempts: dict[str, int] = {}
        while True:
            account = self.read()
            steps = plan(account, self.desired())
            step = next_step(steps)
            if step is None:
                return steps
            attempts[step.name] = attempts.get(step.name, 0) + 1
            if attempts[step.name] > _ATTEMPTS:
                raise _no_effect(step)
            if attempts[step.name] > 1:
                self.sleep(_PAUSE)
            else:
                self.on_step(step)
            self._do(step, account)

    def _do(self, step: Step, account: Account) -> None:
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
                logger.info("Looking again at %s: %s.", step.name, error.code)
            else:
                logger.info("Did %s: %s.", step.name, step.call)

    def _send(self, request: Call, name: str) -> None:
        if request.operation == "UpdateKeyGroup":
            # A list of key groups has no versions: this reads the group first.
            added = request.arguments["KeyGroupConfig"]["Items"][-1]
            KeyGroups(self.clients.cloudfront).add(request.arguments["Id"], added)
            return
        client = getattr(self.clients, request.service)
        call(
            getattr(client, xform_name(request.operation)),
            f"do the step {name}",
            request.permission,
            **request.arguments,
        )

    def _wait(self, distribution_id: str) -> None:
        """Wait until every edge has the configuration; for 45 minutes at most."""
        began = self.monotonic()
        while not read_distribution(self.clients.cloudfront, distribution_id).is_deployed:
            waited = self.monotonic() - began
            if waited > _DEPLOY_SECONDS:
                raise AwsError(
                    what=f"wait until {distribution_id} is deployed",
                    reason=f"CloudFront has not finished in {int(waited / 60)} minutes",
                    next_step="Look at its status in CloudFront, and run this again: it goes on "
                    "from here.",
                    code="NotDeployed",
                    is_temporary=True,
                )
            self.on_wait(int(waited))
            self.sleep(_LOOK_AGAIN)


def _is_done_by_another(code: str) -> bool:
    """Return whether another run may have done the step, so that it is planned anew."""
    return code in _OUTDATED or (code.endswith("AlreadyExists") and code not in _TAKEN)


def _no_effect(step: Step) -> AwsError:
    return AwsError(
        what=f"do the step {step.name}",
        reason="AWS took it, and shows no change",
        next_step="Something else may change it back. Look at it in the AWS console, then run "
        "this again.",
        code="NoEffect",
    )
