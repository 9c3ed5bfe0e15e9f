"""Find or make the key group of a site; the stack knows its ID, and never changes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cfsigned_django.core.aws.client import perform
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.aws.key_groups import KeyGroups
from cfsigned_django.tools.account.reader import list_key_groups
from cfsigned_django.tools.account.state.site_in_aws import SiteKey
from cfsigned_django.tools.stack.existing import StackError


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyGroupOfSite:
    """The key group of a site as it is now; without an ID, there is none yet."""

    id: str = ""
    #: The ID of the site's public key, if CloudFront has it.
    key_pair_id: str = ""
    has_key: bool = False


def find_key_group(client: Any, *, key: SiteKey | None, named: str) -> KeyGroupOfSite:
    """Return the named group, else one whose only key is the site's, else nothing.

    Raise :exc:`AwsError` if the named group does not exist.
    """
    groups, key_pair_id = KeyGroups(client), ""
    if key is not None:
        same = (each for each in groups.public_keys() if each.holds(key.public_key_pem))
        key_pair_id = next((each.key_pair_id for each in same), "")
    if named:
        has_key = key_pair_id in groups.members(named)
        return KeyGroupOfSite(id=named, key_pair_id=key_pair_id, has_key=has_key)
    found = []
    if key_pair_id:
        listed = list_key_groups(client)
        found = [each.id for each in listed if each.key_pair_ids == (key_pair_id,)]
    group_id = min(found, default="")
    return KeyGroupOfSite(id=group_id, key_pair_id=key_pair_id, has_key=bool(found))


def make_key_group(
    client: Any, found: KeyGroupOfSite, *, key: SiteKey, name: str
) -> KeyGroupOfSite:
    """Add the key to the group, and make both if they are missing. It can be repeated.

    Raise :exc:`AwsError`, or :exc:`StackError` if another site has a group of that name.
    """
    groups = KeyGroups(client)
    key_pair_id = groups.ensure_public_key(
        caller_reference=key.caller_reference, name=key.name, public_key_pem=key.public_key_pem
    )
    if found.id:
        groups.add(found.id, key_pair_id)
        return KeyGroupOfSite(id=found.id, key_pair_id=key_pair_id, has_key=True)
    try:
        made = perform(
            client,
            "cloudfront:CreateKeyGroup",
            f"create the key group {name}",
            KeyGroupConfig={"Name": name, "Items": [key_pair_id], "Comment": "cfsigned_setup"},
        )
    except AwsError as error:
        if error.code != "KeyGroupAlreadyExists":
            raise
        raise StackError(
            f"A key group named {name} exists already. If this command has just made it, run it "
            "again; if it is this site's, name it with --key-group ID; else choose another "
            "name with --stack."
        ) from None
    return KeyGroupOfSite(id=made["KeyGroup"]["Id"], key_pair_id=key_pair_id, has_key=True)
