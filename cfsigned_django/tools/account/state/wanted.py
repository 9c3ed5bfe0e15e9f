"""What the site needs of AWS: what a setup must reach, and what the doctor compares with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

from cfsigned_django.signing import PublicKey
from cfsigned_django.tools.account.documents.origins import ALIAS_ENDING
from cfsigned_django.tools.account.documents.policies import (
    CONTENT_TYPE_PARAMETER,
    DOWNLOAD_PARAMETERS,
)

#: S3 User Guide, "Bucket naming rules".
_BUCKET: Final = re.compile(r"(?!xn--|sthree-)[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]", re.ASCII)
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.*-]+(?::[0-9]{1,5})?|\*", re.ASCII)
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?", re.ASCII)
#: "Cache behavior settings" (Developer Guide): the alphabet of a path pattern.
_PATTERN: Final = re.compile(r"[A-Za-z0-9_\-.*?$/~\"'@:+&]{1,255}", re.ASCII)
#: CloudFront accepts certificates of this region only (Developer Guide, "Requirements for using
#: SSL/TLS certificates with CloudFront").
_CERTIFICATE: Final = re.compile(
    r"arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/[A-Za-z0-9-]+", re.ASCII
)
_KMS_KEY: Final = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+", re.ASCII)
_DISTRIBUTION: Final = re.compile(r"E[A-Z0-9]{6,}", re.ASCII)


class OriginAccess(StrEnum):
    """The two ways in which CloudFront can read a private bucket."""

    OAC = "oac"
    #: The older way; AWS does not recommend it for new origins.
    OAI = "oai"


class InvalidWanted(ValueError):
    """A wish that no AWS account can meet; the message says what is expected."""


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
    #: Where a new bucket is created if ``region`` is empty; empty: in us-east-1.
    default_region: str = ""
    #: None: the one that an earlier run created for the bucket, or a new one.
    distribution_id: str | None = None
    creates_distribution: bool = False
    #: None: the default behavior.
    path_pattern: str | None = None
    #: The domain in URLs; empty: CloudFront's own domain name of the distribution.
    domain: str = ""
    #: ARN of the certificate for the domain; empty: a person attaches one.
    certificate: str = ""
    cors_origins: tuple[str, ...] = ()
    #: Pages of these origins upload files to S3.
    upload_origins: tuple[str, ...] = ()
    #: The folder of uploads, with a slash at its end, whose incomplete ones end.
    upload_prefix: str = ""
    #: Pages of these origins read files with signed cookies.
    cookies: bool = False
    #: None: what the origin uses already, and an access control for a new origin.
    origin_access: OriginAccess | None = None
    #: Signed URLs can set the name under which a browser saves the file.
    downloads: bool = False
    #: They can also set the content type; only with ``downloads``.
    content_types: bool = False
    #: ARN of the KMS key that must encrypt new objects; empty: the bucket's encryption stays.
    kms_key: str = ""
    closes_public: bool = False
    drops_trusted_signers: bool = False
    #: Empty: the one named after the bucket.
    key_group_id: str = ""
    #: None: there is no key pair yet.
    key: SiteKey | None = None
    #: The public key ID in the settings; empty: the one that CloudFront has for the key.
    key_pair_id: str = ""
    #: The folder of all names as a path, with a slash at both ends; empty if it is unknown.
    location: str = ""
    #: The percent-encoded path of an object that viewers request; empty if none is named.
    path: str = ""
    #: The life of signed URLs, in seconds; 0 if it is unknown.
    expire: int = 0
    #: The domain is this machine: a local edge, which is not a name of any distribution.
    is_local: bool = False

    def refuse_impossible(self) -> None:
        """Raise :exc:`InvalidWanted` for what AWS would refuse, before it is called."""
        if not _BUCKET.fullmatch(self.bucket) or ".." in self.bucket:
            raise InvalidWanted(
                f"{self.bucket!r} is not a valid bucket name. Use 3 to 63 lowercase letters, "
                "digits, hyphens and dots."
            )
        if self.bucket.endswith(ALIAS_ENDING):
            raise InvalidWanted(
                f"{self.bucket!r} is the alias of an access point, not a bucket. Use the name of "
                "the bucket (--bucket)."
            )
        if self.distribution_id is not None and self.creates_distribution:
            raise InvalidWanted(
                "--distribution and --create cannot be used together. Use one of them."
            )
        if self.distribution_id is not None and not _DISTRIBUTION.fullmatch(self.distribution_id):
            raise InvalidWanted(
                f"{self.distribution_id!r} is not a valid distribution ID. Use an ID such as "
                "E1A2B3C4D5E6F7, as in the list of distributions in CloudFront."
            )
        if self.path_pattern is not None and not _PATTERN.fullmatch(self.path_pattern):
            raise InvalidWanted(
                f"{self.path_pattern!r} is not a valid path pattern. Use 1 to 255 letters, "
                "digits and _ - . * ? $ / ~ \" ' @ : + &, as in media/*."
            )
        self._check_domain()
        if self.kms_key:
            self._check_kms_key()
        self._check_origins()
        if self.cookies:
            self._check_cookies()

    @property
    def files(self) -> str:
        """Return the pattern of the paths of private files."""
        return f"{self.location}*" if self.location else self.path_pattern or "*"

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

    @property
    def download_parameters(self) -> tuple[str, ...]:
        """Return the query parameters that must reach S3 for downloads."""
        return (*DOWNLOAD_PARAMETERS, *((CONTENT_TYPE_PARAMETER,) if self.content_types else ()))

    @property
    def kms_region(self) -> str:
        """Return the region of the KMS key, which must be that of the bucket; empty without one."""
        return self.kms_key.split(":")[3] if self.kms_key else ""

    def _check_domain(self) -> None:
        if self.domain and not _HOST.fullmatch(self.domain):
            raise InvalidWanted(
                f"{self.domain!r} is not a valid domain. Use a host name such as media.example.com."
            )
        if self.certificate and not self.domain:
            raise InvalidWanted("--certificate needs a domain. Add --domain.")
        if self.certificate and not _CERTIFICATE.fullmatch(self.certificate):
            raise InvalidWanted(
                f"{self.certificate!r} is not a certificate that CloudFront accepts. Use the ARN "
                "of an ACM certificate in us-east-1, such as "
                "arn:aws:acm:us-east-1:111122223333:certificate/... Request it in that region, "
                "wherever the bucket is."
            )

    def _check_origins(self) -> None:
        for origin in (*self.cors_origins, *self.upload_origins):
            if not _ORIGIN.fullmatch(origin) or (origin in self.upload_origins and "*" in origin):
                raise InvalidWanted(
                    f"{origin!r} is not a valid origin. Use scheme and host without a path, "
                    "such as https://www.example.com; for uploads, also without *."
                )

    def _check_cookies(self) -> None:
        if not self.cors_origins:
            raise InvalidWanted(
                "--cookies needs the origins whose pages read files with signed cookies. Add "
                "--cors-origin, once for each."
            )
        for origin in self.cors_origins:
            if "*" in origin:
                raise InvalidWanted(
                    f"--cookies and --cors-origin {origin!r} cannot be used together: browsers "
                    "refuse '*' for requests with cookies, and a pattern could let pages of others "
                    "read private files. Use --cors-origin with each origin, such as "
                    "https://www.example.com."
                )

    def _check_kms_key(self) -> None:
        if not _KMS_KEY.fullmatch(self.kms_key):
            raise InvalidWanted(
                f"{self.kms_key!r} is not the ARN of a KMS key. Use one such as "
                "arn:aws:kms:us-east-1:111122223333:key/1a2b3c4d-...; an alias may change."
            )
        if self.region and self.region != self.kms_region:
            raise InvalidWanted(
                f"The KMS key is in {self.kms_region}, but AWS_S3_REGION_NAME is {self.region}. "
                "Use a key in the region of the bucket."
            )
        if self.origin_access is OriginAccess.OAI:
            raise InvalidWanted(
                "--kms-key and --origin-access oai cannot be used together: an origin access "
                "identity cannot read objects that a KMS key encrypts. Use --origin-access oac."
            )
