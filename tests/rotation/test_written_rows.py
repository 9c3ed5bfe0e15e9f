"""Test that who writes into the table has no key of other people taken out of CloudFront."""

from __future__ import annotations

from cfsigned_django.rotation.models import KeyPair
from tests.rotation import Site, fresh


def give_public_key(key_group: Site, key_pair: KeyPair, of: str) -> KeyPair:
    """Write the public key of another key into the row, and return that as it is then."""
    answer = key_group.account.api.get_public_key(Id=of)
    pem = answer["PublicKey"]["PublicKeyConfig"]["EncodedKey"]
    KeyPair.objects.filter(pk=key_pair.pk).update(public_key=pem)
    return fresh(key_pair)


def test_retiring_takes_out_the_key_that_signed(key_group: Site) -> None:
    """A foreign public key in the row is left in the group; that of the private key goes."""
    former, active = key_group.imported(), key_group.activated()
    key_group.wait(3780)

    former = give_public_key(key_group, former, key_group.foreign)
    key_group.rotation().retire(former, now=key_group.now)

    assert key_group.members == {key_group.foreign, str(active)} == key_group.public_keys


def test_revoking_takes_out_the_key_that_signed(key_group: Site) -> None:
    """The same where the private key is erased before CloudFront is called."""
    former, active = key_group.imported(), key_group.activated()

    former = give_public_key(key_group, former, key_group.foreign)
    key_group.rotation().revoke(former, now=key_group.now, reason="leaked")

    assert key_group.members == {key_group.foreign, str(active)} == key_group.public_keys
