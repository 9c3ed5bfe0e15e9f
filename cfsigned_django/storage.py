"""Offer the storages to name in STORAGES."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.files.storage import FileSystemStorage
from django.utils.encoding import filepath_to_uri
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

from cfsigned_django import conf
from cfsigned_django.checks import find_problems, raise_first_error, whole_seconds
from cfsigned_django.conf import KeySource
from cfsigned_django.keyring import get_signer
from cfsigned_django.signed_urls import (
    SignedUrlMixin as SignedUrlMixin,
    escape_asterisks,
    refuse_dot_dot,
)
from cfsigned_django.signing import Signer

# What a pickle leaves out and finds again in the settings.
_CREDENTIALS = ("secret_key", "security_token")

# A name that neither normalising nor percent-encoding would change.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")


class _OptionsSigner:
    """Stand in ``cloudfront_signer`` for the signer that the options make."""


class CloudFrontS3Storage(SignedUrlMixin, S3Storage):
    """Store files in a private S3 bucket and serve them through CloudFront.

    Uploads, reads and deletes are django-storages' own, with all of its
    settings and options. ``cloudfront_signer=None`` turns signing off, as
    there, and a signer of botocore's keeps django-storages' ``url()``.
    """

    access_key: Any
    location: str

    def url(
        self,
        name: str | None,
        parameters: dict[str, Any] | None = None,
        expire: int | timedelta | None = None,
        http_method: str | None = None,
        **conditions: Any,
    ) -> str:
        """Return a URL, with the arguments and errors of :meth:`SignedUrlMixin.url`."""
        if self._generation != conf.generation:
            self._follow_settings()
        if (self.querystring_auth or self.custom_domain) and self._is_own_signer():
            return super().url(name, parameters, expire, http_method, **conditions)
        return self._url_of_django_storages(name, parameters, expire, http_method, conditions)

    def get_cloudfront_signer(self, key_id: str, key: Any) -> Signer | _OptionsSigner:
        """Return a signer for ``cloudfront_signer``, as django-storages' method does."""
        if key is self.cloudfront_key:
            return _OptionsSigner()  # the constructor asks; no key is parsed before it is needed
        source = KeySource.wrap(key)
        assert source is not None  # noqa: S101
        return get_signer(source, key_id)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        for name in _CREDENTIALS:
            state.pop(name, None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self.__dict__.update(self._find_credentials())

    def _find_credentials(self) -> dict[str, Any]:
        """Return AWS's secrets for an unpickled storage: from its options or the settings."""
        for options in conf.all_storage_options():
            if self.access_key and options.get("access_key") == self.access_key:
                return {name: options.get(name) for name in _CREDENTIALS}
        defaults = S3Storage.get_default_settings(self)
        return {name: defaults[name] for name in _CREDENTIALS}

    def _is_own_signer(self) -> bool:
        signer = self.cloudfront_signer
        if signer is None:
            return self._needs_key
        return isinstance(signer, _OptionsSigner | Signer)

    def _is_signing(self) -> bool:
        return super()._is_signing() and (self.cloudfront_signer is not None or self._needs_key)

    def _given_signer(self) -> Signer | None:
        return self.cloudfront_signer if isinstance(self.cloudfront_signer, Signer) else None

    @classmethod
    def signs(cls, options: Mapping[str, Any]) -> bool:
        """Tell whether an instance with these options would sign its URLs."""
        signer = options.get("cloudfront_signer", getattr(cls, "cloudfront_signer", _OptionsSigner))
        return super().signs(options) and signer is not None

    @classmethod
    def needs_key(cls, options: Mapping[str, Any]) -> bool:
        """Tell whether no signer is handed in, so that the settings must hold a key."""
        return not ("cloudfront_signer" in options or hasattr(cls, "cloudfront_signer"))

    def _setting_defaults(self) -> dict[str, Any]:
        location = S3Storage.get_default_settings(self)["location"]
        return {**super()._setting_defaults(), "location": location}

    def _own_option_names(self) -> set[str]:
        return {*S3Storage.get_default_settings(self), "cloudfront_signer"}

    def _url_path(self, name: str | None) -> str:
        if name.__class__ is str:
            joined = f"{self.location.rstrip('/')}/{name}" if self.location else name
            if _PLAIN_NAME.fullmatch(joined):
                return f"/{joined}"
        refuse_dot_dot(name or "")
        key = self._normalize_name(clean_name(name or ""))  # type: ignore[no-untyped-call]
        return "/" + escape_asterisks(filepath_to_uri(key))

    def _url_of_django_storages(
        self,
        name: str | None,
        parameters: dict[str, Any] | None,
        expire: int | timedelta | None,
        http_method: str | None,
        conditions: dict[str, Any],
    ) -> str:
        """Return the URL where code said that this class shall not sign it itself."""
        if any(value is not None for value in conditions.values()):
            raise ValueError(
                f"{', '.join(conditions)} need the storage's own signer: set AWS_CLOUDFRONT_KEY "
                "and leave cloudfront_signer and querystring_auth alone."
            )
        refuse_dot_dot(name or "")
        if self.querystring_auth and self.cloudfront_signer is not None:
            raise_first_error(find_problems(self.signing_config(), with_key=False))
        elif self.custom_domain:
            return self.unsigned_url(name, parameters)
        seconds = whole_seconds(self.querystring_expire if expire is None else expire)
        url: str = S3Storage.url(self, name, parameters, seconds, http_method)
        return url


class CloudFrontFileSystemStorage(SignedUrlMixin, FileSystemStorage):
    """Store files on disk under the URLs that S3 files would have.

    For development with the local edge, which serves them as CloudFront
    serves a bucket. ``location`` is a folder, and ``base_url`` the path on
    the distribution: by default AWS_LOCATION, as for S3.
    """

    def __init__(self, location: Any = None, base_url: str | None = None, **options: Any) -> None:
        super().__init__(location, conf.base_url() if base_url is None else base_url, **options)
