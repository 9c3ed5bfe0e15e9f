"""Sign and verify CloudFront URLs and cookies; needs only cryptography."""

from __future__ import annotations

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
from cfsigned_django.signing.keys import (
    HashAlgorithm as HashAlgorithm,
    KeyAlgorithm as KeyAlgorithm,
    PrivateKey as PrivateKey,
    PublicKey as PublicKey,
    SigningKey as SigningKey,
)
from cfsigned_django.signing.playlist import sign_playlist as sign_playlist
from cfsigned_django.signing.policy import Policy as Policy
from cfsigned_django.signing.signer import SignedPolicy as SignedPolicy, Signer as Signer
from cfsigned_django.signing.verifier import Verifier as Verifier
