"""Say what AWS shall serve, and by which key: what the judges of AWS compare with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cfsigned_django.signing import PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a storage's links lead to.

    ``host`` is bare; ``path`` is that of an object, percent-encoded, and
    ``location`` the one in front of every name, from slash to slash.
    ``object_key`` is what S3 calls the object. ``key_pair_id`` and
    ``public_key`` are of the key that signs, None where that is not known.
    """

    host: str
    path: str
    location: str = "/"
    object_key: str = ""
    bucket: str | None = None
    region: str | None = None
    key_group_id: str | None = None
    key_pair_id: str | None = None
    public_key: PublicKey | None = None
    cors_origins: Sequence[str] = ()
    uses_addresses: bool = False
    uses_downloads: bool = False
    #: The domain is this machine's: a local edge, which no distribution has as its name.
    is_local: bool = False
