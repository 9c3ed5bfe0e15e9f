"""Import a key of the settings, which signs already, into the database."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from cfsigned_django.rotation.active import ConfiguredKey, unimported_keys
from cfsigned_django.rotation.lifecycle import ENDED, KeyStatus
from cfsigned_django.rotation.models import KeyPair, KnownReason
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.rotation import Rotation, state_of
from cfsigned_django.rotation.site import refuse_different, why_not_imported
from cfsigned_django.rotation.store import RotationError
from cfsigned_django.signing.keys import PrivateKey
from cfsigned_django.signing.signer import Signer


def import_settings_key(rotation: Rotation, *, now: datetime) -> KeyPair:
    """Import the key of the settings into the database, where it continues to sign as ACTIVE.

    Raise :exc:`ImproperlyConfigured` if the settings have no key, or several.
    """
    key = _key_to_import(rotation)
    return import_key(rotation, key.source.load(), key.key_pair_id, now=now)


def check_import(rotation: Rotation) -> None:
    """Raise what :func:`import_settings_key` would raise, as far as known without a probe."""
    key = _key_to_import(rotation)
    private_key = key.source.load()
    if _find_imported(rotation, private_key, key.key_pair_id) is None:
        KeyPair.from_private_key(private_key)  # raises an error if it cannot be encrypted


def import_key(
    rotation: Rotation, private_key: PrivateKey, key_pair_id: str, *, now: datetime
) -> KeyPair:
    """Import a key that already signs, as ACTIVE."""
    if (there := _find_imported(rotation, private_key, key_pair_id)) is not None:
        return there
    signer = Signer(key_pair_id=key_pair_id, private_key=private_key)
    if rotation.probe(signer) is ProbeResult.WRONG_KEY:
        text = _(
            "CloudFront has another public key under %(id)s, so every link signed now is "
            "refused. Set AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID to a matching pair, "
            "then import it."
        )
        raise RotationError(text % {"id": key_pair_id})
    return rotation.store.create(
        private_key,
        now=now,
        reason=KnownReason.IMPORTED,
        status=KeyStatus.ACTIVE,
        key_pair_id=key_pair_id,
        active_in=rotation.key_group_id,
        active_at=now,
        retirement_seconds=rotation.waits.retirement,
    )


def _find_imported(rotation: Rotation, private_key: PrivateKey, key_pair_id: str) -> KeyPair | None:
    """Return the row of the key if it was already imported.

    Raise :exc:`RotationError` if it cannot be imported, as far as this can
    be known without a probe.
    """
    store = rotation.store
    active = store.active()
    if active is not None and active.key_pair_id == key_pair_id:
        return active
    if reason := why_not_imported(key_pair_id):
        raise RotationError(reason)
    if active is not None:
        raise RotationError(
            _(
                "The key group already has an ACTIVE key pair, which signs instead of the key "
                "of the settings: there is nothing to import. Remove that key from the "
                "settings."
            )
        )
    known = store.rows.filter(key_pair_id=key_pair_id).first()
    if known is not None:
        text = _(
            "%(id)s is already in the database, as %(status)s in key group %(group)s: it "
            "cannot be imported again. Remove it from the settings, or set another key."
        )
        names = {"status": known.status.upper(), "group": known.key_group_id}
        raise RotationError(text % {"id": key_pair_id, **names})
    fingerprint = private_key.public_key.fingerprint
    ended = store.rows.filter(fingerprint=fingerprint, status__in=ENDED).first()
    if ended is not None:
        text = _(
            "The private key of the settings is that of %(key)s, which is %(status)s: it "
            "cannot be imported again. Start a rotation, which makes a new key."
        )
        raise RotationError(text % {"key": ended, "status": ended.status.upper()})
    rotation.require_no_bypass(key_pair_id)
    return None


def _key_to_import(rotation: Rotation) -> ConfiguredKey:
    keys = rotation.settings_keys()
    if not keys:
        raise ImproperlyConfigured(
            _(
                "There is no key to import: AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID are not "
                "set, and no storage of the key group has a cloudfront_key."
            )
        )
    state = state_of(rotation)
    unknown = unimported_keys(state, keys)
    if not state.active:
        refuse_different(unknown)
    return (unknown or keys)[0]
