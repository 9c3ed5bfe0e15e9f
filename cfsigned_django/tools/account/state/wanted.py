"""What the site needs of AWS, which the judge compares with what is there."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from cfsigned_django.signing import PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteKey:
    """The public half of the key pair that the site signs with.

    ``name`` and ``caller_reference`` are unique to this key, so that a key whose
    response was lost is found again.
    """

    name: str
    caller_reference: str
    public_key_pem: str

    @classmethod
    def from_public_key(cls, public_key: PublicKey) -> SiteKey:
        """Return the key, always with the same names for the same key."""
        fingerprint = public_key.fingerprint
        return cls(
            name=f"cfsigned-{fingerprint[:16]}",
            caller_reference=f"cfsigned-{fingerprint}",
            public_key_pem=public_key.to_pem(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the site needs of AWS, from its settings and the options of a command."""

    #: Empty if the storage has none: then nothing is known about a bucket.
    bucket: str = ""
    #: The region in the settings; empty: wherever the bucket is.
    region: str = ""
    #: None: the one that has the domain.
    distribution_id: str | None = None
    #: The domain in URLs; empty: CloudFront's own domain name of the distribution.
    domain: str = ""
    cors_origins: tuple[str, ...] = ()
    #: Pages of these origins upload files to S3.
    upload_origins: tuple[str, ...] = ()
    #: The folder of uploads, with a slash at its end, whose incomplete ones end.
    upload_prefix: str = ""
    #: Pages of these origins read files with signed cookies.
    cookies: bool = False
    #: ARN of the KMS key that must encrypt new objects; empty: that of the bucket, if it has one.
    kms_key: str = ""
    #: Empty: those that the behavior trusts.
    key_group_id: str = ""
    #: None: there is no key pair yet.
    key: SiteKey | None = None
    #: The public key ID in the settings; empty: the one that CloudFront has for the key.
    key_pair_id: str = ""
    #: The folder of all names as a path, with a slash at both ends; empty if it is unknown.
    location: str = ""
    #: The path patterns of the folders that the storage declares public.
    public_paths: tuple[str, ...] = ()
    #: The percent-encoded path of an object that viewers request; empty if none is named.
    path: str = ""
    #: The life of signed URLs, in seconds; 0 if it is unknown.
    expire: int = 0
    #: The domain is this machine: a local edge, which is not a name of any distribution.
    is_local: bool = False

    @property
    def uploads(self) -> bool:
        """Return whether browsers upload files to S3."""
        return bool(self.upload_origins or self.upload_prefix)

    @property
    def object_key(self) -> str:
        """Return the key in S3 of an object that viewers request; it need not exist."""
        return (unquote(self.path) or f"{self.location or '/'}x").removeprefix("/")

    @property
    def host(self) -> str:
        """Return the domain without a port; empty for CloudFront's own."""
        return self.domain.partition(":")[0]
