"""The storages to name in STORAGES."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

from cfsigned_django import conf
from cfsigned_django.conf import LazyPrivateKey, whole_seconds
from cfsigned_django.signing import HashAlgorithm, Signer
from cfsigned_django.signing.encoding import encode_name
from cfsigned_django.storage import context
from cfsigned_django.storage.arguments import lifetime, refuse_dot_dot, refuse_nameless
from cfsigned_django.storage.options import OWN_KEY, ResolvedOptions, Setting
from cfsigned_django.storage.urls import SignedUrlMixin


def _is_ours(cls: type, name: str) -> bool:
    """Return whether no subclass overrides the attribute that this module defines."""
    return next(each for each in cls.__mro__ if name in vars(each)).__module__ == __name__


@deconstructible(path="cfsigned_django.storage.CloudFrontS3Storage")
class CloudFrontS3Storage(SignedUrlMixin, S3Storage):
    """Store files in a private S3 bucket and serve them through CloudFront.

    Uploads, reads and deletes are those of django-storages, with all of its
    settings and options. ``cloudfront_signer=None`` turns signing off, as it
    does there.
    """

    location: Any = Setting()

    def get_cloudfront_signer(self, key_id: str, key: Any) -> Any:
        """Return a signer for ``cloudfront_signer``, like the method of django-storages."""
        name = self.hash_algorithm
        return Signer(
            key_pair_id=key_id,
            private_key=(LazyPrivateKey.wrap(key) or LazyPrivateKey("")).load(),
            hash_algorithm=None if name is None else HashAlgorithm(name),
        )

    def _handed_in(self) -> Any:
        if self.cloudfront_signer is not OWN_KEY:
            return super()._handed_in()
        if type(self).get_cloudfront_signer is CloudFrontS3Storage.get_cloudfront_signer:
            return OWN_KEY
        key_id, key = self.cloudfront_key_id, self.cloudfront_key
        return self.get_cloudfront_signer(key_id, key) if key_id and key else OWN_KEY

    def _setting_defaults(self) -> Mapping[str, Any]:
        # A subclass may override these, as django-storages documents.
        return conf.defaults(self.get_default_settings())  # type: ignore[no-untyped-call]

    def _setting_default(self, name: str) -> Any:
        theirs = self.get_default_settings()  # type: ignore[no-untyped-call]
        return conf.hide(name, theirs[name]) if name in theirs else conf.default_of(name)

    def _refuse_unknown(self, options: Mapping[str, Any]) -> None:
        # django-storages does so as well, but from a frame that has the key of the settings.
        for name in options.keys() - self.get_default_settings().keys():  # type: ignore[no-untyped-call]
            raise ImproperlyConfigured(f"Invalid setting {name!r} for {type(self).__name__}")

    @classmethod
    def _has_fixed_paths(cls) -> bool:
        return cls._normalize_name is S3Storage._normalize_name and _is_ours(cls, "_address_of")

    def _address_start(self, origin: str) -> str:
        if not (origin and self._paths_are_fixed):
            return ""
        path = self._normalize_name("x")  # type: ignore[no-untyped-call]
        return f"{origin}/{encode_name(path)}".removesuffix("x")

    def _address_of(self, name: str | None, options: ResolvedOptions) -> str:
        if (
            isinstance(name, str)
            and name
            and options.start
            and not ("//" in name or "/." in name or "\\" in name)
            and name[0] not in "./"
            and name[-1] != "/"
        ):
            return options.start + encode_name(name)
        # First, the name must be normalized or refused.
        refuse_dot_dot(name or "")
        if options.is_signing:
            refuse_nameless(name)
        key = self._normalize_name(clean_name(name or ""))  # type: ignore[no-untyped-call]
        return f"{options.origin}/{encode_name(key)}"

    def _public_url(
        self,
        name: str | None,
        parameters: dict[str, Any] | None,
        expire: int | timedelta | None,
        http_method: str | None,
    ) -> str:
        """Return CloudFront's URL without a signature, or S3's if no domain is set."""
        if self.custom_domain:
            return super()._public_url(name, parameters, expire, http_method)
        refuse_dot_dot(name or "")
        seconds = None
        if self.querystring_auth:
            most = whole_seconds(self.max_expire) or 0
            seconds = lifetime(self.querystring_expire if expire is None else expire, most)
            context.note(int(time.time()) + seconds)
        url: str = S3Storage.url(self, name, parameters, seconds, http_method)
        return url


@deconstructible(path="cfsigned_django.storage.CloudFrontFileSystemStorage")
class CloudFrontFileSystemStorage(SignedUrlMixin, FileSystemStorage):
    """Store files on disk, and give them the URLs that they would have in S3.

    This is for development with the local edge, which serves the files as
    CloudFront serves a bucket. ``location`` is a folder on disk. ``base_url``
    is the path on the distribution, by default AWS_LOCATION, as for S3.
    """

    _base_url: str | None

    @property
    def base_url(self) -> str:
        """Return the path in front of every name, with a slash at both ends."""
        if self._base_url is None:
            return conf.base_url()
        return self._base_url if self._base_url.endswith("/") else f"{self._base_url}/"

    @classmethod
    def _has_fixed_paths(cls) -> bool:
        return (
            _is_ours(cls, "_address_of")
            and _is_ours(cls, "base_url")
            # A class between the two may build other paths.
            and super(SignedUrlMixin, cls).url is FileSystemStorage.url
        )

    def _address_of(self, name: str | None, options: ResolvedOptions) -> str:
        refuse_dot_dot(name or "")
        return super()._address_of(clean_name(name or ""), options)
