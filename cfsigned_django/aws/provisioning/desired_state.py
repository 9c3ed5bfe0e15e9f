"""What a setup must reach; everything is checked here, before AWS is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cfsigned_django.signing import PrivateKey

#: S3 User Guide, "Bucket naming rules".
_BUCKET: Final = re.compile(r"(?!xn--|sthree-)[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]", re.ASCII)
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.*-]+(?::[0-9]{1,5})?|\*", re.ASCII)
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?", re.ASCII)
#: "Cache behavior settings" (Developer Guide): the alphabet of a path pattern.
_PATTERN: Final = re.compile(r"[A-Za-z0-9_\-.*?$/~\"'@:+&]{1,255}", re.ASCII)
#: CloudFront takes certificates of this one region (Developer Guide, "Requirements for using
#: SSL/TLS certificates with CloudFront").
_CERTIFICATE: Final = re.compile(
    r"arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/[A-Za-z0-9-]+", re.ASCII
)
_DISTRIBUTION: Final = re.compile(r"E[A-Z0-9]{6,}", re.ASCII)


class OriginAccess(StrEnum):
    """Name the two ways in which CloudFront may read a private bucket."""

    OAC = "oac"
    #: The way before OAC; AWS recommends it for nothing new.
    OAI = "oai"


class InvalidDesiredState(ValueError):
    """A desired state that no AWS account can have; the message says what is expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteKey:
    """The public half of the key pair that the site signs with.

    ``name`` and ``caller_reference`` are for this key alone, so that a call
    whose answer was lost is found again.
    """

    name: str
    caller_reference: str
    public_key_pem: str

    @classmethod
    def from_private_key(cls, private_key: PrivateKey) -> SiteKey:
        """Return the public half; the same names for the same key, so that it is found again."""
        fingerprint = private_key.public_key.fingerprint
        return cls(
            name=f"cfsigned-{fingerprint[:16]}",
            caller_reference=f"cfsigned-{fingerprint}",
            public_key_pem=private_key.public_key.to_pem(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredState:
    """What there shall be. Raise :exc:`InvalidDesiredState` for what AWS would not take."""

    bucket: str
    #: Where the settings say that the bucket is, or shall be made; empty: wherever it is.
    region: str = ""
    #: Where a new bucket is made if ``region`` says nothing; empty: in us-east-1.
    default_region: str = ""
    #: None: the one that an earlier run made for the bucket, or a new one.
    distribution_id: str | None = None
    creates_distribution: bool = False
    #: None: the default behavior.
    path_pattern: str | None = None
    #: What viewers shall see; empty: CloudFront's own name for the distribution.
    domain: str = ""
    #: ARN of the certificate for the domain; empty: a person attaches one.
    certificate: str = ""
    cors_origins: tuple[str, ...] = ()
    #: None: the way that the origin has, and an access control for a new one.
    origin_access: OriginAccess | None = None
    #: Signed URLs shall be able to name the file that a browser saves.
    downloads: bool = False
    closes_public: bool = False
    drops_trusted_signers: bool = False
    #: Empty: the one that has this code's name for the bucket.
    key_group_id: str = ""
    #: None: no key pair has been made yet.
    key: SiteKey | None = None

    def __post_init__(self) -> None:
        if not _BUCKET.fullmatch(self.bucket) or ".." in self.bucket:
            raise InvalidDesiredState(
                f"{self.bucket!r} is no name of a bucket: 3 to 63 lower-case letters, digits, "
                "hyphens and dots."
            )
        if self.distribution_id is not None and self.creates_distribution:
            raise InvalidDesiredState(
                "--distribution and --create contradict each other: give one of them."
            )
        if self.distribution_id is not None and not _DISTRIBUTION.fullmatch(self.distribution_id):
            raise InvalidDesiredState(
                f"{self.distribution_id!r} is no id of a distribution, such as E1A2B3C4D5E6F7. "
                "CloudFront shows it in the list of distributions, under ID."
            )
        if self.path_pattern is not None and not _PATTERN.fullmatch(self.path_pattern):
            raise InvalidDesiredState(
                f"{self.path_pattern!r} is no path pattern, such as media/*: CloudFront takes 1 to "
                "255 letters, digits and _ - . * ? $ / ~ \" ' @ : + &."
            )
        if self.domain and not _HOST.fullmatch(self.domain):
            raise InvalidDesiredState(f"{self.domain!r} is no domain, such as media.example.com.")
        if self.certificate and not self.domain:
            raise InvalidDesiredState("--certificate is for a domain: name it with --domain.")
        if self.certificate and not _CERTIFICATE.fullmatch(self.certificate):
            raise InvalidDesiredState(
                f"{self.certificate!r} is no certificate that CloudFront takes: it must be one of "
                "ACM in us-east-1, such as arn:aws:acm:us-east-1:111122223333:certificate/... "
                "Request it in that region, wherever the bucket is."
            )
        for origin in self.cors_origins:
            if not _ORIGIN.fullmatch(origin):
                raise InvalidDesiredState(
                    f"{origin!r} is no origin: scheme and host without a path, such as "
                    "https://www.example.com."
                )
