"""Show the public key of a key pair: to read, to copy into CloudFront, and as a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.utils.translation import gettext as _

from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import InvalidKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownKey:
    """A public key, or why it cannot be shown."""

    file_name: str
    pem: str = ""
    problem: str = ""

    @classmethod
    def of(cls, key_pair: KeyPair) -> Self:
        """Return the key that belongs to the sealed private key: a person has it trusted.

        The column is for a key that is over: its private key is erased, and
        nobody asks for it any more.
        """
        file_name = f"{key_pair.caller_name}-public.pem"
        if KeyStatus(key_pair.status).is_final:
            return cls(file_name=file_name, pem=key_pair.public_key)
        try:
            return cls(file_name=file_name, pem=key_pair.open_public_key())
        except (CannotUnseal, ImproperlyConfigured, InvalidKey) as error:
            text = _("The public key is not shown, since the private key cannot be opened.")
            return cls(file_name=file_name, problem=f"{text} {_(str(error))}")

    def as_file(self) -> HttpResponse:
        """Return it as a PEM file."""
        disposition = f'attachment; filename="{self.file_name}"'
        return HttpResponse(
            self.pem,
            content_type="application/x-pem-file",
            headers={"Content-Disposition": disposition},
        )
