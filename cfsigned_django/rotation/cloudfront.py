"""Register the public key of a key pair in CloudFront, restore it to its group, and remove it.

Each call can be repeated: a second call changes nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.aws.key_groups import KeyGroups, ListedPublicKey, adding
from cfsigned_django.core.text import Phrase as _
from cfsigned_django.rotation.models import KeyPair

#: ``AwsError.code`` if the public key of a key pair no longer exists in CloudFront.
DELETED: Final = "NoSuchPublicKey"
#: ``AwsError.code`` if the public key ID of a key pair belongs to another key.
OTHER_KEY: Final = "OtherKey"


def register_in_cloudfront(
    api: KeyGroups, key_pair: KeyPair, note_id: Callable[[str], None]
) -> str:
    """Create the public key, add it to its group, and return its ID.

    ``note_id`` is called with the ID between the two calls: the group may
    refuse the key, which must then be deleted, but CloudFront may not list it
    yet. If the process dies before that, the key is found again by its name. Raise
    :exc:`cfsigned_django.core.encryption.CannotDecrypt` if the private key cannot be
    decrypted.
    """
    key_pair_id = api.ensure_public_key(
        caller_reference=str(key_pair.id),
        name=key_pair.name_in_cloudfront,
        public_key_pem=key_pair.open_public_key(),
    )
    note_id(key_pair_id)
    api.add(key_pair.key_group_id, key_pair_id)
    return key_pair_id


def restore_to_group(api: KeyGroups, key_pair: KeyPair, public_key: str) -> None:
    """Add a key to its group again; ``public_key`` is the PEM that belongs to the private key.

    Raise :exc:`AwsError` with the code :data:`DELETED` if its public key was
    deleted meanwhile, and with :data:`OTHER_KEY` if CloudFront has another one
    under this ID: someone with write access to the table must not be able to
    get another key trusted.
    """
    key_pair_id, listed = str(key_pair), api.public_keys()
    if any(each.key_pair_id == key_pair_id and not each.holds(public_key) for each in listed):
        raise AwsError(
            what=adding(key_pair_id, key_pair.key_group_id),
            reason=_("CloudFront has another public key under this ID"),
            next_step=_(
                "Someone changed the table, or mistyped the ID. Correct the ID, or revoke the key "
                "pair and start a new rotation."
            ),
            code=OTHER_KEY,
        )
    try:
        api.add(key_pair.key_group_id, key_pair_id)
    except AwsError as error:
        # AWS does not document which of the two codes it returns for a key that does not exist.
        is_about_the_key = error.code in ("InvalidArgument", DELETED)
        if not is_about_the_key or key_pair_id in {each.key_pair_id for each in api.public_keys()}:
            raise
        raise AwsError(
            what=adding(key_pair_id, key_pair.key_group_id),
            reason=_(
                "someone removed it and deleted its public key in CloudFront, and a deleted ID "
                "never returns"
            ),
            next_step=_(
                "Revoke it (manage.py cfsigned_rotate --revoke {key}, or in the admin), then start "
                "a new rotation. If it is the key that signs, revoking it lets a new key sign at "
                "once.",
                key=key_pair_id,
            ),
            code=DELETED,
        ) from None


def own_ids(listed: Iterable[ListedPublicKey], key_pair: KeyPair) -> list[str]:
    """Return the IDs under which CloudFront lists the public key, whatever ID the row has."""
    public_key = key_pair.trustworthy_public_key
    return [each.key_pair_id for each in listed if each.holds(public_key)]


def may_be_unlisted(listed: Iterable[ListedPublicKey], key_pair: KeyPair) -> bool:
    """Return whether the public key may be too new for CloudFront to list it."""
    name = key_pair.key_pair_id
    return bool(name) and name not in {each.key_pair_id for each in listed}


def is_in_cloudfront(api: KeyGroups, key_pair: KeyPair) -> bool:
    """Return whether CloudFront has the public key under the ID of the row.

    A person may have entered the ID of another key, or one that does not exist.
    """
    listed = list(api.public_keys())
    if str(key_pair) in own_ids(listed, key_pair):
        return True
    # A key that CloudFront does not list yet is in the group.
    return may_be_unlisted(listed, key_pair) and str(key_pair) in api.members(key_pair.key_group_id)


def remove_from_cloudfront(api: KeyGroups, key_pair: KeyPair) -> None:
    """Remove the public key from its group and delete it.

    The key is found by its content: the process that created it may have died
    before it recorded the ID, and a person may have entered the ID of another
    key, which must stay.
    """
    listed = list(api.public_keys())
    ours = own_ids(listed, key_pair)
    if not ours and may_be_unlisted(listed, key_pair):
        ours = [str(key_pair)]
    for key_pair_id in ours:
        api.remove(key_pair.key_group_id, key_pair_id)
        api.delete_public_key(key_pair_id)


def could_not_replace(key_pair: KeyPair, error: AwsError) -> AwsError:
    """Return why the only key of its group cannot leave: no other key could be added."""
    return AwsError(
        what=_("remove {key} from CloudFront", key=str(key_pair)),
        reason=_(
            "it is the only key of its key group, which must keep one, and no other key could be "
            "added"
        ),
        next_step=str(error),
        code=error.code,
        permission=error.permission,
        is_temporary=error.is_temporary,
    )
