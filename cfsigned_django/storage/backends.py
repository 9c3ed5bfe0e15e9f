"""Offer the storages to name in STORAGES."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.core.checks import CheckMessage
from django.core.files.storage import FileSystemStorage
from django.utils.encoding import filepath_to_uri
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

from cfsigned_django import conf
from cfsigned_django.conf import Config, KeySource
from cfsigned_django.signing import Signer
from cfsigned_django.storage import context
from cfsigned_django.storage.addresses import AddressMixin, escape_asterisks
from cfsigned_django.storage.arguments import lifetime, refuse_dot_dot, refuse_writing
from cfsigned_django.storage.plain_names import plain_bytes
from cfsigned_django.storage.urls import SignedUrlMixin as SignedUrlMixin
from cfsigned_django.validation import find_problems, raise_first_error, whole_seconds

# What comes out of a pickle empty and is found again in the settings.
_CREDENTIALS = ("secret_key", "security_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class _LateSigner:
    """Stand in ``cloudfront_signer`` for a key that is read when it shall sign."""

    key_pair_id: str
    source: KeySource | None
    #: Which storage made it of its options: it stays the same when these change.
    mark: object = field(default_factory=object, repr=False, compare=False)


class CloudFrontS3Storage(SignedUrlMixin, S3Storage):
    """Store files in a private S3 bucket and serve them through CloudFront.

    Uploads, reads and deletes are django-storages' own, with all of its
    settings and options. ``cloudfront_signer=None`` turns signing off, as
    there, and a signer of botocore's keeps django-storages' ``url()``.
    """

    access_key: Any
    location: str
    transfer_config: Any

    _followed = (*SignedUrlMixin._followed, "location")
    # The mark of the signer that the constructor made of the options, or None where these
    # hold no key. Any signer without it was handed in, then or later.
    _options_mark: Any = object()

    def __init__(self, **options: Any) -> None:
        conf.hide_all(options)  # in this frame too, which a debug page would print
        super().__init__(**options)
        if self._needs_key and isinstance(self.cloudfront_signer, _LateSigner | None):
            self._options_mark = _mark_of(self.cloudfront_signer)

    def _follow_settings(self) -> None:
        super()._follow_settings()
        signer = getattr(self, "cloudfront_signer", None)
        if isinstance(signer, _LateSigner) and self._is_of_options(signer):
            # It would keep the key that the settings named before in memory. Nothing else is
            # written, so that two threads that do this at once cannot disagree.
            self.cloudfront_signer = replace(
                signer, key_pair_id=self.cloudfront_key_id, source=self.cloudfront_key
            )

    def get_cloudfront_signer(self, key_id: str, key: Any) -> Any:
        """Return a signer for ``cloudfront_signer``, as django-storages' method does."""
        return _LateSigner(key_pair_id=key_id, source=KeySource.wrap(key))

    def find_problems(self, obj: Any = None, *, tries_key: bool = True) -> list[CheckMessage]:
        """Return what system checks say about this storage; ``obj`` is what they name."""
        if self._has_foreign_signer():
            return find_problems(self.signing_config(), with_key=False, obj=obj)
        return super().find_problems(obj, tries_key=tries_key)

    def signing_config(self) -> Config:
        """Return the options as they stand, for the checks."""
        # The constructor asks before django-storages' own has set the signer.
        config, signer = super().signing_config(), getattr(self, "cloudfront_signer", None)
        if self._is_of_options(signer) or not isinstance(signer, _LateSigner):
            return config
        return replace(config, cloudfront_key=signer.source, cloudfront_key_id=signer.key_pair_id)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        _mend_transfer_config(self.transfer_config)
        found = self._find_credentials()
        for name in _CREDENTIALS:
            if getattr(self, name) is None:
                setattr(self, name, found[name])

    def _find_credentials(self) -> dict[str, Any]:
        """Return AWS's secrets for an unpickled storage: from its options or the settings."""
        for options in conf.all_storage_options():
            if self.access_key and options.get("access_key") == self.access_key:
                return {name: options.get(name) for name in _CREDENTIALS}
        defaults = self.get_default_settings()  # type: ignore[no-untyped-call]
        return {name: defaults[name] for name in _CREDENTIALS}

    def _is_signing(self) -> bool:
        signer = self.cloudfront_signer
        return super()._is_signing() and (
            self._is_of_options(signer) or isinstance(signer, _LateSigner | Signer)
        )

    def _has_foreign_signer(self) -> bool:
        """Tell whether URLs are signed by what was handed in and is not this package's."""
        has_signer = self.querystring_auth is not False and self.cloudfront_signer is not None
        return has_signer and not self._is_signing()

    def _handed_in(self) -> Any:
        return self.cloudfront_signer

    def _asks_database(self, config: Config) -> bool:
        return self._is_of_options(self.cloudfront_signer) and super()._asks_database(config)

    def _is_of_options(self, signer: Any) -> bool:
        """Tell whether this is what came of the options, and was not handed in."""
        return _mark_of(signer) is self._options_mark

    @classmethod
    def signs(cls, options: Mapping[str, Any]) -> bool:
        """Tell whether an instance with these options is sure to sign its URLs."""
        signer = options.get("cloudfront_signer", getattr(cls, "cloudfront_signer", ...))
        return super().signs(options) and signer is not None

    @classmethod
    def needs_key(cls, options: Mapping[str, Any]) -> bool:
        """Tell whether no signer is handed in, so that the settings must hold a key."""
        return not ("cloudfront_signer" in options or hasattr(cls, "cloudfront_signer"))

    def _setting_defaults(self) -> dict[str, Any]:
        ours = super()._setting_defaults()
        # A subclass may have changed these, as django-storages' classes allow.
        theirs = self.get_default_settings()  # type: ignore[no-untyped-call]
        return {**ours, **{name: theirs[name] for name in self._followed if name in theirs}}

    def _own_option_names(self) -> set[str]:
        options = self.get_default_settings()  # type: ignore[no-untyped-call]
        return {*options, "cloudfront_signer"}

    @classmethod
    def _has_fixed_paths(cls) -> bool:
        return (
            cls._normalize_name is S3Storage._normalize_name
            and cls._url_path is CloudFrontS3Storage._url_path
            and not cls.has_properties("location", "cloudfront_signer")
        )

    def _url_path(self, name: str | None) -> str:
        if name.__class__ is str and type(self)._normalize_name is S3Storage._normalize_name:
            joined = f"{self.location.rstrip('/')}/{name}" if self.location else name
            if plain_bytes(joined) is not None:
                return f"/{joined}"
        refuse_dot_dot(name or "")
        key = self._normalize_name(clean_name(name or ""))  # type: ignore[no-untyped-call]
        return "/" + escape_asterisks(filepath_to_uri(key))

    def _plain_url(
        self,
        name: str | None,
        parameters: dict[str, Any] | None,
        expire: int | timedelta | None,
        http_method: str | None,
        download: str | None,
    ) -> str:
        """Return django-storages' URL, where code said that this class shall not sign it."""
        if self._has_foreign_signer():
            raise_first_error(self.find_problems())
        elif self.custom_domain:
            return super()._plain_url(name, parameters, expire, http_method, download)
        if download is not None:
            raise ValueError(
                "download needs the storage's own signer, or its own domain: give "
                "ResponseContentDisposition as a parameter instead."
            )
        refuse_dot_dot(name or "")
        if self.custom_domain and http_method is not None:
            refuse_writing(http_method)  # django-storages would ignore it
        seconds = None
        if self.querystring_auth:
            most = whole_seconds(self.max_expire) or 0
            seconds = lifetime(self.querystring_expire if expire is None else expire, most)
            context.note(int(time.time()) + seconds)
        url: str = S3Storage.url(self, name, parameters, seconds, http_method)
        return url


def _mark_of(signer: Any) -> Any:
    """Return the mark of a stand-in; anything else is marked by itself."""
    return signer.mark if isinstance(signer, _LateSigner) else signer


def _mend_transfer_config(config: Any) -> None:
    """Give a copied TransferConfig of boto3 its marker for what is unset back.

    The marker is an object() that boto3 compares by identity, and a copy has
    another one: without this, no copy of a storage could upload.
    """
    unset = {
        name: config.UNSET_DEFAULT for name, each in vars(config).items() if type(each) is object
    }
    vars(config).update(unset)


class CloudFrontFileSystemStorage(SignedUrlMixin, FileSystemStorage):
    """Store files on disk under the URLs that S3 files would have.

    For development with the local edge, which serves them as CloudFront
    serves a bucket. ``location`` is a folder, and ``base_url`` the path on
    the distribution: by default AWS_LOCATION, as for S3.
    """

    _base_url: str | None

    @property
    def base_url(self) -> str:
        """Return the path in front of every name, with slashes round it."""
        if self._base_url is None:
            return conf.base_url()
        return self._base_url if self._base_url.endswith("/") else f"{self._base_url}/"

    @classmethod
    def _has_fixed_paths(cls) -> bool:
        return (
            cls._url_path is CloudFrontFileSystemStorage._url_path
            and cls.base_url is CloudFrontFileSystemStorage.base_url
            # A class between the two may make paths of its own.
            and super(AddressMixin, cls).url is FileSystemStorage.url
            and not cls.has_properties()
        )

    def _url_path(self, name: str | None) -> str:
        refuse_dot_dot(name or "")
        return super()._url_path(clean_name(name or ""))
