"""Say what a rotation asks of CloudFront, and bring keys in and out; aws/key_groups.py does it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Final, Protocol

from cfsigned_django.aws.client import AwsError
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.validation import is_of_trusted_signer

#: ``AwsError.code`` where the public key of a key pair is not in CloudFront any more.
DELETED: Final = "NoSuchPublicKey"
#: ``AwsError.code`` where a key is that of a trusted signer.
TRUSTED_SIGNER: Final = "TrustedSigner"


class ListedKey(Protocol):
    """A public key as CloudFront lists it."""

    @property
    def key_pair_id(self) -> str:
        """Return its id, ``K...``."""

    def holds(self, public_key_pem: str) -> bool:
        """Tell whether this is the same key."""


class KeyGroupsApi(Protocol):
    """The calls of a rotation; each does the same when it is made twice."""

    def before_each_call(self, do: Callable[[], None]) -> KeyGroupsApi:
        """Return the same, with something to do before each request to AWS."""

    def check_room(self, key_group_id: str, quota: int) -> None:
        """Raise where the key group, of at most ``quota`` keys, cannot take another one."""

    def members(self, key_group_id: str) -> Container[str]:
        """Return the ids in the key group."""

    def public_keys(self) -> Iterable[ListedKey]:
        """Return every public key of the account."""

    def ensure_public_key(
        self, *, caller_reference: str, name: str, public_key_pem: str, comment: str = ""
    ) -> str:
        """Return the id of the public key, created only if it is not there."""

    def add(self, key_group_id: str, key_pair_id: str) -> object:
        """Put the key into the group, if it is not in it."""

    def remove(self, key_group_id: str, key_pair_id: str) -> object:
        """Take the key out of the group, if it is in it."""

    def delete_public_key(self, key_pair_id: str) -> None:
        """Delete the public key, if it is there."""


def bring_in(api: KeyGroupsApi, key_pair: KeyPair, note_id: Callable[[str], None]) -> str:
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


def is_missing_in(members: Container[str], key_pair: KeyPair) -> bool:
    """Tell whether a key is not in its group, which may hold it."""
    return str(key_pair) not in members and not is_of_trusted_signer(str(key_pair))


def put_back_in(api: KeyGroupsApi, key_pair: KeyPair) -> None:
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
            reason="somebody took it out and deleted its public key in CloudFront, where its id "
            "never comes back",
            next_step=f"Revoke it (manage.py cfsigned_rotate --revoke {key_pair_id}, or in the "
            "admin), then start again; if it is the key that signs, a new one signs in its place "
            "at once.",
            code=DELETED,
        ) from None


def own_ids(listed: Iterable[ListedKey], key_pair: KeyPair) -> list[str]:
    """Return the ids under which CloudFront lists the public key, whatever id the row has."""
    public_key = key_pair.trustworthy_public_key
    return [each.key_pair_id for each in listed if each.holds(public_key)]


def may_be_unlisted(listed: Iterable[ListedKey], key_pair: KeyPair) -> bool:
    """Return whether its public key may be too new for CloudFront to list it."""
    name = key_pair.key_pair_id
    return bool(name) and name not in {each.key_pair_id for each in listed}


def find_id(api: KeyGroupsApi, key_pair: KeyPair) -> str:
    """Return the id under which CloudFront has the public key; empty where it has none.

    A person may have typed the id of another key, or one that does not exist.
    """
    listed = list(api.public_keys())
    ours = own_ids(listed, key_pair)
    if ours:
        return str(key_pair) if str(key_pair) in ours else ours[0]
    # A key that is not listed yet is in the group.
    is_new = may_be_unlisted(listed, key_pair) and str(key_pair) in api.members(
        key_pair.key_group_id
    )
    return str(key_pair) if is_new else ""


def take_out(api: KeyGroupsApi, key_pair: KeyPair) -> None:
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
            reason="it is a key pair of an AWS account, which behaviors trust as a signer, and "
            "which no key group holds: its links go on opening",
            next_step="Take the signer out (manage.py cfsigned_setup --drop-trusted-signers), "
            "then say in the admin, by hand, that it was removed.",
            code=TRUSTED_SIGNER,
        )
    if not ours and may_be_unlisted(listed, key_pair):
        ours = [str(key_pair)]
    for key_pair_id in ours:
        api.remove(key_pair.key_group_id, key_pair_id)
        api.delete_public_key(key_pair_id)
