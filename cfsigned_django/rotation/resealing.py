"""Seal the private keys of the database anew, after an encryption key changed."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import router

from cfsigned_django.encryption import CannotUnseal, reseal
from cfsigned_django.rotation.models import KeyPair


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealing:
    """What became of the private keys, or would become of them."""

    #: What was sealed with the newest encryption key.
    sealed: list[KeyPair]
    #: What no encryption key of the settings opens.
    closed: list[KeyPair]
    #: What the settings lack to open those.
    problem: str = ""


def reseal_all(*, dry_run: bool = False) -> Resealing:
    """Seal every private key with the newest encryption key; one that stays closed stops none."""
    rows = KeyPair.objects.using(router.db_for_write(KeyPair))
    sealed, closed, problem = [], [], ""
    for row in rows.exclude(sealed_private_key=""):
        former = row.sealed_private_key
        try:
            anew = reseal(former)
        except CannotUnseal as error:
            closed.append(row)
            problem = str(error)
            continue
        sealed.append(row)
        if not dry_run:
            # Only if nobody erased or resealed it meanwhile.
            rows.filter(pk=row.pk, sealed_private_key=former).update(sealed_private_key=anew)
    return Resealing(sealed=sealed, closed=closed, problem=problem)
