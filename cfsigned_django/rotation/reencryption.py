"""Encrypt private keys again, so that a previous encryption key can leave the settings.

This makes nothing trustworthy that was not. A private key that none of
AWS_CLOUDFRONT_ENCRYPTION_KEYS decrypts, although they are set, needs proof:
someone who knows a former SECRET_KEY and can write to the table may have put
another key into the row. CloudFront is asked for the public key that it
has under the ID of the row; if it cannot be asked, a person compares the two.
A PENDING key, which CloudFront does not have, is replaced instead.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.encryption import CannotDecrypt, encrypt
from cfsigned_django.rotation.models import Encryption, KeyPair, primary_rows
from cfsigned_django.signing import InvalidKey, PublicKey


class Verdict(StrEnum):
    """Whether a private key may be encrypted again."""

    #: An encryption key of the settings decrypts it.
    READY = "ready"
    #: CloudFront has its public key under the ID of the row.
    PROVEN = "proven"
    #: CloudFront was not asked, or did not answer: a person must compare.
    UNPROVEN = "unproven"
    #: It must not, or cannot: no encryption key decrypts it, or it is not the key of its row.
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A private key of the database that may be encrypted again."""

    key_pair: KeyPair
    verdict: Verdict
    #: Why it is refused, or why CloudFront did not prove it, as sentences.
    why: str = ""
    #: That of the public key which belongs to the private key; "" unless the key needs proof.
    fingerprint: str = ""

    @property
    def comparison(self) -> str:
        """Return the command that prints the fingerprint if ``public.pem`` has the same key."""
        return (
            "openssl pkey -pubin -in public.pem -outform DER | openssl sha256 | "
            f"grep {self.fingerprint}"
        )


def examine(key_groups: KeyGroups | None) -> list[Candidate]:
    """Return every private key of the database, and whether it may be encrypted again.

    ``key_groups`` asks CloudFront about the keys that need proof; None if this
    site does not call it. Nothing is changed.
    """
    found = []
    unasked = ""
    if key_groups is None:
        unasked = _("This site does not call CloudFront, so a person must compare the keys.")
    for key_pair in primary_rows().exclude(encrypted_private_key=""):
        candidate = _examine(key_pair, key_groups, unasked)
        if candidate.verdict is Verdict.UNPROVEN:
            unasked = candidate.why  # the next call would fail as well
        found.append(candidate)
    return found


def _examine(key_pair: KeyPair, key_groups: KeyGroups | None, unasked: str) -> Candidate:
    verdict, why, fingerprint = Verdict.READY, "", ""
    try:
        public_key = key_pair.open_private_key().public_key
        if key_pair.encryption is Encryption.UNPROVABLE:
            key_pair.open_trustworthy_key()  # raises the error that says what to do instead
        if key_pair.encryption is Encryption.UNPROVEN:
            fingerprint = public_key.fingerprint  # not that of the row, which may have been changed
            verdict, why = Verdict.UNPROVEN, unasked
            if key_groups is not None and not unasked:
                _require_in_cloudfront(key_groups, key_pair, public_key)
                verdict = Verdict.PROVEN
    except AwsError as error:
        _what, reason, next_step = error.translated(_)
        text = _(
            "CloudFront could not be asked: %(reason)s. %(next_step)s Or let a person compare the "
            "keys."
        )
        why = text % {"reason": reason, "next_step": next_step}
    except (CannotDecrypt, InvalidKey) as error:
        verdict, why = Verdict.REFUSED, _(str(error))
    return Candidate(key_pair=key_pair, verdict=verdict, why=why, fingerprint=fingerprint)


def _require_in_cloudfront(key_groups: KeyGroups, key_pair: KeyPair, public_key: PublicKey) -> None:
    """Raise :exc:`CannotDecrypt` unless CloudFront has this public key under the row's ID."""
    listed = key_groups.public_key(key_pair.key_pair_id) if key_pair.key_pair_id else None
    if listed is not None and listed.holds(public_key.to_pem()):
        return
    if listed is None:
        text = _(
            "CloudFront has no public key %(key)s: someone changed the table, or deleted the "
            "public key."
        )
    else:
        text = _("CloudFront has another public key under %(key)s: someone changed the table.")
    raise CannotDecrypt(f"{text % {'key': key_pair}} {what_if_it_differs(key_pair)}")


def what_if_it_differs(key_pair: KeyPair) -> str:
    """Return what to do if CloudFront does not have the public key of the row under its ID."""
    text = _(
        "Revoke this key pair (manage.py cfsigned_rotate --revoke %(name)s, or in the admin), and "
        "find out who can write to the database."
    )
    # Someone else may have chosen the ID, and a person pastes it into a shell.
    return text % {"name": shlex.quote(str(key_pair))}


def encrypt_again(
    candidates: Collection[Candidate], *, compared: Collection[str] = ()
) -> list[KeyPair]:
    """Encrypt with the newest encryption key what may be encrypted again, and return it.

    ``compared`` are the fingerprints that a person found to be those of the
    public keys in CloudFront. What was examined is encrypted again, and nothing
    else: a row that was changed meanwhile is left as it is.
    """
    encrypted: list[KeyPair] = []
    rows = primary_rows()
    for each in candidates:
        is_compared = each.verdict is Verdict.UNPROVEN and each.fingerprint in compared
        if each.verdict in (Verdict.READY, Verdict.PROVEN) or is_compared:
            former = each.key_pair.encrypted_private_key
            row = rows.filter(pk=each.key_pair.pk, encrypted_private_key=former)
            again = encrypt(each.key_pair.open_private_key(), each.key_pair.id)
            if row.update(encrypted_private_key=again):
                encrypted.append(each.key_pair)
    return encrypted
