"""The storages to name in STORAGES."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import IO, Any, Final, cast

from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage
from django.urls import NoReverseMatch, reverse
from django.utils.deconstruct import deconstructible
from django.utils.functional import cached_property
from storages.backends.s3 import S3Storage
from storages.utils import clean_name, setting

from cfsigned_django.core import conf
from cfsigned_django.core.conf import LazyPrivateKey, whole_seconds
from cfsigned_django.logs import log_once
from cfsigned_django.signing import HashAlgorithm
from cfsigned_django.signing.encoding import encode_name
from cfsigned_django.signing.signer import Signer
from cfsigned_django.storage import context, development, uploads
from cfsigned_django.storage.deconstruction import entries_of, fitting_entries
from cfsigned_django.storage.names import content_type_of, is_exact_name, refuse_dot_dot
from cfsigned_django.storage.options import OWN_KEY, refuse_unknown
from cfsigned_django.storage.signatures import lifetime
from cfsigned_django.storage.site_storages import find_storage
from cfsigned_django.storage.uploads import Upload
from cfsigned_django.storage.urls import SignedUrlMixin, StorageInternals

logger: Final = logging.getLogger("cfsigned_django.storage")

_NO_CREDENTIALS = (
    "A %s has no AWS credentials, so boto3 looks for some on this machine. Those in the OPTIONS of "
    "STORAGES (of %s) are for these aliases, and for a storage that has the same class and options "
    "as one of them alone. Where deconstruct() has sent a storage to another process, name the "
    "alias instead, or set AWS_S3_ACCESS_KEY_ID and AWS_S3_SECRET_ACCESS_KEY. This is logged once."
)


class _S3Internals(StorageInternals):
    """The internals of a :class:`CloudFrontS3Storage`."""

    storage: CloudFrontS3Storage
    #: The generation in which an overridden get_default_settings() was asked, and its answer.
    _theirs: tuple[object, Mapping[str, Any]] = (None, {})

    def handed_in(self) -> Any:
        """Return the signer that was handed in, or that a subclass makes; else OWN_KEY.

        As in django-storages, a subclass makes it in ``get_cloudfront_signer()``.
        """
        if self.storage.cloudfront_signer is not OWN_KEY:
            return super().handed_in()
        if type(self.storage).get_cloudfront_signer is CloudFrontS3Storage.get_cloudfront_signer:
            return OWN_KEY
        key_id, key = self.storage.cloudfront_key_id, self.storage.cloudfront_key
        return self.storage.get_cloudfront_signer(key_id, key) if key_id and key else OWN_KEY

    def theirs(self) -> Mapping[str, Any]:
        # Its own defaults are those of conf, which reads no settings but those that are asked for.
        if type(self.storage).get_default_settings is S3Storage.get_default_settings:
            return {}
        # Asked once, as django-storages does, and again when a setting changes.
        if self._theirs[0] is not conf.generation:
            found = conf.hide_all(self.storage.get_default_settings())  # type: ignore[no-untyped-call]
            self._theirs = conf.generation, found
        return self._theirs[1]

    def refuse_unknown(self, options: Mapping[str, Any]) -> None:
        # django-storages does so as well, but from a frame that has the key of the settings, and a
        # debug page prints its variables.
        known = list(self.theirs() or self.storage.get_default_settings())  # type: ignore[no-untyped-call]
        refuse_unknown(type(self.storage), options, known)
        _text(options.get("location", ""), "The option location")

    def path_start(self) -> str:
        if type(self.storage)._normalize_name is not S3Storage._normalize_name:
            return ""  # A path may depend on anything then, such as the request's tenant.
        path = self.storage._normalize_name("x")  # type: ignore[no-untyped-call]
        return f"/{encode_name(path)}".removesuffix("x")

    def path_of(self, name: str) -> str:
        return f"/{encode_name(self.storage._normalize_name(clean_name(name)))}"  # type: ignore[no-untyped-call]

    def url_if_not_signing(
        self,
        name: str | None,
        parameters: dict[str, Any] | None,
        expire: int | timedelta | None,
        http_method: str | None,
    ) -> str:
        """Return CloudFront's URL without a signature; without a domain, S3's own URL.

        S3's own is presigned, unless ``querystring_auth`` is False.
        """
        if self.storage.custom_domain:
            return super().url_if_not_signing(name, parameters, expire, http_method)
        refuse_dot_dot(name or "")
        seconds = None
        if self.storage.querystring_auth:
            most = whole_seconds(self.storage.max_expire) or 0
            seconds = lifetime(self.storage.querystring_expire if expire is None else expire, most)
            context.note(int(time.time()) + seconds)
        url: str = S3Storage.url(self.storage, name, parameters, seconds, http_method)
        return url


class _Location:
    """The option ``location``, which follows its setting as each :class:`Option` does."""

    def __get__(self, storage: Any, owner: type | None = None) -> Any:
        if storage is None:
            return self
        found = storage.cfsigned.theirs().get("location", setting("AWS_LOCATION", ""))
        return _text(found, "AWS_LOCATION")


def _text(location: Any, named: str) -> str:
    """Return the location of a storage. Raise :exc:`ImproperlyConfigured` if it is not text."""
    if isinstance(location, str):
        return location
    raise ImproperlyConfigured(
        f"{named} is {conf.shown(location)}. It must be the folder of the files in the bucket, "
        'such as "media", or "" for the whole bucket.'
    )


class _FileInternals(StorageInternals):
    """The internals of a :class:`CloudFrontFileSystemStorage`."""

    def theirs(self) -> Mapping[str, Any]:
        return development.defaults_of(self.storage)

    def path_of(self, name: str) -> str:
        return super().path_of(clean_name(name))


@deconstructible(path="cfsigned_django.storage.CloudFrontS3Storage")
class CloudFrontS3Storage(SignedUrlMixin, S3Storage):
    """Store files in a private S3 bucket and serve them through CloudFront.

    Uploads, reads and deletes are those of django-storages, with all of its
    settings and options. ``cloudfront_signer=None`` turns signing off, as it
    does there.
    """

    location: Any = _Location()

    @cached_property
    def cfsigned(self) -> StorageInternals:
        return _S3Internals(self)

    def _create_session(self) -> Any:
        """Return the session of boto3, as django-storages makes it before the first request."""
        own: Any = self
        if (
            not (own.session_profile or own.access_key)
            and any("secret_key" in each for each in entries_of(type(self)).values())
            # An alias without credentials uses those of the machine on purpose.
            and all("secret_key" in each for each in fitting_entries(self))
        ):
            aliases = conf.aliases_with("secret_key")
            log_once(logger.warning, _NO_CREDENTIALS, type(self).__qualname__, aliases)
        return super()._create_session()  # type: ignore[no-untyped-call]

    def _get_write_parameters(self, name: str, content: Any = None) -> dict[str, Any]:
        """Return the parameters with which S3 stores a file of this key, such as its type.

        django-storages takes the type that the browser said, if there is one.
        """
        if self.content_type_from_name is not False:
            own_type = content_type_of(name) or self.default_content_type
            content = SimpleNamespace(content_type=own_type)
        found: dict[str, Any] = super()._get_write_parameters(name, content)  # type: ignore[no-untyped-call]
        return found

    def sign_upload(
        self,
        name: str,
        *,
        size: int,
        content_type: str | None = None,
        expire: int | timedelta | None = None,
        owner: str = "",
    ) -> Upload:
        """Allow a browser to send one file to S3, and return what it needs for that.

        The file will have ``name`` with an unguessable folder before its last part, as
        ``Upload.name`` says. It must have exactly ``size`` bytes, and ``content_type``;
        None stands for the type that the ending of the name has, and so does anything if
        ``content_type_from_name`` is set. ``expire`` is for how
        long it may be sent, an hour if it is None. ``owner`` is any text that
        :meth:`finish_upload` must get again, such as ``f"avatar:{request.user.pk}"``.

        Up to 5 GB, the file is sent as a form, above in parts.

        Raise :exc:`ValueError` or :exc:`TypeError` for an argument that makes no sense, for a
        name below ``tmp/uploads/``, where uploads wait, and for one that is public; for one
        with ``..``, :exc:`SuspiciousFileOperation`.
        """
        return uploads.sign(
            self, name, size=size, content_type=content_type, expire=expire, owner=owner
        )

    def finish_upload(self, token: str, *, owner: str = "") -> str:
        """Keep the file that was sent, and return its name.

        The file gets the object parameters of this storage. No file is overwritten,
        whatever ``file_overwrite`` says. A second call returns the name again. Nothing
        but the size and the declared type is compared: look at the content afterwards.

        Raise :exc:`UploadError` if the token is not for this storage and owner, is older
        than 7 days, or if another file arrived than was signed; :exc:`UploadGone`
        if none arrived, and :exc:`UploadIncomplete` if parts are missing.
        """
        return uploads.finish(self, token, owner=owner)

    def get_cloudfront_signer(self, key_id: str, key: Any) -> Any:
        """Return a signer for ``cloudfront_signer``, like the method of django-storages."""
        name = self.hash_algorithm
        return Signer(
            key_pair_id=key_id,
            private_key=(LazyPrivateKey.wrap(key) or LazyPrivateKey("")).load(),
            hash_algorithm=None if name is None else HashAlgorithm(name),
        )


@deconstructible(path="cfsigned_django.storage.CloudFrontFileSystemStorage")
class CloudFrontFileSystemStorage(SignedUrlMixin, FileSystemStorage):
    """Store files on disk, and give them the URLs that they would have in S3.

    This is for development with the local edge, which serves the files as
    CloudFront serves a bucket. ``location`` is a folder on disk. ``base_url``
    is the path on the distribution, by default AWS_LOCATION, as for S3. With
    DEBUG, and without a key in the settings, it signs with one that is derived
    from SECRET_KEY, for the edge at 127.0.0.1:8001.
    """

    _base_url: str | None

    @cached_property
    def cfsigned(self) -> StorageInternals:
        return _FileInternals(self)

    @property
    def base_url(self) -> str:
        """Return the path in front of every name, with a slash at both ends."""
        if self._base_url is None:
            return conf.base_url()
        return self._base_url if self._base_url.endswith("/") else f"{self._base_url}/"


@deconstructible(path="cfsigned_django.storage.PermanentLinkStorage")
class PermanentLinkStorage(Storage):
    """Keep files in a storage that signs, and give them links that do not expire.

    For editors of rich text, which write the URL of an upload into the text. The
    link is the path of a :class:`~cfsigned_django.views.SignedRedirectView` with
    ``<path:name>`` in it. ``storage`` is the alias of the storage that keeps the
    files, ``url_name`` the name of the path. An editor that takes a class, but no
    options, gets a subclass with these two attributes.
    """

    storage: str = "default"
    url_name: str = "media"

    def __init__(self, *, storage: str | None = None, url_name: str | None = None) -> None:
        self.storage = storage or self.storage
        self.url_name = url_name or self.url_name

    def url(self, name: str | None) -> str:
        """Return the permanent link of a file: a path of this site.

        Raise :exc:`ImproperlyConfigured` if the site has no such path, and
        :exc:`ValueError` for a name of no file, to which the view would answer 404.
        """
        if not is_exact_name(name or ""):
            raise ValueError(
                f"The name {name!r} is not the name of a file, so no link leads to it. Pass the "
                "name as the storage returned it from save()."
            )
        try:
            return reverse(self.url_name, kwargs={"name": name})
        except NoReverseMatch:
            raise ImproperlyConfigured(
                f"No path with the name {self.url_name!r} takes the file name {name!r}. Add "
                'path("media/<path:name>", SignedRedirectView.as_view(permission=..., '
                f"storage={self.storage!r}), name={self.url_name!r}) to the URLs of the site, or "
                f"give {type(self).__name__} the url_name of the path that it has."
            ) from None

    @property
    def _files(self) -> Storage:
        return cast("Storage", find_storage(self.storage))

    def open(self, name: str, mode: str = "rb") -> File[Any]:
        return self._files.open(name, mode)

    def save(
        self, name: str | None, content: File[Any] | IO[Any], max_length: int | None = None
    ) -> str:
        return self._files.save(name, content, max_length)

    def delete(self, name: str) -> None:
        self._files.delete(name)

    def exists(self, name: str) -> bool:
        return self._files.exists(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        return self._files.listdir(path)

    def size(self, name: str) -> int:
        return self._files.size(name)

    def get_modified_time(self, name: str) -> datetime:
        return self._files.get_modified_time(name)
