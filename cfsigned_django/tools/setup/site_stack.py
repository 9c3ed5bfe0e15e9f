"""The stack of this site: what is planned for it, and how it is done.

Every step can be repeated. A run that died anywhere leaves a key pair that the next run finds, a
change set that nobody executed, or a stack on which CloudFormation goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.db import router

from cfsigned_django.core import conf
from cfsigned_django.core.aws.client import Clients
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.rotation.models import KeyPair, has_table
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.site import site_waits
from cfsigned_django.rotation.store import KeyPairStore
from cfsigned_django.tools.setup.key_provider import DatabaseKey, KeyFile, KeyProvider, SettingsKey
from cfsigned_django.tools.stack import change_set, events, template
from cfsigned_django.tools.stack.change_set import Change, ChangeSet
from cfsigned_django.tools.stack.existing import (
    Stack,
    StackError,
    has_this_template,
    protect,
    read_stack,
)
from cfsigned_django.tools.stack.key_group import KeyGroupOfSite, find_key_group, make_key_group
from cfsigned_django.tools.stack.losses import find_losses, find_removals

#: Stands for a key group in a plan, before there is one.
_NO_GROUP: Final = "00000000-0000-0000-0000-000000000000"
#: Output -> setting.
_SETTINGS: Final[Mapping[str, str]] = {
    "BucketName": "AWS_STORAGE_BUCKET_NAME",
    "Region": "AWS_S3_REGION_NAME",
    "Domain": "AWS_S3_CUSTOM_DOMAIN",
    "DistributionId": "AWS_CLOUDFRONT_DISTRIBUTION_ID",
    "KeyGroupId": "AWS_CLOUDFRONT_KEY_GROUP_ID",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would do: to the stack, to the key group, and what is lost by it."""

    changes: ChangeSet
    key_group: KeyGroupOfSite
    reasons: tuple[tuple[str, str], ...]
    removals: tuple[str, ...]
    losses: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not self.changes.changes and self.key_group.has_key


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteStack:
    """The stack of this site.

    ``given`` are the parameters of this run, by their names in the template, and ``tags`` the tags
    that it adds. ``stack`` is what exists, ``named_group`` the key group that an option or the
    settings name.
    """

    name: str
    given: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    stack: Stack | None
    clients: Clients = field(repr=False)
    cloudformation: Any = field(repr=False)
    provider: KeyProvider
    named_group: str = ""
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    @property
    def present(self) -> Mapping[str, str]:
        """Return the parameters of the stack; none before it is created."""
        if self.stack is None or self.stack.is_review:
            return {}
        return self.stack.parameters

    @property
    def group_name(self) -> str:
        return group_name(self.name, self.cloudformation.meta.region_name)

    def plan(self, *, reverts_drift: bool = False) -> Plan:
        """Return what would be done; nothing is made but the change set.

        Raise :exc:`AwsError` or :exc:`StackError`.
        """
        group = find_key_group(
            self.clients.cloudfront,
            key=self.provider.find(),
            named=self.named_group or self.present.get(template.KEY_GROUP, ""),
        )
        planned = self._change_set(group.id or _NO_GROUP, reverts_drift=reverts_drift)
        try:
            changed = self._of_another_template(planned)
            removed = [lost for each in changed for lost in find_removals(each)]
            losses = [lost for each in planned.changes for lost in find_losses(self.clients, each)]
        except BaseException:
            self.discard(planned)
            raise
        return Plan(
            changes=planned,
            key_group=group,
            reasons=(
                *template.changes(self.given, self.present),
                *template.tag_changes(self.tags, self.stack.tags if self.stack else {}),
            ),
            removals=(*template.removals(self.given, self.present), *removed),
            losses=tuple(losses),
        )

    def apply(self, plan: Plan, *, reverts_drift: bool, show: Callable[[str], object]) -> Stack:
        """Make what is missing of the key, execute the change set, and return the stack.

        ``show`` gets a line for each thing that is done.
        """
        changes, is_executed = plan.changes, False
        try:
            group = self._key_group(plan.key_group, show)
            if group.id != (plan.key_group.id or _NO_GROUP):
                changes = self._change_set(group.id, reverts_drift=reverts_drift)
                with suppress(AwsError):
                    change_set.delete(self.cloudformation, plan.changes)
            if changes.changes:
                change_set.execute(self.cloudformation, changes)
                is_executed = True
        finally:
            if not is_executed:
                self.discard(changes)
        if is_executed:
            stack: Stack | None = self.follow(changes.stack_id, show)
        else:
            stack = read_stack(self.cloudformation, self.name)
        if stack is None or not stack.is_complete:
            raise StackError(
                f"The stack {self.name} is gone. Somebody has deleted it: run this again."
            )
        protect(self.cloudformation, stack)
        return stack

    def follow(self, stack_id: str, show: Callable[[str], object]) -> Stack:
        """Wait until CloudFormation has ended, or has deleted the stack because it was asked to.

        Raise :exc:`StackError` if it failed, with the cause.
        """
        stack = events.follow(self.cloudformation, stack_id, show=show, sleep=self.sleep)
        if stack.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return stack
        is_gone = stack.status == "DELETE_COMPLETE"
        why = events.cause(self.cloudformation, stack_id).rstrip(".")
        if is_gone and not why:
            return stack
        if "pricing plan" in why:
            why += (
                ". A distribution with a flat-rate plan must keep its web ACL (--web-acl), and can "
                "be deleted only after the plan is canceled and its month is over"
            )
        left = "Nothing of it is left" if is_gone else f"The stack is in {stack.status}"
        raise StackError(
            f"CloudFormation failed: {why}. {left}. Correct that, then run this again."
        )

    def discard(self, made: ChangeSet) -> None:
        """Delete a change set; if that fails, it does no harm."""
        with suppress(AwsError):
            change_set.discard(self.cloudformation, made)

    def settings(self, stack: Stack, group: KeyGroupOfSite) -> dict[str, str | Path]:
        """Return the settings to paste."""
        found: dict[str, str | Path] = {
            setting: stack.outputs[output]
            for output, setting in _SETTINGS.items()
            if output in stack.outputs
        }
        return found | self.provider.settings(group.key_pair_id)

    def _of_another_template(self, planned: ChangeSet) -> tuple[Change, ...]:
        """Return the changes, if the template changes too: else parameters explain them."""
        if self.stack is None or not planned.changes or not self.present:
            return ()
        return () if has_this_template(self.cloudformation, self.stack) else planned.changes

    def _change_set(self, group_id: str, *, reverts_drift: bool) -> ChangeSet:
        given = dict(self.given)
        if not self.present:
            given[template.KEY_GROUP] = group_id
        return change_set.create(
            self.cloudformation,
            self.name,
            stack=self.stack,
            given=given,
            tags=self.tags,
            sleep=self.sleep,
            reverts_drift=reverts_drift,
        )

    def _key_group(self, found: KeyGroupOfSite, show: Callable[[str], object]) -> KeyGroupOfSite:
        if found.has_key:
            return found
        key = self.provider.find()
        if key is None:
            show(f"making   a key pair, in {self.provider.place}")
            key = self.provider.make()
        show("adding   the public key to the key group" if found.id else "making   the key group")
        return make_key_group(self.clients.cloudfront, found, key=key, name=self.group_name)


def group_name(stack_name: str, region: str) -> str:
    """Return the name of a stack's key group: CloudFront's names are those of all regions."""
    return f"{stack_name}-{region}"


def choose_key(
    *, key_file: Path | None, stack_name: str, group_id: str, new_group: str
) -> KeyProvider:
    """Return the provider of the key pair, which may not exist yet.

    It is the first of: the named file; the key of the settings while it signs, or if it has no ID
    yet and the database has no key pair for the key group; the database, if its table exists; a
    file in the current folder.
    """
    if key_file is not None:
        return KeyFile(path=key_file.absolute())
    database = None
    if has_table(router.db_for_write(KeyPair)):
        rotation = Rotation(
            store=KeyPairStore(key_group_id=group_id or new_group, changed_by="cfsigned_setup"),
            waits=site_waits(),
            key_groups=None,  # as by hand: the setup changes CloudFront itself
            probe=lambda signer: ProbeResult.NO_ANSWER,
        )
        database = DatabaseKey(rotation=rotation, name=new_group)
    source = conf.setting_of("cloudfront_key")
    settings_key_id = str(conf.setting_of("cloudfront_key_id") or "")
    if source is not None and (database is None or database.yields_to(settings_key_id)):
        return SettingsKey(private_key=source.load())
    return database or KeyFile(path=Path(f"cloudfront-{stack_name}.pem").absolute())
