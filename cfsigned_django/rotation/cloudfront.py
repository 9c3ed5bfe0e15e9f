"""Register the public key of a key pair in CloudFront, restore it to its group, and remove it.

Each call does the same when it is made twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final

from django.utils.translation import gettext_noop

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import KeyGroups, ListedPublicKey
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.validation import is_of_trusted_signer

#: ``AwsError.code`` where the public key of a key pair is not in CloudFront any more.
DELETED: Final = "NoSuchPublicKey"
#: ``AwsError.code`` where a key is that of a trusted signer.
TRUSTED_SIGNER: Final = "TrustedSigner"


def register_in_cloudfront(
    api: KeyGroups, key_pair: KeyPair, note_id: Callable[[str], None]
) -> str:
    """Create the public key and put it into its group; return its id.

    ``note_id`` is told the id between the two calls: the group may refuse the
    key, and CloudFront may not list yet what is to be deleted then. One who
    died before that finds the key by its name. Raise
    :exc:`cfsigned_django.encryption.CannotUnseal` where the private key does
    not open.
    """
    key_pair_id = api.ensure_public_key(
        caller_reference=str(key_pair.id),
        name=key_pair.caller_name,
        public_key_pem=key_pair.open_public_key(),
    )
    note_id(key_pair_id)
    api.add(key_pair.key_group_id, key_pair_id)
    return key_pair_id


def is_missing_in(members: Collection[str], key_pair: KeyPair) -> bool:
    """Tell whether a key is not in its group, which may hold it."""
    return str(key_pair) not in members and not is_of_trusted_signer(str(key_pair))


def restore_to_group(api: KeyGroups, key_pair: KeyPair) -> None:
    """Put a key into its group that has been there before.

    Raise :exc:`AwsError` that says so where its public key was deleted meanwhile.
    """
    key_pair_id = str(key_pair)
    try:
        api.add(key_pair.key_group_id, key_pair_id)
    except AwsError as error:
        # Which of the two it is for a key that is not there, AWS does not document.
        is_about_the_key = error.code in ("InvalidArgument", DELETED)
        if not is_about_the_key or key_pair_id in {each.key_pair_id for each in api.public_keys()}:
            raise
        raise AwsError(
            what=f"put {key_pair_id} into the key group {key_pair.key_group_id}",
            reason=gettext_noop(
                "somebody took it out and deleted its public key in CloudFront, where its id never "
                "comes back"
            ),
            next_step=gettext_noop(
                "Revoke it (manage.py cfsigned_rotate --revoke {key}, or in the admin), then start "
                "again; if it is the key that signs, a new one signs in its place at once."
            ),
            code=DELETED,
            values={"key": key_pair_id},
        ) from None


def own_ids(listed: Iterable[ListedPublicKey], key_pair: KeyPair) -> list[str]:
    """Return the ids under which CloudFront lists the public key, whatever id the row has."""
    public_key = key_pair.trustworthy_public_key
    return [each.key_pair_id for each in listed if each.holds(public_key)]


def may_be_unlisted(listed: Iterable[ListedPublicKey], key_pair: KeyPair) -> bool:
    """Return whether its public key may be too new for CloudFront to list it."""
    name = key_pair.key_pair_id
    return bool(name) and name not in {each.key_pair_id for each in listed}


def is_in_cloudfront(api: KeyGroups, key_pair: KeyPair) -> bool:
    """Return whether CloudFront has the public key under the ID of the row.

    A person may have entered the ID of another key, or one that does not exist.
    """
    listed = list(api.public_keys())
    if str(key_pair) in own_ids(listed, key_pair):
        return True
    # A key that is not listed yet is in the group.
    return may_be_unlisted(listed, key_pair) and str(key_pair) in api.members(key_pair.key_group_id)


def remove_from_cloudfront(api: KeyGroups, key_pair: KeyPair) -> None:
    """Take the public key out of its group and delete it.

    It is found by what it is: one who died while it was created may have left
    no id in the row, and a person may have written down the id of another key,
    which stays. Raise :exc:`AwsError` for the key pair of a trusted signer,
    which is in no group: what is not there must not count as taken out.
    """
    listed = list(api.public_keys())
    ours = own_ids(listed, key_pair)
    if not ours and is_of_trusted_signer(str(key_pair)):
        raise AwsError(
            what=f"take {key_pair} out of CloudFront",
            reason=gettext_noop(
                "it is a key pair of an AWS account, which behaviors trust as a signer, and which "
                "no key group holds: its links go on opening"
            ),
            next_step=gettext_noop(
                "Take the signer out (manage.py cfsigned_setup --drop-trusted-signers), then say "
                "in the admin, by hand, that it was removed."
            ),
            code=TRUSTED_SIGNER,
        )
    if not ours and may_be_unlisted(listed, key_pair):
        ours = [str(key_pair)]
    for key_pair_id in ours:
        api.remove(key_pair.key_group_id, key_pair_id)
        api.delete_public_key(key_pair_id)
