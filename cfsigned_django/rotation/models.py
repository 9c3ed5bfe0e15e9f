"""Store key pairs, their state and their history in the database."""

from __future__ import annotations

import logging
import re
import uuid
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

from django.core.exceptions import ImproperlyConfigured
from django.db import connections, models, router
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext, gettext_lazy as _, gettext_noop

from cfsigned_django.core import encryption
from cfsigned_django.core.encryption import CannotDecrypt, Decrypted, NotItsKey
from cfsigned_django.core.text import in_one_line, translated
from cfsigned_django.rotation.lifecycle import ENDED, KeyState, KeyStatus, full_seconds
from cfsigned_django.signing import HashAlgorithm, InvalidKey, KeyAlgorithm

if TYPE_CHECKING:
    from cfsigned_django.signing.keys import PrivateKey
    from cfsigned_django.signing.signer import Signer

    _Text: TypeAlias = models.CharField[str, str]
    _TextOrNull: TypeAlias = models.CharField[str | None, str | None]
    _Moment: TypeAlias = models.DateTimeField[datetime | None, datetime | None]

logger: Final = logging.getLogger("cfsigned_django.rotation")

_STATUS_LABELS = {
    KeyStatus.PENDING: _("Pending"),
    KeyStatus.TRUSTED: _("Trusted"),
    KeyStatus.ACTIVE: _("Active"),
    KeyStatus.RETIRING: _("Retiring"),
    KeyStatus.RETIRED: _("Retired"),
    KeyStatus.REVOKED: _("Revoked"),
}
_ALGORITHM_LABELS = {
    KeyAlgorithm.RSA_2048: "RSA 2048",
    KeyAlgorithm.ECDSA_P256: "ECDSA P-256",
}


#: The maximum number of characters of a recorded reason.
REASON_LENGTH = 250
_REPLACES = gettext_noop("replaces %(key)s, which was revoked")


class KnownReason(StrEnum):
    """The reasons that are recorded, in English, if no person gives one."""

    IMPORTED = gettext_noop("imported from the settings")
    SET_UP = gettext_noop("made for a stack")
    REVOKED_IN_ADMIN = gettext_noop("revoked in the admin")
    REVOKED_BY_COMMAND = gettext_noop("revoked by command")
    UNUSABLE = gettext_noop("could not begin to sign")
    REPLACED = gettext_noop("replaced before it signed, since the encryption key changed")
    LAST_OF_GROUP = gettext_noop("its key group had no other key")
    PUT_BACK = gettext_noop("put back into the key group")

    @staticmethod
    def replaces(key_pair: KeyPair) -> str:
        """Return the reason of the key that signs in place of a revoked one, in English."""
        return _REPLACES % {"key": key_pair}

    @classmethod
    def in_words(cls, reason: str) -> str:
        """Return a known reason in the active language, any other as a person wrote it."""
        if found := re.fullmatch(_REPLACES % {"key": "(.+)"}, reason):
            return gettext(_REPLACES) % {"key": found[1]}
        return gettext(reason) if reason in list(cls) else reason


class KeyPair(models.Model):
    """A signing key pair of one key group.

    The private half is encrypted, and erased when the key is retired or
    revoked. Two unique columns, which are NULL in all other states, let the
    database enforce one ACTIVE key and one successor per key group. (MySQL has
    no unique index with a condition.)
    """

    #: Also CloudFront's CallerReference, so that a call can be repeated.
    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid.uuid4, editable=False
    )
    key_group_id: _Text = models.CharField(_("key group"), max_length=64)
    key_pair_id: _TextOrNull = models.CharField(
        _("public key ID"), max_length=64, unique=True, null=True, blank=True
    )
    algorithm: _Text = models.CharField(_("algorithm"), max_length=16, choices=_ALGORITHM_LABELS)
    fingerprint: _Text = models.CharField(_("fingerprint"), max_length=64)
    public_key: models.TextField[str, str] = models.TextField(_("public key"))
    encrypted_private_key: models.TextField[str, str] = models.TextField(blank=True, editable=False)
    status: _Text = models.CharField(
        _("status"), max_length=16, choices=_STATUS_LABELS, default=KeyStatus.PENDING
    )
    # NULL, because an empty string would have to be unique.
    active_in: _TextOrNull = models.CharField(  # noqa: DJ001
        max_length=64, unique=True, null=True, editable=False
    )
    next_in: _TextOrNull = models.CharField(  # noqa: DJ001
        max_length=64, unique=True, null=True, editable=False
    )

    created_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(_("created"))
    trusted_at: _Moment = models.DateTimeField(_("trusted since"), null=True, blank=True)
    #: Since when no probe has been refused; NULL again after a probe is refused.
    verified_since: _Moment = models.DateTimeField(_("works since"), null=True, blank=True)
    active_at: _Moment = models.DateTimeField(_("signs since"), null=True, blank=True)
    #: NULL for a moment after the key stopped signing (KeyPairStore.begin_retirement).
    retiring_at: _Moment = models.DateTimeField(_("retiring since"), null=True, blank=True)
    retired_at: _Moment = models.DateTimeField(_("retired"), null=True, blank=True)
    revoked_at: _Moment = models.DateTimeField(_("revoked"), null=True, blank=True)
    #: When it was removed from CloudFront.
    removed_at: _Moment = models.DateTimeField(_("removed from CloudFront"), null=True, blank=True)
    #: Until when one process has exclusive use of the calls to CloudFront for this key.
    claimed_until: _Moment = models.DateTimeField(null=True, blank=True, editable=False)
    #: The longest wait before retirement that applied while the key signed, in seconds.
    retirement_seconds: models.PositiveIntegerField[int, int] = models.PositiveIntegerField(
        default=0, editable=False
    )
    changed_by: _Text = models.CharField(_("last changed by"), max_length=150, blank=True)
    reason: _Text = models.CharField(_("reason"), max_length=REASON_LENGTH, blank=True)

    class Meta:
        verbose_name: ClassVar[Any] = _("signing key pair")
        verbose_name_plural: ClassVar[Any] = _("signing key pairs")
        ordering: ClassVar[tuple[str, ...]] = ("-created_at",)
        default_permissions: ClassVar[tuple[str, ...]] = ("view",)
        permissions: ClassVar[tuple[tuple[str, str], ...]] = (
            ("rotate_keypair", "Can rotate signing keys"),
            ("revoke_keypair", "Can revoke a signing key, which breaks its links"),
        )
        # "Not NULL" is stated as well: a comparison with NULL is neither true nor
        # false, and a database accepts a row unless the condition is false.
        constraints: ClassVar[tuple[models.CheckConstraint, ...]] = (
            models.CheckConstraint(
                name="cfsigned_active_in_its_key_group",
                condition=Q(
                    status=KeyStatus.ACTIVE, active_in__isnull=False, active_in=F("key_group_id")
                )
                | (~Q(status=KeyStatus.ACTIVE) & Q(active_in__isnull=True)),
            ),
            models.CheckConstraint(
                name="cfsigned_next_in_its_key_group",
                condition=Q(
                    status__in=(KeyStatus.PENDING, KeyStatus.TRUSTED),
                    next_in__isnull=False,
                    next_in=F("key_group_id"),
                )
                | (~Q(status__in=(KeyStatus.PENDING, KeyStatus.TRUSTED)) & Q(next_in__isnull=True)),
            ),
        )

    def __str__(self) -> str:
        # Someone with write access to the table chooses it, and commands and logs show it.
        name = self.key_pair_id or f"{self.get_algorithm_display()} {self.fingerprint[:12]}"
        return in_one_line(name)

    @classmethod
    def from_private_key(cls, private_key: PrivateKey, **fields: Any) -> KeyPair:
        """Return an unsaved row for a private key, which is encrypted."""
        row = cls(
            algorithm=private_key.algorithm,
            fingerprint=private_key.public_key.fingerprint,
            public_key=private_key.public_key.to_pem(),
            **fields,
        )
        row.encrypted_private_key = encryption.encrypt(private_key, row.id)
        return row

    def decrypted(self) -> Decrypted:
        """Return the private key, not parsed yet.

        Raise :exc:`cfsigned_django.core.encryption.CannotDecrypt` if no encryption
        key of the settings decrypts it, or if it is not the key of this row.
        """
        try:
            found = encryption.decrypt(self.encrypted_private_key, self.id, self.fingerprint)
            if self.status in ENDED or self.retired_at or self.revoked_at:
                raise NotItsKey(encryption.NOT_ERASED)
        except NotItsKey as error:
            logger.error("The private key of %s (%s) is refused. %s", self, self.id, error)
            raise
        return found

    def trustworthy(self) -> Decrypted:
        """Return the private key, if CloudFront may begin to trust it, or it may begin to sign.

        AWS_CLOUDFRONT_ENCRYPTION_KEYS, if set, must decrypt it: someone with
        write access to the table may know an old SECRET_KEY. Raise
        :exc:`cfsigned_django.core.encryption.CannotDecrypt` otherwise.
        """
        found = self.decrypted()
        if found.is_of_settings:
            return found
        raise CannotDecrypt(encryption.NOT_OF_SETTINGS)

    def open_public_key(self) -> str:
        """Return the PEM of the public key that CloudFront must trust.

        Derived from the private key, never read from the column: someone with
        write access to the table but no encryption key must not be able to get
        their own key trusted. Raise
        :exc:`cfsigned_django.core.encryption.CannotDecrypt` as
        :meth:`trustworthy` does.
        """
        return self.trustworthy().load().public_key.to_pem()

    @property
    def trustworthy_public_key(self) -> str:
        """Return the PEM of the public key, derived from the private key if it can be decrypted.

        Otherwise return the column. Someone with write access to the table but
        no encryption key must not be able to get other keys removed.
        """
        try:
            return self.decrypted().load().public_key.to_pem()
        except (CannotDecrypt, ImproperlyConfigured, InvalidKey):
            return self.public_key

    @property
    def decryption_problem(self) -> str:
        """Return why the private key cannot be decrypted; empty if it can, or if it is erased."""
        if self.encrypted_private_key:
            try:
                self.decrypted()
            except (CannotDecrypt, ImproperlyConfigured) as error:
                return translated(error, gettext)
        return ""

    @property
    def trust_problem(self) -> str:
        """Return why CloudFront may not begin to trust the private key; empty if it may."""
        try:
            self.trustworthy()
        except (CannotDecrypt, ImproperlyConfigured) as error:
            return translated(error, gettext)
        return ""

    @property
    def is_outdated(self) -> bool:
        """Return whether the newest encryption key did not encrypt the private key.

        That is not known, and False, while the settings are wrong.
        """
        try:
            return bool(self.encrypted_private_key) and not self.decrypted().is_newest
        except ImproperlyConfigured:
            return False
        except CannotDecrypt:
            return True

    def make_signer(self, hash_algorithm: HashAlgorithm | None = None) -> Signer:
        """Return the signer of this key pair; ``hash_algorithm`` is for RSA keys only.

        Raise :exc:`cfsigned_django.core.encryption.CannotDecrypt` as :meth:`decrypted` does.
        """
        from cfsigned_django.signing.signer import Signer

        if self.algorithm == KeyAlgorithm.ECDSA_P256:
            hash_algorithm = HashAlgorithm.SHA256
        return Signer(
            key_pair_id=self.key_pair_id or "",
            private_key=self.decrypted().load(),
            hash_algorithm=hash_algorithm,
        )

    @property
    def name_in_cloudfront(self) -> str:
        """Return the name of the public key in CloudFront, by which it is found again."""
        return f"cfsigned-{self.id}"

    @property
    def reason_in_words(self) -> str:
        """Return the reason, in the active language if no person wrote it."""
        return KnownReason.in_words(self.reason)

    @property
    def since(self) -> datetime:
        """Return when the key pair entered its current state."""
        moments = (
            self.revoked_at,
            self.retired_at,
            self.retiring_at,
            self.active_at,
            self.trusted_at,
        )
        return next((moment for moment in moments if moment is not None), self.created_at)

    @property
    def awaits_removal(self) -> bool:
        """Return whether it is revoked, and CloudFront may still trust it."""
        return self.status == KeyStatus.REVOKED and self.removed_at is None

    @property
    def state(self) -> KeyState:
        """Return the state that the rules of lifecycle.py use."""
        return KeyState(
            status=KeyStatus(self.status),
            verified_since=full_seconds(self.verified_since),
            retiring_since=full_seconds(self.retiring_at),
            retirement=self.retirement_seconds,
        )


def primary_rows() -> QuerySet[KeyPair]:
    """Return the key pairs from the database that takes writes, since a replica may lag."""
    return KeyPair.objects.using(router.db_for_write(KeyPair))


def has_table(using: str) -> bool:
    return KeyPair._meta.db_table in connections[using].introspection.table_names()
