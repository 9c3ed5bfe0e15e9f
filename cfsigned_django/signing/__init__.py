"""Sign and verify CloudFront URLs and cookies; needs only cryptography."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from cfsigned_django.signing.algorithms import (
    HashAlgorithm as HashAlgorithm,
    KeyAlgorithm as KeyAlgorithm,
)
from cfsigned_django.signing.exceptions import (
    Check as Check,
    Denied as Denied,
    HashRefused as HashRefused,
    InvalidKey as InvalidKey,
    InvalidPlaylist as InvalidPlaylist,
    InvalidPolicy as InvalidPolicy,
    InvalidUrl as InvalidUrl,
    SigningError as SigningError,
)

if TYPE_CHECKING:
    from cfsigned_django.signing.keys import (
        PrivateKey as PrivateKey,
        PublicKey as PublicKey,
        SigningKey as SigningKey,
    )
    from cfsigned_django.signing.playlist import sign_playlist as sign_playlist
    from cfsigned_django.signing.policy import Policy as Policy
    from cfsigned_django.signing.signer import SignedPolicy as SignedPolicy, Signer as Signer
    from cfsigned_django.signing.verifier import Verifier as Verifier

_MODULES = {
    **dict.fromkeys(("PrivateKey", "PublicKey", "SigningKey"), "keys"),
    **dict.fromkeys(("SignedPolicy", "Signer"), "signer"),
    "Policy": "policy",
    "Verifier": "verifier",
    "sign_playlist": "playlist",
}


def __getattr__(name: str) -> object:
    """Import what signs and verifies when it is asked for.

    Each process of a site with the app imports this package for the settings and the models, and
    few of them, such as a web server's, need a key, and cryptography with it.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
