"""The key of a site in development that has set none: derived from SECRET_KEY, on this machine."""

from __future__ import annotations

import inspect
from typing import Any, Final

from django.conf import settings

from cfsigned_django.core import conf
from cfsigned_django.core.encryption import derive
from cfsigned_django.storage.options import OWN_KEY, Option

#: It stands where CloudFront's public key ID does.
KEY_PAIR_ID: Final = "KDEVELOPMENTONLY"
#: Where ``cfsigned_edge`` listens.
DOMAIN: Final = "127.0.0.1:8001"
_DECISIVE: Final = ("cloudfront_key", "cloudfront_key_id", "key_group_id", "custom_domain")


def defaults_of(storage: Any) -> dict[str, Any]:
    """Return the options with which a storage on disk signs if DEBUG is on and nobody said how.

    They are none if a key, its ID, a signer or a key group is set, or a domain that is not of this
    machine: then the settings say how.
    """
    if not settings.DEBUG or _declared(storage, "cloudfront_signer") is not OWN_KEY:
        return {}
    key_and_domain = {name: _said(storage, name) for name in _DECISIVE}
    domain = key_and_domain.pop("custom_domain")
    if any(each is not None for each in key_and_domain.values()) or not (
        domain is None or conf.is_local_host(domain)
    ):
        return {}
    found = {
        "cloudfront_key": conf.hide("cloudfront_key", _pem()),
        "cloudfront_key_id": KEY_PAIR_ID,
        "hash_algorithm": None,
    }
    if domain is None:
        found["custom_domain"] = DOMAIN
    if not conf.aws_setting("AWS_S3_URL_PROTOCOL"):
        found["url_protocol"] = "http:"
    return found


def _said(storage: Any, option: str) -> Any:
    """Return what says how to sign; None if nothing does. An option that is empty says it, too."""
    found = _declared(storage, option)
    return conf.setting_of(option) or None if isinstance(found, Option) else found or ""


def _declared(storage: Any, option: str) -> Any:
    """Return what the constructor or the class has; a property is not asked."""
    return vars(storage).get(option, inspect.getattr_static(type(storage), option))


def _pem() -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec

    from cfsigned_django.signing.keys import PrivateKey

    # 31 bytes are less than the order of the curve, as a private key must be. They are not kept in
    # a variable, since a debug page would show it.
    return PrivateKey(
        ec.derive_private_key(
            int.from_bytes(
                derive(settings.SECRET_KEY, b"cfsigned_django.development", length=31), "big"
            ),
            ec.SECP256R1(),
        )
    ).to_pem()
